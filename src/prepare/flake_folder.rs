//! The folder of a runner flake: written as a whole, and named after the digest of its files.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads and writes the state folder")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::failpoint::{Moment, Point, reach, run_step};
use crate::flake::{FlakeContent, FlakeFile, RenderedFlake, digest_files};
use crate::foreign::Beneath;
use crate::host;
use crate::id::Digest;
use crate::state::{StateLayout, TEMPORARY_PREFIX, sync_folder};

/// Writes a rendered flake into its folder, synced to the disk; replaces a folder with another digest.
pub(super) fn write_flake(layout: &StateLayout, rendered: &RenderedFlake, digest: &Digest) -> Result<()> {
    let parent = layout.flakes();
    let folder = layout.flake(digest);
    parent.make_folders().with_context(|| format!("making {}", parent.display()))?;
    // The prefix has the digest, so that the holder of this flake's lock can remove the drafts of killed processes.
    let prefix = format!("{TEMPORARY_PREFIX}{digest}-");
    remove_drafts(&parent, &prefix)?;
    reach(Point::Flake, Moment::Before)?;
    let mut draft = tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(&parent)
        .with_context(|| format!("making a folder in {}", parent.display()))?;
    for (name, file) in &rendered.files {
        let path = draft.path().join(name);
        write_file(&path, file).with_context(|| format!("writing {name} of the runner flake"))?;
    }
    // The names must survive a power loss too.
    let folders = rendered.files.keys().flat_map(|name| Path::new(name).ancestors().skip(1));
    for folder in folders.collect::<BTreeSet<_>>() {
        sync_folder(&Beneath::new(draft.path()).join(folder))?;
    }
    fs::set_permissions(draft.path(), Permissions::from_mode(0o755))
        .context("making the runner flake readable for Nix")?;
    if folder.is_there() {
        // The caller has checked that its digest differs from its name.
        run_step(Point::FlakeDiscard, || fs::remove_dir_all(&folder))
            .with_context(|| format!("removing the broken {}", folder.display()))?;
    }
    reach(Point::Flake, Moment::Synced)?;
    fs::rename(draft.path(), &folder).with_context(|| format!("making {}", folder.display()))?;
    draft.disable_cleanup(true);
    reach(Point::Flake, Moment::Renamed)?;
    sync_folder(&parent)?;
    reach(Point::Flake, Moment::After)?;
    if digest_folder(&folder)? != *digest {
        bail!("{} doesn't have the digest in its name, though it was just written", folder.display());
    }
    Ok(())
}

/// Removes the drafts of a flake that killed processes left.
fn remove_drafts(parent: &Beneath, prefix: &str) -> Result<()> {
    for entry in parent.entries().with_context(|| format!("reading {}", parent.display()))? {
        if entry.name.to_string_lossy().starts_with(prefix) {
            let path = parent.join(&entry.name);
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Writes a file of a flake, synced to the disk.
fn write_file(path: &Path, file: &FlakeFile) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut out = File::create_new(path)?;
    match &file.content {
        FlakeContent::Inline(bytes) => out.write_all(bytes)?,
        FlakeContent::Blob(blob) => host::decode(blob, &mut out)?,
    }
    out.set_permissions(Permissions::from_mode(if file.executable { 0o755 } else { 0o644 }))?;
    out.sync_all()?;
    Ok(())
}

/// Returns the digest of a flake's folder on the disk.
///
/// # Errors
/// When the folder has a link or a device, or a file can't be read.
pub(super) fn digest_folder(folder: &Beneath) -> Result<Digest> {
    let mut files = BTreeMap::new();
    let mut remaining = vec![folder.clone()];
    while let Some(current) = remaining.pop() {
        for entry in current.entries().with_context(|| format!("reading {}", current.display()))? {
            let path = current.join(&entry.name);
            if entry.is_folder {
                remaining.push(path);
            } else {
                let name = path.strip_prefix(&**folder)?.to_str().context("a file's name isn't UTF-8")?.to_owned();
                let hashed = hash_file(&path).with_context(|| format!("reading {}", path.display()))?;
                files.insert(name, hashed);
            }
        }
    }
    Ok(digest_files(files.iter().map(|(name, (executable, hash))| (name.as_str(), *executable, hash.clone()))))
}

/// Returns whether a file is executable, and the digest of its content.
fn hash_file(path: &Beneath) -> io::Result<(bool, Digest)> {
    let mut file = path.open()?;
    let executable = file.metadata()?.permissions().mode() & 0o100 != 0;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((executable, Digest::from_hasher(hasher))),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

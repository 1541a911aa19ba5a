//! The artifacts of other jobs for the workspace of a job.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "links, copies and reads artifacts")]

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Seek as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::foreign::Beneath;
use crate::id::{Digest, JobId};
use crate::record::{Artifact, Manifest, artifact_links};
use crate::state::{AttemptLayout, read_manifest, remove_tree};

/// The artifacts of a job that are an input of another one.
#[derive(Clone, Debug)]
pub struct JobInput {
    /// The job that left the artifacts.
    pub job: JobId,
    /// The folder for the artifacts, relative to the workspace; empty for the workspace itself.
    pub to: String,
    /// Folder of the artifacts, whose manifest lies beside it.
    pub folder: Beneath,
}

/// The way in which the file of an artifact comes into a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// By a hard link, for a guest, which can't change the file.
    Link,
    /// As a copy.
    Copy,
}

/// Puts the artifacts of all inputs into a folder. A file takes the place of what is at its path, and no link of the
/// folder is followed.
///
/// # Errors
/// When an artifact is missing or has changed since its job left it, or can't be written.
pub fn place_inputs(inputs: &[JobInput], folder: &Path, placement: Placement) -> Result<()> {
    for input in inputs {
        place_input(input, folder, placement).with_context(|| format!("the artifacts of the job {}", input.job))?;
    }
    Ok(())
}

fn place_input(input: &JobInput, folder: &Path, placement: Placement) -> Result<()> {
    let attempt = AttemptLayout::new(input.folder.parent().context("they have no manifest")?);
    let manifest = read_manifest(&attempt.manifest())?;
    for artifact in &manifest.files {
        let path = Path::new(artifact.clean_path());
        ensure!(is_plain(path), "{:?} isn't the path of an artifact", artifact.path);
        let source = input.folder.join(path);
        let mut file = source.open().with_context(|| format!("{} is missing", path.display()))?;
        check(&mut file, artifact).with_context(|| path.display().to_string())?;
        let copying = || format!("copying {} to {}", source.display(), folder.display());
        place_file(&mut file, &source, folder, &Path::new(&input.to).join(path), placement).with_context(copying)?;
    }
    place_links(&manifest, &folder.join(&input.to))
}

/// Makes the links of a manifest that lead to its files.
fn place_links(manifest: &Manifest, folder: &Path) -> Result<()> {
    let links = manifest.links.iter().map(|link| (link.path.clone(), link.target.clone())).collect();
    for link in artifact_links(manifest.files.iter().map(Artifact::clean_path), links) {
        if link.kept && is_plain(Path::new(&link.path)) {
            let linking = || format!("making the link {}", link.path);
            let path = make_room(folder, Path::new(&link.path)).with_context(linking)?;
            symlink(&link.target, path).with_context(linking)?;
        }
    }
    Ok(())
}

/// Returns whether a path leads to a file below its folder, outside of repositories.
fn is_plain(path: &Path) -> bool {
    let is_name = |part: Component<'_>| match part {
        Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
        _ => false,
    };
    path.file_name().is_some() && path.components().all(is_name)
}

/// Compares an artifact with its entry in the manifest.
fn check(file: &mut File, artifact: &Artifact) -> Result<()> {
    let len = file.metadata()?.len();
    ensure!(len == artifact.len, "it has {len} bytes, and its job left {}", artifact.len);
    if let Some(digest) = &artifact.sha256 {
        let mut hasher = HashWriter(Sha256::new());
        io::copy(file, &mut hasher)?;
        ensure!(Digest::from_hasher(hasher.0) == *digest, "it has changed since its job left it");
        file.rewind()?;
    }
    Ok(())
}

/// A hasher as the target of a copy.
struct HashWriter(Sha256);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Puts a file at a path below a folder.
fn place_file(file: &mut File, source: &Path, folder: &Path, path: &Path, placement: Placement) -> io::Result<()> {
    let target = make_room(folder, path)?;
    if placement == Placement::Link && fs::hard_link(source, &target).is_ok() {
        return Ok(());
    }
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let mut copy = File::create_new(&target)?;
    io::copy(file, &mut copy)?;
    copy.set_permissions(Permissions::from_mode(mode))
}

/// Makes the folders on the way to a path, in place of links and files, and removes what is at the path.
fn make_room(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut full = folder.to_owned();
    let parts: Vec<&std::ffi::OsStr> = path.iter().collect();
    for (index, part) in parts.iter().enumerate() {
        full.push(part);
        let is_last = index + 1 == parts.len();
        match fs::symlink_metadata(&full) {
            Ok(meta) if meta.is_dir() && !is_last => continue,
            Ok(meta) if meta.is_dir() => remove_tree(&full).map_err(io::Error::other)?,
            Ok(_) => fs::remove_file(&full)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if !is_last {
            fs::create_dir(&full)?;
        }
    }
    Ok(full)
}

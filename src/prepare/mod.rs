//! One Prepare node: write the rendered flake, `nix build` it, keep its GC root; or find that all of it stands.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads and writes the state folder")]

mod advice;
mod inputs;
mod runner;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::cancel::{Cancel, Urgency};
use crate::doctor::{self, Finding};
use crate::failpoint::{Moment, Point, around, reach};
use crate::flake::{self, FlakeContent, FlakeFile, RenderedFlake};
use crate::foreign::Beneath;
use crate::host;
use crate::id::Digest;
use crate::nix::{Build, Built, Nix};
use crate::state::{FileLock, StateLayout, TEMPORARY_PREFIX, sync_folder};
use inputs::FlakeInputs;
pub use runner::{Boot, Runner};

/// The longest log of a build that is searched for known failures, in bytes.
const LOG_LIMIT: u64 = 128 << 20;

/// Why a runner can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Nix is too old, or may not change the store.
    #[error("{}", .0.what)]
    Nix(Finding),
    /// The store holds something else than what was built.
    #[error("{} is damaged: files are missing or have another size than when Nix built them", path.display())]
    Damaged {
        /// The runner.
        path: PathBuf,
        /// The command that repairs it.
        repair: String,
    },
    /// The store isn't where its paths say.
    #[error("nix built {} in a store in another folder", path.display())]
    Elsewhere {
        /// The runner.
        path: PathBuf,
    },
    /// An input of the flake lies on this machine.
    #[error("the project's flake.lock has an input on this machine: node {node:?} is {reference}")]
    LocalInput {
        /// The node of the lock.
        node: String,
        /// The input.
        reference: String,
    },
    /// The state folder can't be written, or Nix can't be started.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl PrepareError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Nix(finding) => finding.remedy.clone().unwrap_or_default(),
            Self::Damaged { repair, .. } => repair.clone(),
            Self::Elsewhere { .. } => doctor::ELSEWHERE.to_owned(),
            Self::LocalInput { .. } => flake::LOCAL_INPUT.to_owned(),
            Self::Other(_) => "pikaci run, once that is mended".to_owned(),
        }
    }
}

/// How a Prepare node ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// The runner stood already; no Nix process was started.
    Cached(Runner),
    /// The runner was built.
    Built(Runner),
    /// Nix couldn't build it; why is in the log, and maybe what to do about it is known.
    Failed(Option<String>),
    /// The build took longer than it may.
    Late,
    /// It was asked to end.
    Cancelled,
}

/// Brings about the runner of a flake; `rendered` is what to write when its folder isn't there or isn't whole.
///
/// # Errors
/// When the state folder can't be written, or Nix is missing or too old.
pub fn prepare(
    layout: &StateLayout,
    nix: &Nix,
    digest: &Digest,
    rendered: Option<&RenderedFlake>,
    log: &Beneath,
    timeout: Duration,
    cancel: &Cancel,
) -> Result<Prepared, PrepareError> {
    let link = layout.runner(nix.store().id(), digest);
    if let Some(runner) = find(nix, &link) {
        return Ok(Prepared::Cached(runner));
    }
    // One build per flake, however many processes want it.
    let Some(_lock) = lock(&layout.lock(&format!("flake-{digest}")), cancel)? else {
        return Ok(Prepared::Cancelled);
    };
    if let Some(runner) = find(nix, &link) {
        return Ok(Prepared::Cached(runner));
    }
    if let Some(finding) = doctor::too_old(nix.program(), nix.version()?) {
        return Err(PrepareError::Nix(finding));
    }
    let folder = layout.flake(digest);
    if digest_of(&folder).ok().as_ref() != Some(digest) {
        let rendered = rendered.ok_or_else(|| anyhow!("the rendered flake {} is gone", folder.display()))?;
        write_flake(layout, rendered, digest)?;
    }
    let inputs = FlakeInputs::read(&folder)?;
    if let Some((node, input)) = inputs.local.iter().next().filter(|_| !nix.allows_local_inputs()) {
        // The plan refuses them too, but a recorded one was made with a consent of its own.
        return Err(PrepareError::LocalInput { node: node.clone(), reference: input.reference.clone() });
    }
    if let Some(parent) = link.parent() {
        parent.make_folders().with_context(|| format!("making {}", parent.display()))?;
    }
    let cache = layout.nix_cache();
    cache.make_folders().with_context(|| format!("making {}", cache.display()))?;
    let local: Vec<PathBuf> = inputs.local.into_values().filter_map(|input| input.path).collect();
    let build = Build {
        folder: &folder,
        output: "runner",
        inputs: &local,
        uses_ssh: inputs.uses_ssh,
        link: &link,
        cache: &cache,
        log,
        timeout,
    };
    match nix.build(build, cancel)? {
        Built::Yes => Ok(Prepared::Built(built(nix, &link)?)),
        Built::No => {
            let said = log.read(LOG_LIMIT).unwrap_or_default();
            let said = String::from_utf8_lossy(&said);
            match doctor::unconfined(&said).or_else(|| doctor::denied(&said)) {
                Some(finding) => Err(PrepareError::Nix(finding)),
                None => Ok(Prepared::Failed(advice::advice(&said))),
            }
        }
        Built::Late => Ok(Prepared::Late),
        Built::Cancelled => Ok(Prepared::Cancelled),
    }
}

/// Waits for a lock, but not any more when it is asked to end.
fn lock(path: &Beneath, cancel: &Cancel) -> Result<Option<FileLock>> {
    while cancel.urgency() == Urgency::None {
        if let Some(lock) = FileLock::try_exclusive(Point::FlakeLock, path)? {
            return Ok(Some(lock));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(None)
}

/// Returns the runner that a GC root holds, if the root resolves, the store has it and every file is there whole.
fn find(nix: &Nix, link: &Path) -> Option<Runner> {
    let path = nix.store().held(link)?;
    Runner::at(&path).filter(|_| nix.store().has_root(link))
}

/// Returns the runner that Nix says it has built.
fn built(nix: &Nix, link: &Path) -> Result<Runner, PrepareError> {
    let store = nix.store();
    let path = store.held(link).with_context(|| format!("reading {}", link.display()))?;
    if !store.has_root(link) {
        // The same path may be in this store too, but then nothing keeps it.
        return Err(PrepareError::Elsewhere { path });
    }
    let repair = store.repair(&path);
    Runner::at(&path).ok_or(PrepareError::Damaged { path, repair })
}

fn write_flake(layout: &StateLayout, rendered: &RenderedFlake, digest: &Digest) -> Result<()> {
    let parent = layout.flakes();
    let folder = layout.flake(digest);
    parent.make_folders().with_context(|| format!("making {}", parent.display()))?;
    // The name tells whose draft it is: whoever holds this flake's lock removes what a killed process left.
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
    // Their names are to survive a power loss as the files do.
    let folders = rendered.files.keys().flat_map(|name| Path::new(name).ancestors().skip(1));
    for folder in folders.collect::<BTreeSet<_>>() {
        sync_folder(&Beneath::new(draft.path()).join(folder))?;
    }
    fs::set_permissions(draft.path(), Permissions::from_mode(0o755)).context("opening the runner flake to Nix")?;
    if folder.is_there() {
        // It was looked at before: it isn't what its name says.
        around(Point::FlakeDiscard, || fs::remove_dir_all(&folder))
            .with_context(|| format!("removing the broken {}", folder.display()))?;
    }
    reach(Point::Flake, Moment::Synced)?;
    fs::rename(draft.path(), &folder).with_context(|| format!("making {}", folder.display()))?;
    draft.disable_cleanup(true);
    reach(Point::Flake, Moment::Renamed)?;
    sync_folder(&parent)?;
    reach(Point::Flake, Moment::After)?;
    if digest_of(&folder)? != *digest {
        bail!("{} isn't what its name says, though it was just written", folder.display());
    }
    Ok(())
}

/// Removes the drafts of a flake that nobody is writing any more.
fn remove_drafts(parent: &Beneath, prefix: &str) -> Result<()> {
    for entry in parent.entries().with_context(|| format!("reading {}", parent.display()))? {
        if entry.name.to_string_lossy().starts_with(prefix) {
            let path = parent.join(&entry.name);
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

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

/// Returns the digest of a flake's folder as it lies on the disk; one with a link or a device in it is no flake.
fn digest_of(folder: &Beneath) -> Result<Digest> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.clone()];
    while let Some(place) = open.pop() {
        for entry in place.entries().with_context(|| format!("reading {}", place.display()))? {
            let path = place.join(&entry.name);
            if entry.is_folder {
                open.push(path);
            } else {
                let name = path.strip_prefix(&**folder)?.to_str().context("a file's name isn't UTF-8")?.to_owned();
                let hashed = hash(&path).with_context(|| format!("reading {}", path.display()))?;
                files.insert(name, hashed);
            }
        }
    }
    Ok(flake::digest_files(files.iter().map(|(name, (executable, hash))| (name.as_str(), *executable, hash.clone()))))
}

/// Returns whether a file is executable, and the digest of what it holds.
fn hash(path: &Beneath) -> io::Result<(bool, Digest)> {
    let mut file = path.open()?;
    let executable = file.metadata()?.permissions().mode() & 0o100 != 0;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((executable, Digest::finish(hasher))),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

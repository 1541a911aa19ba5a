//! Value of a job file that Nix evaluates, with its cache.

#![expect(clippy::disallowed_methods, reason = "copies the files of the project into a temporary folder")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, anyhow, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::programs::confined_nix;
use crate::cli::project::Project;
use crate::config::SnapshotGlobs;
use crate::execute::qemu::jail::JailChoice;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::host::{self, FactsRequest, HashCache};
use crate::id::Digest;
use crate::nix::Evaluation;
use crate::plan::select::JOB_FILE;
use crate::process::own_path;
use crate::snapshot::{self, EntryKind, Tree};
use crate::state::{TemporaryFolder, write_json};

const SCHEMA_VERSION: u32 = 1;
/// Maximum size of the cache, in bytes.
const CACHE_LIMIT: u64 = 32 << 20;
/// Maximum size of a file of the project that Nix can read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;
/// Maximum size of all files that Nix can read, in bytes.
const TOTAL_LIMIT: u64 = 256 << 20;

/// A value that Nix computed from the files of a project.
#[derive(Debug, Serialize, Deserialize)]
pub struct NixValue {
    schema_version: u32,
    /// Digest of everything that Nix could read: the files of the source tree, and the job file.
    digest: Digest,
    value: Value,
    /// True if the value comes from the cache.
    #[serde(skip)]
    is_cached: bool,
}

impl NixValue {
    /// Evaluates the job file with Nix, unless the cache has the value for the same files. Writes no cache.
    pub fn of(project: &Project, text: &str, reason: &str) -> Result<Self, Failure> {
        let tree = snapshot::read_tree(&project.root, &project.state, &SnapshotGlobs::default());
        let tree = tree.map_err(|error| project.snapshot_failure(error))?;
        let digest = Digest::of(format!("{}\n{text}", tree.digest()).as_bytes());
        let cached = project.state.job_file_cache().read(CACHE_LIMIT).ok();
        let cached = cached.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        match cached.filter(|cached| cached.schema_version == SCHEMA_VERSION && cached.digest == digest) {
            Some(cached) => Ok(Self { is_cached: true, ..cached }),
            None => Ok(Self {
                schema_version: SCHEMA_VERSION,
                digest,
                value: evaluate(&tree, text, reason)?,
                is_cached: false,
            }),
        }
    }

    /// Returns the value.
    pub fn json(&self) -> &Value {
        &self.value
    }

    /// Writes the cache, which has the newest value only.
    pub fn save(&self, project: &Project) -> anyhow::Result<()> {
        if self.is_cached { Ok(()) } else { write_json(Point::HostCache, &project.state.job_file_cache(), self) }
    }
}

fn evaluate(tree: &Tree, text: &str, reason: &str) -> Result<Value, Failure> {
    let facts = host::gather_facts(&FactsRequest::new(own_path(), BTreeSet::new()), &HashCache::default());
    let needs_nix = || format!("{JOB_FILE} needs Nix, because of {reason}");
    let nix = confined_nix(&facts, JailChoice::Auto).map_err(|failure| failure.context(needs_nix()))?;
    let folder = TemporaryFolder::make(&std::env::temp_dir())?;
    copy_files(tree, text, folder.path())?;
    let evaluation = nix.evaluate_file(folder.path(), JOB_FILE).map_err(|error| {
        let hint = "write the file without this form, or correct Nix: pikaci doctor";
        Failure::new(Exit::NoVm, error.context(needs_nix())).hint(hint)
    })?;
    match evaluation {
        Evaluation::Value(json) => Ok(serde_json::from_slice(&json).context("decoding the value that Nix printed")?),
        Evaluation::Refused(message) => {
            let error = anyhow!("Nix can't evaluate {JOB_FILE}:\n{message}");
            let hint = format!(
                "correct the file. Nix evaluates it because of {reason}. It can neither build nor fetch, nor read \
                 files that git ignores or that are outside of the project"
            );
            Err(Failure::new(Exit::Usage, error).hint(hint))
        }
    }
}

/// Copies the files of a source tree that are small enough. The tree has none of the files that git ignores.
fn copy_files(tree: &Tree, text: &str, folder: &Path) -> anyhow::Result<()> {
    let root = Beneath::new(tree.root());
    let mut left = TOTAL_LIMIT;
    for entry in tree.entries() {
        let target = folder.join(entry.path());
        let context = || format!("copying {} for Nix", entry.path().display());
        fs::create_dir_all(target.parent().unwrap_or(folder)).with_context(context)?;
        match &entry.kind {
            EntryKind::EmptyFolder => fs::create_dir_all(&target).with_context(context)?,
            EntryKind::Symlink { target: to } => {
                symlink(std::ffi::OsStr::from_bytes(to), &target).with_context(context)?;
            }
            EntryKind::File { content, .. } => match root.join(entry.path()).read(FILE_LIMIT.min(left)) {
                Ok(bytes) => {
                    // Otherwise the cache would have the value of other files.
                    ensure!(Sha256::digest(&bytes)[..] == content[..], "{} changed", entry.path().display());
                    left = left.saturating_sub(bytes.len() as u64);
                    fs::write(&target, bytes).with_context(context)?;
                }
                Err(error) if error.kind() == ErrorKind::FileTooLarge => {}
                Err(error) => return Err(error).with_context(context),
            },
        }
    }
    let job_file = folder.join(JOB_FILE);
    fs::write(&job_file, text).with_context(|| format!("writing {}", job_file.display()))
}

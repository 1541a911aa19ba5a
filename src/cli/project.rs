//! The project: its job file, its other files, and the facts that git and this host have about them.

#![expect(clippy::disallowed_methods, reason = "locates the job file and reads PATH")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, is_full};
use crate::cli::plan_args::PlanArgs;
use crate::cli::project_args::ProjectArgs;
use crate::cli::read_changed_files::read_changed_files;
use crate::config::{self, Base, Config, Guest, ResultCache, SnapshotGlobs};
use crate::facts::HostFacts;
use crate::flake::ProjectFiles;
use crate::foreign::Beneath;
use crate::host::{self, FactsRequest, HashCache};
use crate::plan::select::{Changes, JOB_FILE, JOB_FILES, Selection};
use crate::process::own_path;
use crate::snapshot::{self, ChangedFiles, GuestRepository, Tree};
use crate::state::{self, STATE_FOLDER, StateLayout};
use crate::text::quote;

/// Maximum size of a job file, in bytes.
pub const JOB_FILE_LIMIT: u64 = 1 << 20;
/// Maximum size of a Nix file of a project, in bytes.
const NIX_FILE_LIMIT: u64 = 1 << 20;
/// Maximum size of a flake.lock, in bytes.
const LOCK_LIMIT: u64 = 16 << 20;
/// Remedy where there is no project.
const NO_PROJECT_HINT: &str = "go to your project, or name it: pikaci -C DIR …";

/// A project on this machine.
#[derive(Debug)]
pub struct Project {
    /// Folder of the job file.
    pub root: PathBuf,
    /// Name of the job file.
    pub job_file: &'static str,
    /// The state folder, which may not exist yet.
    pub state: StateLayout,
}

impl Project {
    /// Locates the job file in the chosen folder or above it. Refuses a state folder that isn't the operator's own.
    pub fn locate(project_args: &ProjectArgs) -> Result<Self, Failure> {
        let project = Self::locate_unverified(project_args)?;
        verify_state(project.state.root())?;
        Ok(project)
    }

    /// Locates the job file, without reading anything of the state folder.
    pub fn locate_unverified(project_args: &ProjectArgs) -> Result<Self, Failure> {
        let start = chosen_folder(project_args)?;
        // The nearest job file is the project's; a folder above it may be another project.
        let files_of = |folder: &Path| -> Vec<&'static str> {
            JOB_FILES.into_iter().filter(|name| folder.join(name).symlink_metadata().is_ok()).collect()
        };
        let mut folders = start.ancestors().map(|folder| (folder, files_of(folder)));
        let (root, job_file) = match folders.find(|(_, files)| !files.is_empty()) {
            Some((root, files)) if files.len() == 1 => (root, files[0]),
            Some((root, files)) => {
                let error = anyhow!("{} has two job files: {}", root.display(), files.join(" and "));
                return Err(Failure::new(Exit::Usage, error).hint("remove one of them"));
            }
            None => {
                let error = anyhow!("neither {} nor a folder above it has a {JOB_FILE}", start.display());
                return Err(Failure::new(Exit::Usage, error).hint(NO_PROJECT_HINT));
            }
        };
        Self::of_folder(root.to_path_buf(), job_file, project_args)
    }

    /// Returns the project that the chosen folder is to become, which needs no job file.
    pub fn to_begin(project_args: &ProjectArgs) -> Result<Self, Failure> {
        Self::of_folder(chosen_folder(project_args)?, JOB_FILE, project_args)
    }

    fn of_folder(root: PathBuf, job_file: &'static str, project_args: &ProjectArgs) -> Result<Self, Failure> {
        let state_root = match &project_args.state_root {
            Some(root) => absolute(root)?,
            None => root.join(STATE_FOLDER),
        };
        Ok(Self { root, job_file, state: StateLayout::new(state_root) })
    }

    /// Locates the state folder; with `--state-root` it needs no job file. Refuses a state folder that isn't the
    /// operator's own.
    pub fn locate_state(project_args: &ProjectArgs) -> Result<StateLayout, Failure> {
        let state = Self::locate_state_unverified(project_args)?;
        verify_state(state.root())?;
        Ok(state)
    }

    /// Locates the state folder, without reading anything of it.
    pub fn locate_state_unverified(project_args: &ProjectArgs) -> Result<StateLayout, Failure> {
        match &project_args.state_root {
            Some(root) => Ok(StateLayout::new(absolute(root)?)),
            None => Ok(Self::locate_unverified(project_args)?.state),
        }
    }

    /// Reads a file of the project; returns `None` if it doesn't exist.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let file = Beneath::new(&self.root).join(name);
        match file.read(limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let is_foreign = matches!(
                    error.kind(),
                    ErrorKind::InvalidInput | ErrorKind::FileTooLarge | ErrorKind::NotADirectory
                );
                let failure = anyhow!(error).context(format!("reading {}", file.display()));
                if is_foreign {
                    let hint = format!("replace it by a regular file of at most {limit} bytes");
                    Err(Failure::new(Exit::Usage, failure).hint(hint))
                } else {
                    Err(failure.into())
                }
            }
        }
    }

    /// Creates the state folder if it doesn't exist.
    pub fn open_state(&self) -> Result<(), Failure> {
        state::open(self.state.root())?;
        Ok(())
    }

    /// Returns the changed files, or the reason for which files are not compared.
    pub fn read_changes(&self, args: &PlanArgs, config: &Config) -> Result<Changes, Failure> {
        if args.all {
            return Ok(Changes::NotCompared("--all".to_owned()));
        }
        if let Some(list) = &args.changed_files {
            let files = read_changed_files(list)?;
            return Ok(Changes::Files {
                files,
                comparison: "according to --changed-files".to_owned(),
                before: None,
                ignored: Vec::new(),
            });
        }
        if !args.affected && config.jobs.values().all(|job| job.paths.is_empty()) {
            return Ok(Changes::NotCompared("no job has `paths`".to_owned()));
        }
        let changed = snapshot::changed_files(&self.root, args.base.as_deref());
        Ok(match changed.map_err(|error| self.snapshot_failure(error))? {
            ChangedFiles::All { reason } => Changes::NotCompared(reason),
            ChangedFiles::Listed(files) if files.is_empty() && args.base.is_none() && !args.affected => {
                Changes::NotCompared("the working tree has no changes".to_owned())
            }
            ChangedFiles::Listed(files) => Changes::Files {
                before: self.read_before(&files, args.base.as_deref()),
                files: files.iter().map(|file| file.to_string_lossy().into_owned()).collect(),
                comparison: format!("against {}", args.base.as_deref().unwrap_or("HEAD")),
                ignored: Vec::new(),
            },
        })
    }

    /// Returns the job file before the changes, if it is among the changed files. Returns `None` for one that only Nix can
    /// evaluate, and for JSON.
    fn read_before(&self, changed: &BTreeSet<PathBuf>, base: Option<&str>) -> Option<Box<Config>> {
        if !changed.contains(Path::new(self.job_file)) {
            return None;
        }
        let text = snapshot::committed_file(&self.root, base, self.job_file, JOB_FILE_LIMIT).ok()??;
        config::read(self.job_file, &String::from_utf8(text).ok()?).ok().map(Box::new)
    }

    /// Reads the source tree, and writes no files.
    pub fn read_tree(&self, config: &Config) -> Result<Tree, Failure> {
        snapshot::read_tree(&self.root, &self.state, &config.snapshot).map_err(|error| self.snapshot_failure(error))
    }

    /// Reads the repository of the project if a job gets it.
    pub fn read_repository(&self, is_used: bool, globs: &SnapshotGlobs) -> Result<Option<GuestRepository>, Failure> {
        let read = || snapshot::read_repository(&self.root, globs).map_err(|error| self.snapshot_failure(error));
        is_used.then(read).transpose()
    }

    /// Returns the failure of reading or copying the source tree, with a remedy for this project.
    pub fn snapshot_failure(&self, error: snapshot::Error) -> Failure {
        let root = quote(&self.root.to_string_lossy());
        let hint = match &error {
            snapshot::Error::Read { .. } if !self.root.ancestors().any(|folder| folder.join(".git").exists()) => {
                Some("make it readable, or move it out of the project".to_owned())
            }
            snapshot::Error::Git { .. } => Some(format!("read the message of git: git -C {root} status")),
            snapshot::Error::Other(cause) if is_full(cause) => {
                let state = self.state.root().display();
                Some(format!("make room in {state}, or name a folder on another disk with --state-root"))
            }
            _ => None,
        };
        let failure = Failure::from(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }

    /// Gathers the facts about this host, and the hashes of its files.
    pub fn gather_facts(&self, config: &Config, selection: &Selection) -> (HostFacts, HashCache) {
        let cache = HashCache::load(&self.hash_cache());
        let guests = selection.jobs.iter().map(|job| &config.guests[&config.jobs[job].guest]);
        let of_host = guests.filter(|guest| matches!(guest.base, None | Some(Base::Host)));
        let kernels = of_host.map(|guest| guest.kernel.clone()).collect();
        let userland = selection.jobs.iter().any(|job| config.jobs[job].cache != ResultCache::Off);
        let request = FactsRequest { userland, ..FactsRequest::new(own_path(), kernels) };
        let facts = host::gather_facts(&request, &cache);
        (facts, cache)
    }

    /// Reads the files that the guests of the selected jobs name, and the project's flake if a guest is made from
    /// nixpkgs.
    pub fn read_guest_files(&self, config: &Config, selection: &Selection) -> Result<ProjectFiles, Failure> {
        let names: BTreeSet<&String> = selection.jobs.iter().map(|job| &config.jobs[job].guest).collect();
        let guests: Vec<&Guest> = names.into_iter().map(|guest| &config.guests[guest]).collect();
        let mut files = BTreeMap::new();
        for name in guests.iter().flat_map(|guest| &guest.modules) {
            files.extend(self.read(name, NIX_FILE_LIMIT)?.map(|bytes| (name.clone(), bytes)));
        }
        // The plan reports a missing file that a guest needs.
        if guests.iter().any(|guest| !matches!(guest.base, Some(Base::Host | Base::None))) {
            for (name, limit) in [("flake.nix", NIX_FILE_LIMIT), ("flake.lock", LOCK_LIMIT)] {
                files.extend(self.read(name, limit)?.map(|bytes| (name.to_owned(), bytes)));
            }
        }
        let mut files = ProjectFiles(files);
        if guests.iter().any(|guest| guest.dev_shell.is_some()) {
            // The plan reports an invalid lock.
            for folder in files.flake_folders().unwrap_or_default() {
                let name = format!("{folder}/flake.nix");
                files.0.extend(self.read(&name, NIX_FILE_LIMIT)?.map(|bytes| (name, bytes)));
            }
        }
        Ok(files)
    }

    /// Returns the file that caches the hashes of the host's files.
    pub fn hash_cache(&self) -> Beneath {
        self.state.hash_cache()
    }
}

/// Refuses a state folder that other users own or can write, or that git tracks.
pub fn verify_state(root: &Path) -> Result<(), Failure> {
    state::verify_ownership(root)?;
    if let Some(tracked) = snapshot::tracked_file(root)? {
        let error = anyhow!("the state folder {} came with the repository: git tracks {tracked}", root.display());
        let hint = "remove it from git's index and from here, or name another folder with --state-root";
        return Err(Failure::new(Exit::Usage, error).hint(hint));
    }
    Ok(())
}

/// Returns the folder that the operator chose, or the current one, without links.
fn chosen_folder(project_args: &ProjectArgs) -> Result<PathBuf, Failure> {
    let folder = project_args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    fs::canonicalize(&folder)
        .with_context(|| format!("resolving {}", folder.display()))
        .map_err(|error| Failure::new(Exit::Usage, error).hint(NO_PROJECT_HINT))
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("resolving {}", path.display()))
}

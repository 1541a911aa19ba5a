//! The project: where its job file is, what it says, and what this machine and git say of it.

#![expect(clippy::disallowed_methods, reason = "finds and reads the job file, and asks for PATH")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::cli::failure::is_full;
use crate::cli::failure::{Exit, Failure};
use crate::cli::plan_args::PlanArgs;
use crate::cli::project_args::ProjectArgs;
use crate::config::{self, Base, Config, Guest};
use crate::doctor::LOWER_MEMORY;
use crate::flake::{FlakeError, LOCAL_INPUT, ProjectFiles};
use crate::foreign::Beneath;
use crate::guest::quote;
use crate::host::{self, Gather, HashCache};
use crate::plan::facts::HostFacts;
use crate::plan::select::{Changes, JOB_FILE, Selection};
use crate::plan::{self, Plan, PlanError, PlanInput};
use crate::process::own_path;
use crate::snapshot::{self, ChangedFiles, Tree};
use crate::state::{self, StateLayout};

/// The longest job file that is read, in bytes.
pub const JOB_FILE_LIMIT: u64 = 1 << 20;
/// The longest Nix file of a project that is read, in bytes.
const SOURCE_LIMIT: u64 = 1 << 20;
/// The longest flake.lock that is read, in bytes.
const LOCK_LIMIT: u64 = 16 << 20;
/// What to do where there is no project.
const GO: &str = "go to your project, or name it: pikaci -C DIR …";

/// A project on this machine.
#[derive(Debug)]
pub struct Project {
    /// The folder of the job file.
    pub root: PathBuf,
    /// The state folder, whether it is there or not.
    pub state: StateLayout,
}

impl Project {
    /// Finds the job file in the folder that is asked for, or above it, and refuses a state folder of others.
    pub fn find(project_args: &ProjectArgs) -> Result<Self, Failure> {
        let project = Self::locate(project_args)?;
        verify_state(project.state.root())?;
        Ok(project)
    }

    /// Finds the job file, and looks at nothing of the state folder.
    pub fn locate(project_args: &ProjectArgs) -> Result<Self, Failure> {
        let start = project_args.directory.clone().unwrap_or_else(|| PathBuf::from("."));
        let start = fs::canonicalize(&start)
            .with_context(|| format!("looking for {JOB_FILE} in {}", start.display()))
            .map_err(|error| Failure::new(Exit::Usage, error).hint(GO))?;
        // One further up would be another project's.
        let Some(root) = start.ancestors().find(|folder| folder.join(JOB_FILE).symlink_metadata().is_ok()) else {
            let error = anyhow!("neither {} nor a folder above it has a {JOB_FILE}", start.display());
            return Err(Failure::new(Exit::Usage, error).hint(GO));
        };
        let state_root = match &project_args.state_root {
            Some(root) => absolute(root)?,
            None => root.join(".pikaci"),
        };
        Ok(Self { root: root.to_path_buf(), state: StateLayout::new(state_root) })
    }

    /// Finds the state folder alone, and refuses one of others: one that is named needs no job file.
    pub fn find_state(project_args: &ProjectArgs) -> Result<StateLayout, Failure> {
        let state = Self::locate_state(project_args)?;
        verify_state(state.root())?;
        Ok(state)
    }

    /// Finds the state folder alone, and looks at nothing of it.
    pub fn locate_state(project_args: &ProjectArgs) -> Result<StateLayout, Failure> {
        match &project_args.state_root {
            Some(root) => Ok(StateLayout::new(absolute(root)?)),
            None => Ok(Self::locate(project_args)?.state),
        }
    }

    /// Reads the job file.
    pub fn config(&self) -> Result<Config, Failure> {
        let path = self.root.join(JOB_FILE);
        let text = self.read(JOB_FILE, JOB_FILE_LIMIT)?.context("it is gone");
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        let text = String::from_utf8(text).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..place].split(|byte| *byte == b'\n').count();
            let error = anyhow!("{}:{line}: this line isn't UTF-8", path.display());
            Failure::new(Exit::Usage, error).hint("save the file as UTF-8")
        })?;
        config::read(JOB_FILE, &text).map_err(|diagnostics| Failure::new(Exit::Usage, diagnostics))
    }

    /// Reads a file of the project; `None` where there is none.
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
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
                    let hint = format!("put a file of at most {limit} bytes in its place");
                    Err(Failure::new(Exit::Usage, failure).hint(hint))
                } else {
                    Err(failure.into())
                }
            }
        }
    }

    /// Makes the state folder where there is none.
    pub fn open_state(&self) -> Result<(), Failure> {
        state::open(self.state.root())?;
        Ok(())
    }

    /// Returns which files changed; `None` where that doesn't matter.
    pub fn changes(&self, args: &PlanArgs, config: &Config) -> Result<Changes, Failure> {
        if args.all {
            return Ok(Changes::NotCompared("--all".to_owned()));
        }
        if config.jobs.values().all(|job| job.paths.is_empty()) {
            return Ok(Changes::NotCompared("no job has `paths`".to_owned()));
        }
        let changed = snapshot::changed_files(&self.root, args.base.as_deref());
        Ok(match changed.map_err(|error| self.unreadable(error))? {
            ChangedFiles::All { reason } => Changes::NotCompared(reason),
            ChangedFiles::Known(files) if files.is_empty() && args.base.is_none() => {
                Changes::NotCompared("the working tree has no changes".to_owned())
            }
            ChangedFiles::Known(files) => Changes::Files {
                files: files.iter().map(|file| file.to_string_lossy().into_owned()).collect(),
                against: args.base.clone().unwrap_or_else(|| "HEAD".to_owned()),
            },
        })
    }

    /// Returns the failure of reading or copying the source tree, with what to do about it here.
    pub fn unreadable(&self, error: snapshot::Error) -> Failure {
        let root = quote(&self.root.to_string_lossy());
        let hint = match &error {
            snapshot::Error::Read { .. } if !self.root.ancestors().any(|folder| folder.join(".git").exists()) => {
                Some("make it readable, or move it out of the project".to_owned())
            }
            snapshot::Error::Git { .. } => Some(format!("see what git says: git -C {root} status")),
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

    /// Returns what this machine is and has, and what was learned of its files.
    pub fn facts(&self, config: &Config, selection: &Selection) -> (HostFacts, HashCache) {
        let cache = HashCache::load(&self.hash_cache());
        let guests = selection.jobs.iter().map(|job| &config.guests[&config.jobs[job].guest]);
        let of_host = guests.filter(|guest| matches!(guest.base, None | Some(Base::Host)));
        let kernels = of_host.map(|guest| guest.kernel.clone()).collect();
        let facts = host::gather(&Gather::here(own_path(), kernels), &cache);
        (facts, cache)
    }

    /// Reads the files that the selected jobs' guests name, and the project's flake where a guest is made from nixpkgs.
    pub fn files(&self, config: &Config, selection: &Selection) -> Result<ProjectFiles, Failure> {
        let names: BTreeSet<&String> = selection.jobs.iter().map(|job| &config.jobs[job].guest).collect();
        let guests: Vec<&Guest> = names.into_iter().map(|guest| &config.guests[guest]).collect();
        let mut files = BTreeMap::new();
        for name in guests.iter().flat_map(|guest| &guest.modules) {
            files.extend(self.read(name, SOURCE_LIMIT)?.map(|bytes| (name.clone(), bytes)));
        }
        // What needs one that isn't there says so.
        if guests.iter().any(|guest| !matches!(guest.base, Some(Base::Host | Base::None))) {
            for (name, limit) in [("flake.nix", SOURCE_LIMIT), ("flake.lock", LOCK_LIMIT)] {
                files.extend(self.read(name, limit)?.map(|bytes| (name.to_owned(), bytes)));
            }
        }
        let mut files = ProjectFiles(files);
        if guests.iter().any(|guest| guest.dev_shell.is_some()) {
            // What is wrong with the lock, the plan says.
            for folder in files.flake_folders().unwrap_or_default() {
                let name = format!("{folder}/flake.nix");
                files.0.extend(self.read(&name, SOURCE_LIMIT)?.map(|bytes| (name, bytes)));
            }
        }
        Ok(files)
    }

    /// Returns the file in which hashes of the host's files are kept.
    pub fn hash_cache(&self) -> Beneath {
        self.state.folder().join("host.json")
    }
}

/// Refuses a state folder that others own or can write, or that git tracks.
pub fn verify_state(root: &Path) -> Result<(), Failure> {
    state::verify(root)?;
    if let Some(tracked) = snapshot::tracked_in(root)? {
        let error = anyhow!("the state folder {} came with the repository: git tracks {tracked}", root.display());
        let hint = "remove it from git's index and from here, or name another folder with --state-root";
        return Err(Failure::new(Exit::Usage, error).hint(hint));
    }
    Ok(())
}

fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("finding {}", path.display()))
}

/// Makes the plan.
pub fn make_plan(
    config: &Config,
    selection: &Selection,
    facts: &HostFacts,
    tree: &Tree,
    args: &PlanArgs,
    project: &ProjectFiles,
) -> Result<Plan, Failure> {
    let input = PlanInput {
        config,
        selection,
        facts,
        snapshot: tree.digest(),
        hypervisor: args.hypervisor(facts),
        project,
        budget: args.budget.budget(facts),
        allow_local_inputs: args.isolation.allow_local_inputs,
    };
    let plan = plan::build(input).map_err(|error| match &error {
        PlanError::Missing { fact, .. } => {
            let hint = fact.hint.clone();
            Failure::new(Exit::NoVm, error).hint(hint)
        }
        PlanError::TooLarge { .. } => Failure::new(Exit::NoVm, error).hint(LOWER_MEMORY),
        PlanError::TooManyCpus { wanted, .. } => {
            let hint = format!("lower the guest's `vcpu` in pikaci.nix, or give jobs more: --cpus={wanted}");
            Failure::new(Exit::NoVm, error).hint(hint)
        }
        PlanError::Unfit { .. } => Failure::new(Exit::NoVm, error).hint("give it `base = \"nix\";` in pikaci.nix"),
        PlanError::Render { source: FlakeError::NoFile { .. }, .. } => {
            Failure::new(Exit::Usage, error).hint("mend the guest in pikaci.nix, or make the file")
        }
        PlanError::Render { source: FlakeError::Local { .. }, .. } => {
            Failure::new(Exit::Usage, error).hint(LOCAL_INPUT)
        }
        PlanError::Render { source: FlakeError::Folder { .. }, .. } => Failure::new(Exit::Usage, error)
            .hint("have flake.nix name another address for it: path:./FOLDER with a flake.nix, github:…"),
        PlanError::Render { source: FlakeError::Lock { .. }, .. } => {
            Failure::new(Exit::Usage, error).hint("nix flake lock")
        }
        PlanError::Render { .. } => Failure::new(Exit::Internal, error),
    })?;
    args.isolation.check(&plan.record)?;
    Ok(plan)
}

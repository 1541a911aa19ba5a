//! The runs of a state folder, for commands that read them.

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::eprint_line;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::report_interrupted::report_interrupted_if_writable;
use crate::id::{JobId, RunId};
use crate::record::{History, JobRecord};
use crate::state::{self, FindRunError, RunStore, read_job_record};

/// Name of the newest run that can be read.
pub const LATEST: &str = "latest";
/// Maximum number of ids in a hint.
const MAX_LISTED: usize = 5;

/// The runs of a state folder, for commands that read them.
#[derive(Debug)]
pub struct Runs {
    /// The reader of the runs.
    pub store: RunStore,
    /// Ids of the runs, newest first.
    ids: Vec<RunId>,
}

impl Runs {
    /// Opens the runs of a project. First records and reports the end of interrupted runs, if the state folder is
    /// writable.
    pub fn open(project_args: &ProjectArgs) -> Result<Self, Failure> {
        let state = Project::locate_state(project_args)?;
        state::open_read_only(state.root())?;
        let store = RunStore::new(state);
        report_interrupted_if_writable(&store);
        let mut ids = store.ids()?;
        ids.reverse();
        Ok(Self { store, ids })
    }

    /// Returns the ids of the runs, newest first.
    pub fn newest(&self) -> &[RunId] {
        &self.ids
    }

    /// Returns the run that a name selects: `latest`, an id, or the beginning of exactly one id.
    pub fn select(&self, name: &str) -> Result<RunId, Failure> {
        let Some(newest) = self.ids.first() else {
            let error = anyhow!("there are no runs yet in {}", self.store.state().root().display());
            return Err(Failure::new(Exit::NothingSelected, error).hint("pikaci run"));
        };
        if name == LATEST {
            return Ok(self.latest().unwrap_or(newest).clone());
        }
        RunStore::find(&self.ids, name).map_err(|error| {
            let (error, hint) = match error {
                FindRunError::NoMatch => {
                    (anyhow!("there is no run {name:?}"), list_ids("the newest runs are", &self.ids))
                }
                FindRunError::Ambiguous(matches) => (
                    anyhow!("{} runs begin with {name:?}", matches.len()),
                    list_ids("the newest of them are", &matches),
                ),
            };
            Failure::new(Exit::NothingSelected, error).hint(hint)
        })
    }

    /// Returns the newest run that can be read, and reports broken runs.
    fn latest(&self) -> Option<&RunId> {
        let is_readable = |id: &&RunId| match self.store.load(id).into_record() {
            Ok(_) => true,
            Err(error) => {
                eprint_line(&format_args!("run {id} is broken: {error:#}"));
                false
            }
        };
        self.ids.iter().filter(|id| self.has_record(id)).find(is_readable)
    }

    /// Returns true if a run has a record. A crash may leave the folder of a run without a record.
    pub fn has_record(&self, id: &RunId) -> bool {
        self.store.state().run(id).record().is_there()
    }

    /// Returns the run and the record with the files of a job: those of an earlier run if the job took its result.
    pub fn resolve_taken(&self, id: &RunId, job: &JobRecord) -> Result<(RunId, JobRecord), Failure> {
        let Some(from) = &job.taken_from else { return Ok((id.clone(), job.clone())) };
        let path = self.store.state().run(from).job(&job.id).status();
        let record = read_job_record(&path).map_err(|error| {
            let error = error.context(format!("job {} took its result from run {from}", job.id));
            Failure::new(Exit::NothingSelected, error).hint("pikaci run")
        })?;
        Ok((from.clone(), record))
    }

    /// Reads the record of a run and the records of its jobs.
    pub fn history(&self, id: &RunId) -> Result<History, Failure> {
        self.store.history(id).map_err(|error| Failure::from(error).hint("pikaci list"))
    }
}

/// Returns the job of a run that has a name.
pub fn select_job<'a>(history: &'a History, name: &str) -> Result<&'a JobRecord, Failure> {
    history.job(&JobId::new(name)).ok_or_else(|| {
        let error = anyhow!("run {} has no job {name:?}", history.run.run_id);
        let names: Vec<&str> = history.jobs.iter().map(|job| job.id.as_str()).collect();
        Failure::new(Exit::NothingSelected, error).hint(format!("it has {}", names.join(", ")))
    })
}

fn list_ids(intro: &str, ids: &[impl std::fmt::Display]) -> String {
    let ids: Vec<String> = ids.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    format!("{intro} {}; all: pikaci list", ids.join(", "))
}

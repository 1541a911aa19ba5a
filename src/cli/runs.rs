//! The runs of a state folder, for the commands that look at them.

#![expect(clippy::disallowed_methods, reason = "reads the folder of runs, the clock and the time zone")]

use std::io::ErrorKind;

use anyhow::anyhow;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::failure::{Exit, Failure};
use crate::cli::interrupted::report_interrupted_if_writable;
use crate::cli::output::eprint_line;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::engine;
use crate::event::{DeclaredJob, Reason};
use crate::id::{JobId, NodeId, RunId};
use crate::record::{History, JobRecord, JobSummary, RunRecord};
use crate::report::Clock;
use crate::state::{self, StateLayout, is_locked, is_torn, read_json, read_record};

/// The word for the newest run.
pub const LATEST: &str = "latest";
/// The most ids that a hint lists.
const LISTED: usize = 5;

/// The runs of a state folder.
#[derive(Debug)]
pub struct Runs {
    /// The state folder, whether it is there or not.
    pub state: StateLayout,
    /// Newest first; whether they can be read shows when one is read.
    ids: Vec<RunId>,
}

/// What there is to be told of a run.
enum Told {
    /// Its record.
    Recorded(RunRecord),
    /// What its events come to, while it runs or where its end can't be recorded.
    Folded(History),
}

impl Runs {
    /// Finds the state folder and the runs in it, after the end of interrupted ones was recorded.
    pub fn find(project_args: &ProjectArgs) -> Result<Self, Failure> {
        let state = Project::find_state(project_args)?;
        state::look(state.root())?;
        report_interrupted_if_writable(&state);
        let folder = state.runs();
        let entries = match folder.entries() {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { state, ids: Vec::new() }),
            Err(error) => return Err(anyhow!(error).context(format!("reading {}", folder.display())).into()),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let id = RunId::new(entry.name.to_string_lossy());
            // Whatever pikaci wouldn't name a run is none.
            if entry.is_folder && *state.run(&id).root() == folder.join(&entry.name) {
                ids.push(id);
            }
        }
        ids.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { state, ids })
    }

    /// Returns the runs, newest first.
    pub fn newest(&self) -> &[RunId] {
        &self.ids
    }

    /// Returns the run that a word names: `latest`, an id, or the beginning of only one.
    pub fn get(&self, word: &str) -> Result<RunId, Failure> {
        let Some(newest) = self.ids.first() else {
            let error = anyhow!("there are no runs yet in {}", self.state.root().display());
            return Err(Failure::new(Exit::NothingSelected, error).hint("pikaci run"));
        };
        if word == LATEST {
            return Ok(self.latest().unwrap_or(newest).clone());
        }
        let matching: Vec<&RunId> = self.ids.iter().filter(|id| id.as_str().starts_with(word)).collect();
        match matching.as_slice() {
            [only] => Ok((*only).clone()),
            [] => {
                let error = anyhow!("there is no run {word:?}");
                Err(Failure::new(Exit::NothingSelected, error).hint(listed("the newest are", &self.ids)))
            }
            several if several.iter().any(|id| id.as_str() == word) => Ok(RunId::new(word)),
            several => {
                let error = anyhow!("{} runs begin with {word:?}", several.len());
                Err(Failure::new(Exit::NothingSelected, error).hint(listed("the newest of them are", several)))
            }
        }
    }

    /// Returns the newest run that can be read, and names those that can't.
    fn latest(&self) -> Option<&RunId> {
        let is_whole = |id: &&RunId| match self.record(id) {
            Ok(_) => true,
            Err(error) => {
                eprint_line(&format_args!("run {id} is broken: {error:#}"));
                false
            }
        };
        self.ids.iter().filter(|id| self.is_run(id)).find(is_whole)
    }

    /// Returns whether there is a run: its record comes with it, and a crash may leave a folder without.
    pub fn is_run(&self, id: &RunId) -> bool {
        self.state.run(id).record().is_there()
    }

    /// Returns whether there is nothing of a run any more.
    pub fn is_gone(&self, id: &RunId) -> bool {
        !self.state.run(id).root().is_there()
    }

    /// Returns whether a run's process is there.
    pub fn is_alive(&self, id: &RunId) -> bool {
        // A lock that can't be looked at says nothing of its holder.
        is_locked(&self.state.run(id).lock()).unwrap_or(true)
    }

    /// Reads a run's record.
    pub fn record(&self, id: &RunId) -> anyhow::Result<RunRecord> {
        Ok(match self.read(id)? {
            Told::Recorded(run) => run,
            Told::Folded(history) => history.run,
        })
    }

    fn read(&self, id: &RunId) -> anyhow::Result<Told> {
        let run = self.state.run(id);
        let record = || read_record(&run);
        let found = match record() {
            // Its end can't be recorded, or it would have been.
            Err(error) if is_torn(&run) && run.lock().is_there() && !self.is_alive(id) => {
                return engine::as_interrupted(&self.state, id).map(Told::Folded).map_err(|_| error);
            }
            found => found?,
        };
        if found.status.outcome().is_some() {
            return Ok(Told::Recorded(found));
        }
        if self.is_alive(id) {
            // While it runs its events are ahead of its records.
            return Ok(engine::replay(&self.state, id).map_or(Told::Recorded(found), Told::Folded));
        }
        // It may have ended between the two looks.
        let found = record()?;
        if found.status.outcome().is_some() {
            return Ok(Told::Recorded(found));
        }
        engine::as_interrupted(&self.state, id).map(Told::Folded)
    }

    /// Reads a run with the records of its jobs.
    pub fn history(&self, id: &RunId) -> Result<History, Failure> {
        let run = match self.read(id).map_err(|error| Failure::from(error).hint("pikaci list"))? {
            Told::Recorded(run) => run,
            Told::Folded(history) => return Ok(history),
        };
        let jobs = run.jobs.iter().map(|job| self.job(job)).collect();
        Ok(History { run, jobs })
    }

    /// Reads a job's record; where it can't be read, what the run's says of it.
    fn job(&self, summary: &JobSummary) -> JobRecord {
        let path = self.state.recorded(&summary.status_path);
        let problem = match path.is_there().then(|| read_json::<JobRecord>(&path)) {
            Some(Ok(job)) => return JobRecord { status: summary.status, ..job },
            Some(Err(error)) => Some(format!("{error:#}")),
            None => None,
        };
        let reason = Reason { message: problem, ..Reason::default() };
        JobRecord { status: summary.status, reason, ..JobRecord::queued(&declared(&summary.id)) }
    }
}

/// Returns the job of a run that is named.
pub fn find_job<'a>(history: &'a History, name: &str) -> Result<&'a JobRecord, Failure> {
    history.job(&JobId::new(name)).ok_or_else(|| {
        let error = anyhow!("run {} has no job {name:?}", history.run.info.run_id);
        let names: Vec<&str> = history.jobs.iter().map(|job| job.id.as_str()).collect();
        Failure::new(Exit::NothingSelected, error).hint(format!("it has {}", names.join(", ")))
    })
}

/// Returns the time and the zone of this moment and place.
pub fn clock() -> Clock {
    Clock { now: Timestamp::now(), zone: TimeZone::system() }
}

fn listed(what: &str, ids: &[impl std::fmt::Display]) -> String {
    let ids: Vec<String> = ids.iter().take(LISTED).map(ToString::to_string).collect();
    format!("{what} {}; all: pikaci list", ids.join(", "))
}

fn declared(id: &JobId) -> DeclaredJob {
    DeclaredJob {
        id: id.clone(),
        description: String::new(),
        executor: String::new(),
        plan_node_id: NodeId::new(format!("execute:{id}")),
        timeout_secs: 0,
    }
}

//! Runs made by hand in the state folder of a project, through pikaci's own types.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use pikaci::event::{
    ArtifactSummary, DeclaredJob, Event, EventKind, JobEnd, JobFinished, LogPaths, Outcome, Reason, RunSelection,
    RunSource, RunStarted,
};
use pikaci::failpoint::Point;
use pikaci::id::{JobId, NodeId, RunId, TargetId};
use pikaci::record::History;
use pikaci::state::{AttemptLayout, FileLock, RunLayout, StateLayout, append_line, recorded_path, write_json};

use crate::support::project::Project;

/// A run whose records are written with its events, as by the engine.
pub struct Run {
    state: StateLayout,
    history: History,
    lock: Option<FileLock>,
}

impl Run {
    /// Starts a run of these jobs, which is running until this value is dropped.
    pub fn begin(project: &Project, id: &str, jobs: &[&str]) -> Self {
        let state = StateLayout::new(project.path(".pikaci"));
        let layout = state.run(&RunId::new(id));
        fs::create_dir_all(state.root()).unwrap();
        let lock = FileLock::exclusive(Point::RunLock, &layout.lock()).unwrap();
        let start = started(id, jobs);
        let at: Timestamp = "2026-11-22T10:15:00Z".parse().unwrap();
        let history = History::begin(at, &start, |job| recorded_path(&layout.job(job).status()));
        let run = Self { state: state.clone(), history, lock: Some(lock) };
        run.write(&Event { at, kind: EventKind::RunStarted(Box::new(start)) });
        run
    }

    /// Creates a run of the job `test`, which printed a line and passed.
    pub fn passed(project: &Project, id: &str) -> Self {
        let mut run = Self::begin(project, id, &["test"]);
        run.start("test");
        fs::write(run.attempt("test").guest_log(), "it works\n").unwrap();
        run.finish("test", Outcome::Passed, None);
        run.end(Outcome::Passed);
        run
    }

    /// Starts a job.
    pub fn start(&mut self, job: &str) {
        let attempt = self.attempt(job);
        fs::create_dir_all(attempt.root()).unwrap();
        let logs = LogPaths {
            host: recorded_path(&attempt.host_log()),
            guest: recorded_path(&attempt.guest_log()),
            console: Some(recorded_path(&attempt.console_log())),
        };
        self.happen(EventKind::JobStarted { job: JobId::new(job), attempt: 1, logs });
    }

    /// Ends a job.
    pub fn finish(&mut self, job: &str, outcome: Outcome, message: Option<&str>) {
        let artifacts = self.attempt(job).artifacts();
        let folder = artifacts.exists().then(|| recorded_path(&artifacts));
        let reason = Reason { message: message.map(str::to_owned), ..Reason::default() };
        self.happen(EventKind::JobFinished(Box::new(JobFinished {
            job: JobId::new(job),
            end: JobEnd {
                artifacts: ArtifactSummary { artifacts: u64::from(folder.is_some()), artifacts_dir: folder },
                ..JobEnd::without_output(outcome, reason)
            },
        })));
    }

    /// Ends the run with an outcome.
    pub fn end(&mut self, outcome: Outcome) {
        self.happen(EventKind::RunFinished { outcome, message: None });
        fs::remove_file(self.layout().lock()).unwrap();
        self.lock = None;
    }

    /// Ends the run like SIGKILL of its process.
    pub fn is_killed(&mut self) {
        self.lock = None;
    }

    /// Returns the layout of the run.
    pub fn layout(&self) -> RunLayout {
        self.state.run(&self.history.run.run_id)
    }

    /// Returns the layout of a job's only attempt.
    pub fn attempt(&self, job: &str) -> AttemptLayout {
        self.layout().job(&JobId::new(job)).attempt(1)
    }

    fn happen(&mut self, kind: EventKind) {
        let at = self.history.run.created_at + SignedDuration::from_secs(4);
        let event = Event { at, kind };
        self.history.apply(&event);
        self.write(&event);
    }

    fn write(&self, event: &Event) {
        append_line(&self.layout().events(), &serde_json::to_string(event).unwrap()).unwrap();
        if let EventKind::JobStarted { job, .. } = &event.kind {
            self.write_job(job);
        }
        if let EventKind::JobFinished(finished) = &event.kind {
            self.write_job(&finished.job);
        }
        write_json(Point::RunRecord, &self.layout().record(), &self.history.run).unwrap();
    }

    fn write_job(&self, job: &JobId) {
        let layout = self.layout().job(job);
        fs::create_dir_all(layout.root()).unwrap();
        write_json(Point::JobRecord, &layout.status(), self.history.job(job).unwrap()).unwrap();
    }
}

fn started(id: &str, jobs: &[&str]) -> RunStarted {
    let declared = |name: &&str| DeclaredJob {
        id: JobId::new(*name),
        description: String::new(),
        executor: "vm".to_owned(),
        plan_node_id: NodeId::new(format!("execute:{name}")),
        timeout_secs: 600,
        steps: Vec::new(),
        services: Vec::new(),
    };
    let source = RunSource {
        rerun_of: None,
        target_id: TargetId::new("all"),
        target_description: None,
        source_root: "/p".to_owned(),
        snapshot_dir: "snapshots/0".to_owned().try_into().unwrap(),
        git_head: None,
        git_dirty: None,
    };
    let selection = RunSelection {
        plan_path: format!("runs/{id}/plan.json").try_into().unwrap(),
        changed_files: None,
        filters: Vec::new(),
    };
    RunStarted::new(RunId::new(id), source, selection, None, jobs.iter().map(declared).collect(), Vec::new())
}

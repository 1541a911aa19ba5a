//! `pikaci why`: prints the reason for which jobs run or take earlier results.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::job_file::JobFile;
use crate::cli::output::print;
use crate::cli::plan_args::PlanArgs;
use crate::cli::plan_inputs::PlanInputs;
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{Runs, select_job};
use crate::event::Outcome;
use crate::foreign::Beneath;
use crate::glob::Globs;
use crate::id::{JobId, RunId};
use crate::plan::record::PlannedJob;
use crate::plan::{KeyDifference, cache_refusal, key_differences};
use crate::report::{self, RunReason};
use crate::snapshot::{Tree, different_files, read_snapshot};
use crate::state::{RunStore, read_plan};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    plan: PlanArgs,
    /// Explain this run: its id, the beginning of its id, or `latest` [default: the run that `pikaci run` would start]
    #[arg(long, value_name = "RUN", env = "PIKACI_RUN")]
    run: Option<String>,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let reasons = match &options.run {
        Some(run) => explain_run(project_args, run, &options.plan.names)?,
        None => explain_today(project_args, &options.plan)?,
    };
    print(&report::why(&reasons))?;
    Ok(Exit::Passed)
}

fn explain_today(project_args: &ProjectArgs, args: &PlanArgs) -> Result<Vec<(JobId, RunReason)>, Failure> {
    let project = Project::locate(project_args)?;
    let inputs = PlanInputs::gather(&project, JobFile::read(&project)?, args)?;
    let plan = inputs.plan(args)?.record;
    let earlier = EarlierRuns::before(RunStore::new(project.state), None)?;
    let reason = |job: &PlannedJob| {
        let refusal = cache_refusal(&inputs.config, &inputs.config.jobs[&job.job], &inputs.facts.system);
        let refusal = refusal.or(job.result_key.is_none().then_some("it runs without a job that it needs"));
        let reason = earlier.reason(job, refusal, || Ok(Some(inputs.tree.clone())))?;
        Ok((job.job.clone(), reason))
    };
    plan.jobs().map(reason).collect()
}

fn explain_run(project_args: &ProjectArgs, run: &str, names: &[String]) -> Result<Vec<(JobId, RunReason)>, Failure> {
    let runs = Runs::open(project_args)?;
    let id = runs.select(run)?;
    let plan = read_plan(&runs.store.state().run(&id))?;
    let history = runs.history(&id)?;
    names.iter().try_for_each(|name| select_job(&history, name).map(drop))?;
    let folder = runs.store.state().recorded(&history.run.source.snapshot_dir);
    let earlier = EarlierRuns::before(runs.store.clone(), Some(&id))?;
    let reason = |job: &PlannedJob| {
        let refusal = (!job.cache).then_some("it took no earlier results");
        let reason = earlier.reason(job, refusal, || read_copy(&folder))?;
        Ok((job.job.clone(), reason))
    };
    let is_named = |job: &&PlannedJob| names.is_empty() || names.iter().any(|name| name == job.job.as_str());
    plan.jobs().filter(is_named).map(reason).collect()
}

/// The runs before a run, newest first.
struct EarlierRuns {
    store: RunStore,
    ids: Vec<RunId>,
}

impl EarlierRuns {
    fn before(store: RunStore, run: Option<&RunId>) -> Result<Self, Failure> {
        let mut ids = store.ids()?;
        ids.retain(|id| run.is_none_or(|run| id < run));
        ids.reverse();
        Ok(Self { store, ids })
    }

    /// Returns the reason for which a planned job runs or takes a result. `read_tree` reads the files that it sees.
    fn reason(
        &self,
        job: &PlannedJob,
        refusal: Option<&str>,
        read_tree: impl FnOnce() -> Result<Option<Tree>, Failure>,
    ) -> Result<RunReason, Failure> {
        if let Some(run) = &job.taken_from {
            return Ok(RunReason::Taken(run.clone()));
        }
        if let Some(refusal) = refusal {
            return Ok(RunReason::EachTime(refusal.to_owned()));
        }
        let Some((from, before)) = self.ids.iter().find_map(|id| Some((id, self.passed(id, &job.job)?))) else {
            return Ok(RunReason::NoResult);
        };
        let differences = key_differences(&before, job);
        if differences.is_empty() {
            return Ok(RunReason::NotKept(from.clone()));
        }
        let mut files = None;
        if differences.contains(&KeyDifference::Files) {
            let record = self.store.history(from)?.run;
            let copy = read_copy(&self.store.state().recorded(&record.source.snapshot_dir))?;
            let paths = job.result_key.iter().flat_map(|key| &key.paths).map(String::as_str);
            let globs = Globs::new(paths).ok().filter(|_| job.result_key.iter().any(|key| !key.paths.is_empty()));
            if let Some((copy, tree)) = copy.zip(read_tree()?) {
                files = Some(different_files(&copy, &tree, globs.as_ref()));
            }
        }
        Ok(RunReason::Differs { from: from.clone(), differences, files })
    }

    /// Returns a job as a run planned it, if it has a result key and passed.
    fn passed(&self, run: &RunId, job: &JobId) -> Option<PlannedJob> {
        let plan = read_plan(&self.store.state().run(run)).ok()?;
        let planned = plan.jobs().find(|planned| planned.job == *job && planned.result_key.is_some())?;
        let record = self.store.history(run).ok()?;
        record.job(job)?.status.outcome().is_some_and(Outcome::is_success).then(|| planned.clone())
    }
}

/// Reads a snapshot, or returns `None` if it is gone.
fn read_copy(folder: &Beneath) -> Result<Option<Tree>, Failure> {
    if folder.is_folder() { Ok(read_snapshot(folder)?) } else { Ok(None) }
}

//! `pikaci run`: plan, prepare, execute, and tell.

#![expect(clippy::disallowed_methods, reason = "asks for the time, randomness, the environment and signals")]

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::programs::programs;
use super::progress::Progress;
use super::project::{Project, Wanted, choose, make_plan};
use super::{Exit, Failure, Place, print};
use crate::cancel::Cancel;
use crate::engine::{self, Budget, Settings};
use crate::event::{self, DeclaredJob, RunStarted};
use crate::execute::accelerator::Choice;
use crate::execute::vm;
use crate::id::{JobId, RunId};
use crate::plan::facts::HostFacts;
use crate::plan::record::{PlanNodeRecord, Work};
use crate::plan::select::Changes;
use crate::plan::{Plan, RunPlanRecord};
use crate::process::ignored_signals;
use crate::record::{History, Outcome};
use crate::state::gc::Claim;
use crate::{report, snapshot};

#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    wanted: Wanted,
    /// Run at most this many jobs at a time [default: one per CPU, as memory allows]
    #[arg(short = 'j', long, value_name = "N", env = "PIKACI_JOBS", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Go on with the other jobs after one has failed [default]
    #[arg(long, env = "PIKACI_KEEP_GOING", conflicts_with = "fail_fast", value_parser = FalseyValueParser::new())]
    keep_going: bool,
    /// Start no job after one has failed
    #[arg(long, env = "PIKACI_FAIL_FAST", conflicts_with = "keep_going", value_parser = FalseyValueParser::new())]
    fail_fast: bool,
    /// How guests run: by KVM, by emulation, or by KVM where it works
    #[arg(long, value_enum, default_value_t, env = "PIKACI_ACCEL")]
    accel: Choice,
    /// Have Nix build guests on these machines, in Nix's own words [default: those of Nix's configuration]
    #[arg(long, value_name = "SPEC", env = "PIKACI_BUILDERS")]
    builders: Option<String>,
}

pub fn main(place: &Place, options: &Options) -> Result<Exit, Failure> {
    let project = Project::find(place)?;
    let config = project.config()?;
    project.open_state()?;
    super::tell_interrupted(&project.state)?;
    let changes = project.changes(&options.wanted, &config)?;
    let selection = choose(&config, &options.wanted, &changes)?;
    if selection.jobs.is_empty() {
        let hint = if selection.left_out.is_empty() { "" } else { "\nhint: pikaci run --all" };
        super::tell(&format_args!("nothing to do: {}{hint}", report::nothing(&selection)));
        return Ok(Exit::Passed);
    }
    let (facts, cache) = project.facts(&config, &selection);
    let files = project.files(&config, &selection)?;
    let hypervisor = options.wanted.hypervisor(&facts);
    let (host, nix) = programs(&facts, hypervisor, options.accel)?;
    let claim = Claim::take(&project.state)?;
    let nix = nix.with_builders(options.builders.clone());
    let tree = snapshot::take(&project.root, &project.state).map_err(|error| project.unreadable(error))?;
    let Plan { record: mut plan, flakes } = make_plan(&config, &selection, &facts, &tree, hypervisor, &files)?;
    cache.save(&project.hash_cache())?;
    let now = Timestamp::now();
    plan.run_id = Some(new_run_id(now)?);
    plan.created_at = Some(now);
    let start = started(&project, &plan, &options.wanted, &changes, &facts, tree.digest().as_str())?;
    let cancel = watch_signals()?;
    let settings = Settings {
        state: &project.state,
        nix: &nix,
        host: &host,
        flakes: &flakes,
        budget: Budget::of(options.jobs, facts.cpus, facts.memory_mib),
        fail_fast: options.fail_fast,
        accelerator: options.accel,
        cancel: &cancel,
    };
    let mut progress = Progress::start();
    let history = engine::run(settings, &plan, start, claim, &mut |event, history| progress.show(event, history));
    progress.end();
    let (history, recorded) = history?;
    let color = super::color(&std::io::stdout());
    print(&report::summary(&history, &tails(&project, &history), project.state.root(), color))?;
    let exit = exit(&history, cancel.signal());
    if let Err(error) = recorded {
        let failure = Failure::new(exit.max(Exit::Internal), error.context("the end of the run isn't recorded"));
        let root = project.state.root().display();
        return Err(failure.hint(format!("see that {root} can be written and has room: df -h {root}")));
    }
    Ok(exit)
}

/// Makes an id that sorts by time, to the millisecond, and that no other process makes.
fn new_run_id(now: Timestamp) -> Result<RunId> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).context("making a run's id")?;
    let digits = u16::from_be_bytes(bytes);
    Ok(RunId::new(format!("{}-{digits:04x}", now.strftime("%Y%m%d-%H%M%S%3f"))))
}

fn started(
    project: &Project,
    plan: &RunPlanRecord,
    wanted: &Wanted,
    changes: &Changes,
    facts: &HostFacts,
    snapshot: &str,
) -> Result<RunStarted, Failure> {
    let head = snapshot::head(&project.root).map_err(|error| project.unreadable(error))?;
    let run_id = plan.run_id.clone().context("the plan has no run")?;
    let relative = |path: std::path::PathBuf| {
        let path = project.state.relative(&path).unwrap_or(path);
        path.to_string_lossy().into_owned()
    };
    Ok(RunStarted {
        schema_version: event::SCHEMA_VERSION,
        pikaci_version: env!("CARGO_PKG_VERSION").to_owned(),
        rerun_of: None,
        target_id: plan.target_id.clone(),
        target_description: plan.target_description.clone(),
        source_root: project.root.to_string_lossy().into_owned(),
        snapshot_dir: format!("snapshots/{snapshot}"),
        git_head: head.as_ref().and_then(|head| head.commit.clone()),
        git_dirty: head.map(|head| head.dirty),
        plan_path: relative(project.state.run(&run_id).plan()),
        changed_files: match changes {
            Changes::Files { files, .. } => Some(files.clone()),
            Changes::NotCompared(_) => None,
        },
        filters: wanted.names.clone(),
        host_os: facts.os_release.clone(),
        jobs: plan.nodes.iter().filter_map(declared).collect(),
        left_out: plan.left_out.clone(),
        run_id,
    })
}

fn declared(node: &PlanNodeRecord) -> Option<DeclaredJob> {
    let Work::Execute { execute } = &node.work else { return None };
    Some(DeclaredJob {
        id: execute.job.clone(),
        description: node.description.clone(),
        executor: node.executor.clone(),
        plan_node_id: node.id.clone(),
        timeout_secs: execute.timeout_secs,
    })
}

/// Makes signals into requests to end: the first politely, the second at once.
pub fn watch_signals() -> Result<Arc<Cancel>> {
    let cancel = Arc::new(Cancel::default());
    let ignored = ignored_signals();
    let heard = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(heard).context("listening for signals")?;
    let requests = Arc::clone(&cancel);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            requests.request(signal);
        }
    });
    Ok(cancel)
}

/// Returns the last lines of the output of each job that didn't pass.
fn tails(project: &Project, history: &History) -> BTreeMap<JobId, Vec<String>> {
    let failed = history.jobs.iter().filter(|job| job.status.outcome().is_some_and(|outcome| !outcome.is_success()));
    let tail = |path: &String| vm::tail(&project.state.root().join(path)).unwrap_or_default();
    failed.filter_map(|job| Some((job.id.clone(), job.guest_log_path.as_ref().map(tail)?))).collect()
}

/// Returns what a job's outcome is as an exit code.
pub fn outcome_exit(outcome: Option<Outcome>) -> Exit {
    match outcome {
        Some(Outcome::Failed | Outcome::TimedOut) => Exit::JobFailed,
        Some(Outcome::Errored) | None => Exit::JobErred,
        Some(_) => Exit::Passed,
    }
}

fn exit(history: &History, signal: Option<i32>) -> Exit {
    let jobs = history.jobs.iter().map(|job| outcome_exit(job.status.outcome()));
    let prepares = history.run.prepares.iter().map(|prepare| match prepare.status.outcome() {
        Some(Outcome::Failed | Outcome::Errored) => Exit::PrepareFailed,
        _ => Exit::Passed,
    });
    let run = if history.run.status.outcome() == Some(Outcome::Errored) { Exit::Internal } else { Exit::Passed };
    // One that came when everything had ended changed nothing.
    let signal = signal.filter(|_| history.cancelled_by().is_some());
    let signal = signal.and_then(Exit::of_signal);
    jobs.chain(prepares).chain([run]).chain(signal).max().unwrap_or(Exit::Passed)
}

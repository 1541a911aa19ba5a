//! From a plan to its end: how a run is asked for, shown and told, whatever made its plan.

#![expect(clippy::disallowed_methods, reason = "asks the environment, the runs that there are and signals")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::FalseyValueParser;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cancel::Cancel;
use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::isolation_args::IsolationArgs;
use crate::cli::output::{eprint_line, print};
use crate::cli::plan_args::size;
use crate::cli::programs::{MachineArgs, machines, refuse_without_bwrap};
use crate::cli::progress::Progress;
use crate::cli::stream::Stream;
use crate::engine::{self, Machines, RunContext};
use crate::event::{DeclaredJob, Outcome, RunStarted};
use crate::execute::console::tail;
use crate::host::free_disk;
use crate::id::{JobId, RecordedPath, RunId};
use crate::plan::facts::HostFacts;
use crate::plan::record::{PlanNodeRecord, Work};
use crate::plan::{Budget, Capabilities, Plan, RunPlanRecord};
use crate::process::ignored_signals;
use crate::quota::Quota;
use crate::record::{CANCEL_COMMAND, History};
use crate::report;
use crate::state::gc::Claim;
use crate::state::{StateLayout, folder_outside};

/// The disk budget of a run on a large disk, in bytes.
const USUAL_DISK: u64 = 10 << 30;
/// What jobs without a guest see of the environment.
const LOCAL_ENV: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ"];

/// How a plan is carried out.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// Go on with the other jobs after one has failed [default]
    #[arg(long, env = "PIKACI_KEEP_GOING", conflicts_with = "fail_fast", value_parser = FalseyValueParser::new())]
    keep_going: bool,
    /// Start no job after one has failed
    #[arg(long, env = "PIKACI_FAIL_FAST", conflicts_with = "keep_going", value_parser = FalseyValueParser::new())]
    fail_fast: bool,
    #[command(flatten)]
    machine: MachineArgs,
    /// Have Nix build guests on these machines, in Nix's own words [default: those of Nix's configuration]
    #[arg(long, value_name = "SPEC", env = "PIKACI_BUILDERS")]
    builders: Option<String>,
    /// How often a job runs again whose guest didn't boot or was lost, besides the job's own `retries`
    #[arg(long, value_name = "N", default_value_t = 1, env = "PIKACI_INFRA_RETRIES")]
    infra_retries: u32,
    /// Limit the logs and artifacts of a run to this size on disk: `512M`, `20G` [default: 10 GiB, or a tenth of the free
    /// space if that is less]
    #[arg(long, value_name = "SIZE", env = "PIKACI_DISK", value_parser = size)]
    disk: Option<u64>,
    /// Print a summary at the end, or each event as it happens, one a line
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

/// A run that is about to request.
pub struct RunRequest<'a> {
    /// The state folder.
    pub state: &'a StateLayout,
    /// What builds guests and boots them, where a job has one.
    pub machines: Option<Machines>,
    /// The plan.
    pub plan: &'a Plan,
    /// Its circumstances.
    pub start: RunStarted,
    /// How much may run at a time.
    pub budget: Budget,
    /// What keeps everything there that the run needs.
    pub claim: Claim,
}

impl RunOptions {
    /// Finds what builds guests and boots them, where a hypervisor is needed; and what shares the host's `/usr`, where
    /// a guest sees it.
    pub fn machines(
        &self,
        facts: &HostFacts,
        hypervisor: Option<&Capabilities>,
        isolation: &IsolationArgs,
        shares_usr: bool,
    ) -> Result<Option<Machines>, Failure> {
        let Some(hypervisor) = hypervisor else { return Ok(None) };
        let machines = machines(facts, hypervisor, self.machine)?;
        if shares_usr {
            refuse_without_bwrap(&machines.programs, facts)?;
        }
        let nix = machines.nix;
        let nix = nix.with_builders(self.builders.clone()).allowing_local_inputs(isolation.allow_local_inputs);
        if let Some(finding) = nix.ignored_builders() {
            let hint = finding.remedy.unwrap_or_default();
            eprint_line(&format_args!("note: {}\nhint: {hint}", finding.what));
        }
        Ok(Some(Machines { nix, ..machines }))
    }

    /// Carries out a plan, and tells how it went.
    pub fn execute(&self, request: RunRequest<'_>) -> Result<Exit, Failure> {
        let state = request.state;
        let cancel = watch_signals()?;
        let quota = disk_quota(self.disk, state.root())?;
        let machines =
            request.machines.map(|machines| Machines { nix: machines.nix.with_quota(quota.clone()), ..machines });
        let context = RunContext {
            state,
            machines: machines.as_ref(),
            env: &local_env(),
            snapshot_dir: &state.recorded(&request.start.info.snapshot_dir),
            local_folder: &folder_outside(Path::new(&request.start.info.source_root)),
            flakes: &request.plan.flakes,
            budget: request.budget,
            fail_fast: self.fail_fast,
            accelerator: self.machine.accel,
            infra_retries: self.infra_retries,
            quota: &quota,
            cancel: &cancel,
        };
        let mut progress = Progress::start();
        let stream = (self.format == Format::Json).then(Stream::start);
        let observer = &mut |event: &_, history: &_| {
            progress.show(event, history);
            if let Some(stream) = &stream {
                stream.show(event);
            }
        };
        let history = engine::run(context, &request.plan.record, request.start, request.claim, observer);
        progress.end();
        let (history, recorded) = history?;
        let printed = match stream {
            Some(stream) => stream.end(&cancel),
            None => print_summary(state, &history),
        };
        let exit = exit(&history, cancel.signal());
        if let Err(error) = recorded {
            let failure = Failure::new(exit.max(Exit::Internal), error.context("the end of the run isn't recorded"));
            let root = state.root().display();
            return Err(failure.hint(format!("see that {root} can be written and has room: df -h {root}")));
        }
        printed.map(|()| exit).map_err(|failure| failure.at_least(exit))
    }
}

/// Returns the disk budget: so many MiB, or what is left to the run of the disk that a folder is on.
pub fn disk_quota(asked_mib: Option<u64>, folder: &Path) -> Result<Quota, Failure> {
    if let Some(mib) = asked_mib {
        return Ok(Quota::new(mib.saturating_mul(1 << 20)));
    }
    let free = free_disk(folder).with_context(|| format!("looking at the disk of {}", folder.display()))?;
    Ok(Quota::new((free / 10).min(USUAL_DISK)))
}

fn print_summary(state: &StateLayout, history: &History) -> Result<(), Failure> {
    print(&report::summary(history, &tails(state, history), state.root()))
}

fn local_env() -> BTreeMap<String, String> {
    let value = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    LOCAL_ENV.iter().filter_map(value).collect()
}

/// Returns the jobs of a plan before anything has happened to them.
pub fn declared(plan: &RunPlanRecord) -> Vec<DeclaredJob> {
    let declared = |node: &PlanNodeRecord| {
        let Work::Execute { execute } = &node.work else { return None };
        Some(DeclaredJob {
            id: execute.job.clone(),
            description: node.description.clone(),
            executor: node.executor.clone(),
            plan_node_id: node.id.clone(),
            timeout_secs: execute.timeout_secs,
        })
    };
    plan.nodes.iter().filter_map(declared).collect()
}

/// Makes an id that sorts after those of the runs that there are, and that no other process makes.
pub fn new_run_id(now: jiff::Timestamp, state: &StateLayout) -> Result<RunId> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).context("making a run's id")?;
    // Without a folder of runs there are none.
    let others = state.runs().entries().unwrap_or_default();
    let others = others.into_iter().map(|entry| RunId::new(entry.name.to_string_lossy()));
    Ok(RunId::begin(now, u16::from_be_bytes(bytes), others))
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
fn tails(state: &StateLayout, history: &History) -> BTreeMap<JobId, Vec<String>> {
    let failed = history.jobs.iter().filter(|job| job.status.outcome().is_some_and(|outcome| !outcome.is_success()));
    let last_lines = |path: &RecordedPath| tail(&state.recorded(path)).unwrap_or_default();
    failed.filter_map(|job| Some((job.id.clone(), job.guest_log_path.as_ref().map(last_lines)?))).collect()
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
        Some(Outcome::Failed | Outcome::TimedOut | Outcome::Errored) => Exit::PrepareFailed,
        _ => Exit::Passed,
    });
    let run = if history.run.status.outcome() == Some(Outcome::Errored) { Exit::Internal } else { Exit::Passed };
    // One that came when everything had ended changed nothing.
    let signal = history.cancelled_by().and_then(|by| if by == CANCEL_COMMAND { Some(SIGINT) } else { signal });
    let signal = signal.and_then(Exit::of_signal);
    jobs.chain(prepares).chain([run]).chain(signal).max().unwrap_or(Exit::Passed)
}

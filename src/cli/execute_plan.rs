//! The execution of a plan: runs it, prints its progress and its summary.

#![expect(clippy::disallowed_methods, reason = "reads the environment that jobs without a guest get")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::disk_quota::disk_quota;
use crate::cli::event_stream::EventStream;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::failure_output::failure_output;
use crate::cli::format::Format;
use crate::cli::output::{eprint_line, print};
use crate::cli::progress::Progress;
use crate::cli::read_secrets::read_secrets;
use crate::cli::run_exit::run_exit;
use crate::cli::run_options::RunOptions;
use crate::cli::watch_signals::watch_signals;
use crate::engine::{self, GuestPrograms, RunContext};
use crate::event::RunStarted;
use crate::plan::{Budget, Plan, RunPlanRecord};
use crate::record::History;
use crate::report;
use crate::snapshot::GuestRepository;
use crate::state::caches::evict_generations;
use crate::state::gc::RunClaim;
use crate::state::{StateLayout, folder_outside_project};

/// The variables of the environment that jobs without a guest get.
const LOCAL_ENV: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ"];

/// A plan that is ready to be executed.
pub struct RunRequest<'a> {
    /// The state folder.
    pub state: &'a StateLayout,
    /// The programs that build and boot guests; `None` if no job has a guest.
    pub guest_programs: Option<GuestPrograms>,
    /// The repository for jobs that get one.
    pub repository: Option<GuestRepository>,
    /// The plan.
    pub plan: &'a Plan,
    /// The first event of the run.
    pub start: RunStarted,
    /// The resources that nodes may use at the same time.
    pub budget: Budget,
    /// The claim that keeps `pikaci gc` from removing the inputs of the run.
    pub claim: RunClaim,
}

/// Executes a plan, and prints its progress and its summary. Returns the exit code of the run.
pub fn execute_plan(options: &RunOptions, request: RunRequest<'_>) -> Result<Exit, Failure> {
    let state = request.state;
    let project = Path::new(&request.start.source.source_root);
    let secrets = read_secrets(&request.plan.record, project)?;
    let cancel = watch_signals()?;
    let quota = disk_quota(options.disk, state.root())?;
    let guest_programs = request.guest_programs;
    let guest_programs =
        guest_programs.map(|programs| GuestPrograms { nix: programs.nix.with_quota(quota.clone()), ..programs });
    if request.plan.record.jobs().any(|job| !job.caches.is_empty())
        && let Err(error) = evict_generations(state, options.caches.limits())
    {
        eprint_line(&format_args!("note: the caches aren't checked: {error:#}"));
    }
    let run_id = request.start.run_id.clone();
    let context = RunContext {
        run_id: &run_id,
        state,
        guest_programs: guest_programs.as_ref(),
        env: &local_env(),
        snapshot_dir: &state.recorded(&request.start.source.snapshot_dir),
        repository: request.repository.as_ref(),
        local_folder: &folder_outside_project(project),
        flakes: &request.plan.flakes,
        budget: request.budget,
        fail_fast: options.fail_fast,
        accelerator: options.machine.accel,
        infra_retries: options.infra_retries,
        secrets: &secrets,
        quota: &quota,
        cache_limits: options.caches.limits(),
        cancel: &cancel,
    };
    let mut progress = Progress::start();
    let stream = (options.format == Format::Json).then(EventStream::start);
    let observer = &mut |event: &_, history: &_| {
        progress.show(event, history);
        if let Some(stream) = &stream {
            stream.print(event);
        }
    };
    let history = engine::run(context, &request.plan.record, request.start, request.claim, observer);
    progress.end();
    let (history, recorded) = history?;
    let printed = match stream {
        Some(stream) => stream.end(&cancel),
        None => print_summary(state, &history, &request.plan.record),
    };
    let exit = run_exit(&history, cancel.signal());
    if let Err(error) = recorded {
        let failure = Failure::new(exit.max(Exit::Internal), error.context("the end of the run isn't recorded"));
        let root = state.root().display();
        return Err(failure.hint(format!("check that {root} is writable and has free space: df -h {root}")));
    }
    printed.map(|()| exit).map_err(|failure| failure.at_least(exit))
}

fn print_summary(state: &StateLayout, history: &History, plan: &RunPlanRecord) -> Result<(), Failure> {
    print(&report::summary(history, &failure_output(state, history, plan), state.root()))
}

fn local_env() -> BTreeMap<String, String> {
    let value = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    LOCAL_ENV.iter().filter_map(value).collect()
}

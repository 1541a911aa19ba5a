//! The exit codes of jobs and runs.

use signal_hook::consts::SIGINT;

use crate::cli::exit::Exit;
use crate::event::Outcome;
use crate::record::{CANCEL_COMMAND, History};

/// Returns the exit code of a job; a job without an outcome counts as errored.
pub fn job_exit(outcome: Option<Outcome>) -> Exit {
    match outcome {
        Some(Outcome::Failed | Outcome::TimedOut) => Exit::JobFailed,
        Some(Outcome::Errored) | None => Exit::JobErred,
        Some(_) => Exit::Passed,
    }
}

/// Returns the exit code of a run: the highest that applies to it, to its nodes or to the signal that cancelled it.
pub fn run_exit(history: &History, signal: Option<i32>) -> Exit {
    let jobs = history.jobs.iter().filter(|job| !job.allowed).map(|job| job_exit(job.status.outcome()));
    let prepares = history.run.prepares.iter().map(|prepare| match prepare.status.outcome() {
        Some(Outcome::Failed | Outcome::TimedOut | Outcome::Errored) => Exit::PrepareFailed,
        _ => Exit::Passed,
    });
    let run = if history.run.status.outcome() == Some(Outcome::Errored) { Exit::Internal } else { Exit::Passed };
    // A signal that came after the last node ended had no effect on the run.
    let signal = history.cancelled_by().and_then(|by| if by == CANCEL_COMMAND { Some(SIGINT) } else { signal });
    let signal = signal.and_then(Exit::of_signal);
    jobs.chain(prepares).chain([run]).chain(signal).max().unwrap_or(Exit::Passed)
}

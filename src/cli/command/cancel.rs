//! `pikaci cancel`: cancels a run from another terminal, and waits for its end.

#![expect(clippy::disallowed_methods, reason = "waits for the end of the run")]

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::eprint_line;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::Runs;
use crate::failpoint::Point;
use crate::id::RunId;
use crate::state::write_atomic;

/// Interval at which the lock of the run is read.
const POLL: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of its id, or `latest` [default: the run that is running]
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::open(project_args)?;
    let id = match &options.run {
        Some(name) => runs.select(name)?,
        None => running_run(&runs)?,
    };
    if !runs.store.is_alive(&id) {
        let record = runs.store.load(&id).into_record().map_err(|error| Failure::from(error).hint("pikaci list"))?;
        let error = anyhow!("run {id} has ended already: {}", record.status.word());
        return Err(Failure::new(Exit::NothingSelected, error).hint(format!("pikaci status {id}")));
    }
    write_atomic(Point::CancelRequest, &runs.store.state().run(&id).cancel_request(), b"")?;
    eprint_line(&format_args!("cancelling run {id}"));
    while runs.store.is_alive(&id) {
        std::thread::sleep(POLL);
    }
    let record = runs.store.load(&id).into_record()?;
    eprint_line(&format_args!("run {id} {}", record.status.word()));
    Ok(Exit::Passed)
}

/// Returns the run that is running; fails if there are several.
fn running_run(runs: &Runs) -> Result<RunId, Failure> {
    let alive: Vec<&RunId> = runs.newest().iter().filter(|id| runs.has_record(id) && runs.store.is_alive(id)).collect();
    match alive.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err(Failure::new(Exit::NothingSelected, anyhow!("no run is running")).hint("pikaci list")),
        several => {
            let names: Vec<&str> = several.iter().map(|id| id.as_str()).collect();
            let error = anyhow!("{} runs are running: {}", several.len(), names.join(", "));
            Err(Failure::new(Exit::NothingSelected, error).hint(format!("pikaci cancel {}", names[0])))
        }
    }
}

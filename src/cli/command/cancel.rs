//! `pikaci cancel`: ask a run to end, from another terminal.

#![expect(clippy::disallowed_methods, reason = "waits for the end of the run")]

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::output::eprint_line;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::Runs;
use crate::failpoint::Point;
use crate::id::RunId;
use crate::state::write_atomic;

/// How long the waiting for the end lasts before it is looked at again.
const TICK: Duration = Duration::from_millis(50);

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of it, or `latest` [default: the one that is running]
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::find(project_args)?;
    let id = match &options.run {
        Some(word) => runs.get(word)?,
        None => running(&runs)?,
    };
    if !runs.is_alive(&id) {
        let record = runs.record(&id).map_err(|error| Failure::from(error).hint("pikaci list"))?;
        let error = anyhow!("run {id} has ended already: {}", record.status.word());
        return Err(Failure::new(Exit::NothingSelected, error).hint(format!("pikaci status {id}")));
    }
    write_atomic(Point::CancelRequest, &runs.state.run(&id).cancel_request(), b"")?;
    eprint_line(&format_args!("run {id} is asked to end"));
    while runs.is_alive(&id) {
        std::thread::sleep(TICK);
    }
    let record = runs.record(&id)?;
    eprint_line(&format_args!("run {id} {}", record.status.word()));
    Ok(Exit::Passed)
}

/// Returns the only run that is running.
fn running(runs: &Runs) -> Result<RunId, Failure> {
    let alive: Vec<&RunId> = runs.newest().iter().filter(|id| runs.is_run(id) && runs.is_alive(id)).collect();
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

//! `pikaci schema`: the formats of what is recorded.

use clap::{Args, ValueEnum};

use super::{Exit, Failure, print_json};
use crate::report::{Recorded, schema};

#[derive(Debug, Args)]
pub struct Options {
    /// What to describe
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// A line of events.jsonl, and of what `run --format json` prints.
    Events,
    /// plan.json, and what `plan --format json` prints.
    Plan,
    /// run.json of a run.
    Run,
    /// status.json of a job.
    Job,
    /// policy.json of a machine.
    Policy,
}

pub fn main(options: &Options) -> Result<Exit, Failure> {
    let recorded = match options.what {
        What::Events => Recorded::Event,
        What::Plan => Recorded::Plan,
        What::Run => Recorded::Run,
        What::Job => Recorded::Job,
        What::Policy => Recorded::Policy,
    };
    print_json(&schema(recorded))?;
    Ok(Exit::Passed)
}

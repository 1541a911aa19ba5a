//! `pikaci schema`: the formats of records.

use clap::{Args, ValueEnum};

use crate::cli::failure::{Exit, Failure};
use crate::cli::output::print_json;
use crate::report::{Recorded, schema};

#[derive(Debug, Args)]
pub struct Options {
    /// The record whose format is printed
    #[arg(value_enum, value_name = "RECORD")]
    kind: RecordKind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecordKind {
    /// A line of events.jsonl, and of what `run --format json` prints.
    Events,
    /// plan.json, and what `plan --format json` prints.
    Plan,
    /// run.json of a run.
    Run,
    /// status.json of a job.
    Job,
    /// manifest.json of a job's artifacts.
    Manifest,
    /// policy.json of a machine.
    Policy,
}

pub fn main(options: &Options) -> Result<Exit, Failure> {
    let recorded = match options.kind {
        RecordKind::Events => Recorded::Event,
        RecordKind::Plan => Recorded::Plan,
        RecordKind::Run => Recorded::Run,
        RecordKind::Job => Recorded::Job,
        RecordKind::Manifest => Recorded::Manifest,
        RecordKind::Policy => Recorded::Policy,
    };
    print_json(&schema(recorded))?;
    Ok(Exit::Passed)
}

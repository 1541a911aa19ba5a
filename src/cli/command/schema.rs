//! `pikaci schema`: prints the format of a file.

use clap::{Args, ValueEnum};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::print_json;
use crate::report::{RecordFormat, schema};

#[derive(Debug, Args)]
pub struct Options {
    /// The file whose format is printed
    #[arg(value_enum, value_name = "RECORD")]
    kind: RecordKind,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecordKind {
    /// A line of events.jsonl, and of the output of `run --format json`.
    Events,
    /// plan.json, and the output of `plan --format json`.
    Plan,
    /// run.json of a run.
    Run,
    /// status.json of a job.
    Job,
    /// manifest.json of a job's artifacts.
    Manifest,
    /// policy.json of a machine.
    Policy,
    /// The value of pikaci.nix.
    JobFile,
}

pub fn main(options: &Options) -> Result<Exit, Failure> {
    let format = match options.kind {
        RecordKind::Events => RecordFormat::Event,
        RecordKind::Plan => RecordFormat::Plan,
        RecordKind::Run => RecordFormat::Run,
        RecordKind::Job => RecordFormat::Job,
        RecordKind::Manifest => RecordFormat::Manifest,
        RecordKind::Policy => RecordFormat::Policy,
        RecordKind::JobFile => RecordFormat::JobFile,
    };
    print_json(&schema(format))?;
    Ok(Exit::Passed)
}

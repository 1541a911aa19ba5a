//! `pikaci logs`: the output of jobs, byte for byte; filtered at a terminal.

use std::io::ErrorKind;

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::follow::{Log, follow, print_all};
use super::runs::{LATEST, Runs, find_job};
use super::{Exit, Failure, Place};
use crate::guest::quote;
use crate::id::RecordedPath;
use crate::record::{JobRecord, Status};

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// Only the log of this job [default: those of all jobs, with headlines on standard error]
    #[arg(long, value_name = "JOB", env = "PIKACI_JOB")]
    job: Option<String>,
    /// Which log
    #[arg(long, value_enum, default_value_t, env = "PIKACI_KIND")]
    kind: Kind,
    /// Go on until the job has ended
    #[arg(short, long, env = "PIKACI_FOLLOW", value_parser = clap::builder::FalseyValueParser::new())]
    follow: bool,
    /// Print all bytes unchanged at a terminal too, control sequences included
    #[arg(long, env = "PIKACI_RAW", value_parser = clap::builder::FalseyValueParser::new())]
    raw: bool,
}

/// A log of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// What the job printed.
    #[default]
    Guest,
    /// What pikaci did: command lines, and what the hypervisor and the share daemons said.
    Host,
    /// The guest kernel's console.
    Console,
}

impl Kind {
    /// Returns where the log of a job is, relative to the state folder, once the job has begun.
    pub fn of(self, job: &JobRecord) -> Option<&RecordedPath> {
        match self {
            Self::Guest => job.guest_log_path.as_ref(),
            Self::Host => job.host_log_path.as_ref(),
            Self::Console => job.console_log_path.as_ref(),
        }
    }
}

pub fn main(place: &Place, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::find(place)?;
    let id = runs.get(&options.run)?;
    let history = runs.history(&id)?;
    let jobs: Vec<&JobRecord> = match &options.job {
        Some(name) => vec![find_job(&history, name)?],
        None => history.jobs.iter().collect(),
    };
    let mut logs: Vec<Log> = jobs.iter().map(|job| Log::new(&runs, &id, job, options.kind, options.raw)).collect();
    let printed = if options.follow { follow(&runs, &id, &mut logs) } else { print_all(&mut logs) };
    match printed {
        // A reader that went away is no error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Passed),
        printed => printed.map_err(|error| anyhow!(error).context(format!("printing the logs of run {id}")))?,
    }
    if let [log] = logs.as_slice()
        && !log.was_found()
    {
        return Err(nothing(log.job(), options.follow));
    }
    Ok(Exit::Passed)
}

fn nothing(job: &JobRecord, follow: bool) -> Failure {
    let failure = Failure::new(Exit::NothingSelected, anyhow!("{}", missing(job)));
    match job.status {
        Status::Open(_) if !follow => failure.hint(format!("pikaci logs --job {} --follow", quote(job.id.as_str()))),
        _ => failure.hint("pikaci status"),
    }
}

/// Returns that a job left no such log, and why.
pub fn missing(job: &JobRecord) -> String {
    let message = job.reason.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
    format!("job {} is {}{message} and has no such log", job.id, job.status.word())
}

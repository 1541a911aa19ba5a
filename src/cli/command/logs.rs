//! `pikaci logs`: the output of jobs, byte for byte; filtered at a terminal.

use std::io::ErrorKind;

use anyhow::anyhow;
use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::log_follower::{Log, follow, print_all};
use crate::cli::log_kind::{LogKind, missing};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, find_job};
use crate::guest::quote;
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
    kind: LogKind,
    /// Go on until the job has ended
    #[arg(short, long, env = "PIKACI_FOLLOW", value_parser = clap::builder::FalseyValueParser::new())]
    follow: bool,
    /// Print all bytes unchanged at a terminal too, control sequences included
    #[arg(long, env = "PIKACI_RAW", value_parser = clap::builder::FalseyValueParser::new())]
    raw: bool,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::find(project_args)?;
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

//! `pikaci logs`: prints the logs of jobs, byte for byte, and filtered at a terminal.

use std::io::ErrorKind;

use anyhow::anyhow;
use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::follow_logs::{follow_logs, print_logs};
use crate::cli::job_log::JobLog;
use crate::cli::log_kind::{LogKind, missing_log};
use crate::cli::log_part::LogPart;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{LATEST, Runs, select_job};
use crate::event::Status;
use crate::record::JobRecord;
use crate::text::quote;

#[derive(Debug, Args)]
pub struct Options {
    /// The run: its id, the beginning of its id, or `latest`
    #[arg(value_name = "RUN", default_value = LATEST)]
    run: String,
    /// Print only the log of this job [default: the logs of all jobs, with headlines on standard error]
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Print only the part of this step
    #[arg(long, value_name = "STEP", requires = "job", conflicts_with_all = ["service", "kind"])]
    step: Option<String>,
    /// Print the log of this service, which arrives at the end of the job
    #[arg(long, value_name = "SERVICE", requires = "job", conflicts_with = "kind")]
    service: Option<String>,
    /// The kind of log
    #[arg(long, value_enum, default_value_t, env = "PIKACI_KIND")]
    kind: LogKind,
    /// Print the log as it grows, until the job has ended
    #[arg(short, long, env = "PIKACI_FOLLOW", value_parser = clap::builder::FalseyValueParser::new())]
    follow: bool,
    /// Print all bytes unchanged at a terminal too, control sequences included
    #[arg(long, env = "PIKACI_RAW", value_parser = clap::builder::FalseyValueParser::new())]
    raw: bool,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::open(project_args)?;
    let id = runs.select(&options.run)?;
    let history = runs.history(&id)?;
    let jobs: Vec<&JobRecord> = match &options.job {
        Some(name) => vec![select_job(&history, name)?],
        None => history.jobs.iter().collect(),
    };
    let part = match (&options.step, &options.service) {
        (Some(step), _) => LogPart::Step(step.clone()),
        (None, Some(service)) => LogPart::Service(service.clone()),
        (None, None) => LogPart::Job,
    };
    let mut logs = Vec::new();
    for job in jobs {
        let (run, job) = runs.resolve_taken(&id, job)?;
        part.check(&job)?;
        logs.push(JobLog::new(&runs, &run, &job, options.kind, part.clone(), options.raw));
    }
    let printed = if options.follow { follow_logs(&runs, &id, &mut logs) } else { print_logs(&mut logs) };
    match printed {
        // A reader that closed standard output is no error.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Passed),
        printed => printed.map_err(|error| anyhow!(error).context(format!("printing the logs of run {id}")))?,
    }
    if let [log] = logs.as_slice()
        && !log.has_file()
    {
        return Err(missing_failure(log.job(), options.follow));
    }
    Ok(Exit::Passed)
}

fn missing_failure(job: &JobRecord, follow: bool) -> Failure {
    let failure = Failure::new(Exit::NothingSelected, anyhow!("{}", missing_log(job)));
    match job.status {
        Status::Open(_) if !follow => failure.hint(format!("pikaci logs --job {} --follow", quote(job.id.as_str()))),
        _ => failure.hint("pikaci status"),
    }
}

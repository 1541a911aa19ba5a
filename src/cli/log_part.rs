//! The parts of a job's log.

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::record::JobRecord;

/// A part of the log with a job's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// The output of the job, without that of its services.
    Job,
    /// The output of a step.
    Step(String),
    /// The output of a service.
    Service(String),
}

impl LogPart {
    /// Refuses a step or a service that the job doesn't have.
    pub fn check(&self, job: &JobRecord) -> Result<(), Failure> {
        let steps = || job.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>();
        let services = || job.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>();
        let (kind, name, names) = match self {
            Self::Job => return Ok(()),
            Self::Step(name) => ("step", name, steps()),
            Self::Service(name) => ("service", name, services()),
        };
        if names.contains(&name.as_str()) {
            return Ok(());
        }
        let hint = match names.as_slice() {
            [] => format!("it has no {kind}s"),
            names => format!("it has {}", names.join(", ")),
        };
        Err(Failure::new(Exit::NothingSelected, anyhow!("job {} has no {kind} {name:?}", job.id)).hint(hint))
    }

    /// Returns the offsets of the part: of its first byte, and after its last one if it is complete. Returns `None` if it
    /// hasn't begun.
    pub fn range(&self, job: &JobRecord) -> Option<(u64, Option<u64>)> {
        match self {
            Self::Job => Some((0, job.own_log_end())),
            Self::Service(name) => {
                let log = job.services.iter().find(|service| service.name == *name)?.log?;
                Some((log.start, Some(log.end)))
            }
            Self::Step(name) => {
                let step = job.steps.iter().find(|step| step.name == *name)?;
                let before = job.steps.iter().filter_map(|step| step.log).map(|log| log.end).max();
                match step.log {
                    Some(log) => Some((log.start, Some(log.end))),
                    None if step.started_at.is_some() => Some((before.unwrap_or_default(), job.own_log_end())),
                    None => None,
                }
            }
        }
    }
}

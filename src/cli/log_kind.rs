//! The kinds of logs.

use clap::ValueEnum;

use crate::id::RecordedPath;
use crate::record::JobRecord;

/// A log of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogKind {
    /// What the job printed.
    #[default]
    Guest,
    /// What pikaci did: command lines, and what the hypervisor and the share daemons said.
    Host,
    /// The guest kernel's console.
    Console,
}

impl LogKind {
    /// Returns where the log of a job is, relative to the state folder, once the job has begun.
    pub fn of(self, job: &JobRecord) -> Option<&RecordedPath> {
        match self {
            Self::Guest => job.guest_log_path.as_ref(),
            Self::Host => job.host_log_path.as_ref(),
            Self::Console => job.console_log_path.as_ref(),
        }
    }
}

/// Returns that a job left no such log, and why.
pub fn missing(job: &JobRecord) -> String {
    let message = job.reason.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
    format!("job {} is {}{message} and has no such log", job.id, job.status.word())
}

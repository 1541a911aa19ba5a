//! The kinds of logs.

use clap::ValueEnum;

use crate::id::RecordedPath;
use crate::record::JobRecord;

/// A log of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogKind {
    /// The output of the job.
    #[default]
    Guest,
    /// The log of pikaci: command lines, and the output of the hypervisor and of the daemons of shares.
    Host,
    /// The console of the guest's kernel.
    Console,
}

impl LogKind {
    /// Returns the path of the log of a job, relative to the state folder; `None` before the job starts.
    pub fn path(self, job: &JobRecord) -> Option<&RecordedPath> {
        match self {
            Self::Guest => job.logs.guest_log_path.as_ref(),
            Self::Host => job.logs.host_log_path.as_ref(),
            Self::Console => job.logs.console_log_path.as_ref(),
        }
    }
}

/// Returns the message for a job that has no such log, with the reason.
pub fn missing_log(job: &JobRecord) -> String {
    let message = job.exit.reason.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
    format!("job {} is {}{message} and has no such log", job.id, job.status.word())
}

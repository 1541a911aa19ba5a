//! Commands of jobs.

/// Command of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A script for the job's shell.
    Script(String),
    /// A program and its arguments, run without a shell.
    Argv(Vec<String>),
}

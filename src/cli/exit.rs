//! Exit codes.

use std::process::ExitCode;

/// An exit code. If several apply, the highest one is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Everything passed, or there was nothing to do.
    Passed,
    /// pikaci itself failed.
    Internal,
    /// The command line, the settings or the job file is wrong.
    Usage,
    /// Nothing matched the selection.
    NothingSelected,
    /// No virtual machine can run on this host.
    NoVm,
    /// A job failed or timed out.
    JobFailed,
    /// A runner couldn't be prepared.
    PrepareFailed,
    /// A job errored: its guest was lost, for instance.
    JobErred,
    /// A signal cancelled the command.
    Signal(u8),
}

impl Exit {
    /// Returns the exit code of a process that a signal cancelled.
    #[must_use]
    pub fn of_signal(number: i32) -> Option<Self> {
        u8::try_from(number).ok().map(Self::Signal)
    }

    /// Returns the exit code as a number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Internal => 1,
            Self::Usage => 2,
            Self::NothingSelected => 4,
            Self::NoVm => 69,
            Self::JobFailed => 100,
            Self::PrepareFailed => 101,
            Self::JobErred => 102,
            Self::Signal(number) => 128 + number,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

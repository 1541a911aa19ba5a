//! Exit codes, and how a failure is told.

use std::fmt;
use std::io::{self, ErrorKind};
use std::process::ExitCode;

use anyhow::anyhow;

use crate::config::Diagnostics;
use crate::doctor::Finding;
use crate::snapshot;
use crate::state::OpenError;

/// What the exit code says; the highest that applies is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Passed, or there was nothing to do.
    Passed,
    /// pikaci itself failed.
    Internal,
    /// The command line or the job file is wrong.
    Usage,
    /// Nothing matched the selection.
    NothingSelected,
    /// No virtual machine can run here.
    NoVm,
    /// A job failed or timed out.
    JobFailed,
    /// A runner couldn't be prepared.
    PrepareFailed,
    /// A job erred: its guest died, for instance.
    JobErred,
    /// A signal asked to end.
    Signal(u8),
}

impl Exit {
    /// Returns what a signal is as an exit code.
    #[must_use]
    pub fn of_signal(number: i32) -> Option<Self> {
        u8::try_from(number).ok().map(Self::Signal)
    }

    /// Returns the number.
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

/// Why a command ends early: what, where, why, and what to type next.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// Returns a failure with an exit code of its own.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// Has it no lower exit code than that.
    #[must_use]
    pub fn at_least(mut self, exit: Exit) -> Self {
        self.exit = self.exit.max(exit);
        self
    }

    /// Returns the failure of a run for which nothing can be booted.
    #[must_use]
    pub fn no_vm(finding: &Finding) -> Self {
        let error = anyhow!("no virtual machine can run here: {}", finding.what);
        Self { hint: finding.remedy.clone(), ..Self::new(Exit::NoVm, error) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Returns it as a finding, for who can do without.
    #[must_use]
    pub fn warning(&self, topic: &str) -> Finding {
        Finding { remedy: self.hint.clone(), ..Finding::warning(topic, format!("{:#}", self.error), "") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error.downcast_ref::<Diagnostics>() {
            // They are a text of their own, with a place and a hint each.
            Some(diagnostics) => f.write_str(diagnostics.to_string().trim_end())?,
            None => write!(f, "error: {}", indented(&format!("{:#}", self.error)))?,
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", indented(hint)),
            None => Ok(()),
        }
    }
}

/// Indents all lines but the first, so that a name with a newline can't imitate a line of pikaci's own.
fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let hint = remedy(&error);
        Self { hint, ..Self::new(Exit::Internal, error) }
    }
}

/// Returns what to do where a disk, most likely that of the state folder, takes nothing more.
fn remedy(error: &anyhow::Error) -> Option<String> {
    if is_full(error) {
        return Some("make room there, or name a folder on another disk with --state-root".to_owned());
    }
    has(error, &[ErrorKind::ReadOnlyFilesystem])
        .then(|| "name a folder that can be written with --state-root".to_owned())
}

/// Returns whether an error comes of a full disk.
pub fn is_full(error: &anyhow::Error) -> bool {
    has(error, &[ErrorKind::StorageFull, ErrorKind::QuotaExceeded])
}

fn has(error: &anyhow::Error, kinds: &[ErrorKind]) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|cause| kinds.contains(&cause.kind()))
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let hint = error.hint();
        let is_foreign = matches!(error, OpenError::Linked { .. } | OpenError::Owner { .. } | OpenError::Shared { .. });
        Self::new(if is_foreign { Exit::Usage } else { Exit::Internal }, error).hint(hint)
    }
}

impl From<snapshot::Error> for Failure {
    fn from(error: snapshot::Error) -> Self {
        let is_usage = matches!(
            error,
            snapshot::Error::NoSuchBase { .. } | snapshot::Error::Partial { .. } | snapshot::Error::Path { .. }
        );
        let exit = if is_usage { Exit::Usage } else { Exit::Internal };
        let hint = error.hint();
        let failure = Self::new(exit, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

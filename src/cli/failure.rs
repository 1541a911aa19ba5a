//! The failure of a command, with its exit code and its hint.

use std::fmt;
use std::io::{self, ErrorKind};

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::config::Diagnostics;
use crate::snapshot;
use crate::state::OpenError;
use crate::tools::Finding;

/// The failure that ends a command, with a hint for the operator.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    /// Returns the failure with this exit code and without a hint.
    pub fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// Raises the exit code to `exit` if it is lower.
    #[must_use]
    pub fn at_least(mut self, exit: Exit) -> Self {
        self.exit = self.exit.max(exit);
        self
    }

    /// Returns the failure of a command that needs a virtual machine on a host that can't run one.
    #[must_use]
    pub fn no_vm(finding: &Finding) -> Self {
        let error = anyhow!("no virtual machine can run here: {}", finding.message);
        Self { hint: finding.remedy.clone(), ..Self::new(Exit::NoVm, error) }
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Adds the action that failed.
    #[must_use]
    pub fn context(self, context: String) -> Self {
        Self { error: self.error.context(context), ..self }
    }

    /// Returns the failure as a warning, for callers that can continue.
    #[must_use]
    pub fn warning(&self, topic: &str) -> Finding {
        Finding { remedy: self.hint.clone(), ..Finding::warning(topic, format!("{:#}", self.error), "") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error.downcast_ref::<Diagnostics>() {
            // Diagnostics render themselves, each with its place and its hint.
            Some(diagnostics) => f.write_str(diagnostics.to_string().trim_end())?,
            None => write!(f, "error: {}", indented(&format!("{:#}", self.error)))?,
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", indented(hint)),
            None => Ok(()),
        }
    }
}

/// Indents all lines except the first, so that a name with a newline can't imitate a line of pikaci.
fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let hint = disk_hint(&error);
        Self { hint, ..Self::new(Exit::Internal, error) }
    }
}

/// Returns a hint if a disk, most likely that of the state folder, is full or read-only.
fn disk_hint(error: &anyhow::Error) -> Option<String> {
    if is_full(error) {
        return Some("make room on that disk, or name a folder on another disk with --state-root".to_owned());
    }
    has_cause(error, &[ErrorKind::ReadOnlyFilesystem]).then(|| "name a writable folder with --state-root".to_owned())
}

/// Returns true if a full disk caused an error.
pub fn is_full(error: &anyhow::Error) -> bool {
    has_cause(error, &[ErrorKind::StorageFull, ErrorKind::QuotaExceeded])
}

fn has_cause(error: &anyhow::Error, kinds: &[ErrorKind]) -> bool {
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
            snapshot::Error::NoSuchBase { .. }
                | snapshot::Error::Partial { .. }
                | snapshot::Error::Path { .. }
                | snapshot::Error::Globs { .. }
                | snapshot::Error::NoGuestGit { .. }
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

//! The shell of a job's scripts.

use super::command::Command;

/// Program that runs scripts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// `sh -eu`.
    #[default]
    Sh,
    /// `bash -euo pipefail`.
    Bash,
    /// A program with arguments, after which the script follows.
    Program(Vec<String>),
}

impl Shell {
    /// Returns the argument list of a command.
    #[must_use]
    pub fn argv(&self, command: &Command) -> Vec<String> {
        let script = match command {
            Command::Argv(argv) => return argv.clone(),
            Command::Script(script) => script,
        };
        let mut argv = match self {
            Self::Sh => ["/bin/sh", "-euc"].map(str::to_owned).into(),
            Self::Bash => ["bash", "-euo", "pipefail", "-c"].map(str::to_owned).into(),
            Self::Program(argv) => argv.clone(),
        };
        argv.push(script.clone());
        argv
    }
}

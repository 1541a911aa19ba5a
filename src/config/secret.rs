//! A secret of a job file.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret: a value that jobs get and that no file of pikaci has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Source of the value.
    pub source: SecretSource,
    /// True if jobs get the value as a file, and the path of the file as the variable.
    pub as_file: bool,
    /// Line of the job file that defines the secret, from 1; `None` if pikaci didn't read that file itself.
    pub line: Option<usize>,
}

/// Source of the value of a secret, on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The variable with this name in the environment of pikaci.
    Env(String),
    /// The file with this path: absolute, or with `~/` first.
    File(String),
    /// The output of this command: a program and its arguments.
    Command(Vec<String>),
}

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    /// A variable of the environment of pikaci.
    Env,
    /// A file of the host.
    File,
    /// The output of a command on the host.
    Command,
}

impl SecretKind {
    /// Returns all kinds.
    #[must_use]
    pub fn all() -> BTreeSet<Self> {
        BTreeSet::from([Self::Env, Self::File, Self::Command])
    }
}

impl SecretSource {
    /// Returns the kind of the source.
    #[must_use]
    pub fn kind(&self) -> SecretKind {
        match self {
            Self::Env(_) => SecretKind::Env,
            Self::File(_) => SecretKind::File,
            Self::Command(_) => SecretKind::Command,
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Command(argv) => write!(f, "the command {}", argv.join(" ")),
        }
    }
}

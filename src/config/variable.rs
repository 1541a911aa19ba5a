//! An environment variable of a job.

/// Source of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// The value in the job file.
    Value(String),
    /// The value in the environment of the command line, or the default.
    Inherit {
        /// The value if that environment has no such variable.
        default: Option<String>,
    },
}

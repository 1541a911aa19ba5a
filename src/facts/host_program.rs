//! A program of the host.

/// A program of the host, and what a guest needs to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostProgram {
    /// Absolute path of its folder.
    pub folder: String,
    /// The folders that a guest needs to run it, as a job file names them.
    pub shares: Vec<String>,
    /// A variable of the environment that it needs.
    pub env: Option<(&'static str, String)>,
}

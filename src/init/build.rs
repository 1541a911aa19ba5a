//! A build that files of a project describe.

/// A build that files of a project describe, and the job that runs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// Name of the job.
    pub job: &'static str,
    /// Name of the file that describes the build.
    pub file: &'static str,
    /// Note about the version of the toolchain, which may hold text of the project.
    pub version: Option<String>,
    /// Lines of the command.
    pub command: Vec<&'static str>,
    /// A variable of the environment.
    pub env: Option<(&'static str, &'static str)>,
    /// Reason for which the job has a network.
    pub network: Option<&'static str>,
    /// Programs that the command starts.
    pub programs: Vec<&'static str>,
    /// Attribute paths of nixpkgs that have these programs.
    pub packages: &'static [&'static str],
}

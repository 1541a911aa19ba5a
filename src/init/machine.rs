//! The machine on which a job file is made.

use std::path::PathBuf;

/// A machine, as far as guests see its programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// True for Linux, whose `/usr` guests of base `host` see.
    pub is_linux: bool,
    /// The programs of the builds that `/usr` doesn't have.
    pub toolchains: Vec<Toolchain>,
}

/// A program of a build that guests of base `host` don't see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Name of the program.
    pub program: String,
    /// Folder of the program, if `PATH` has the program.
    pub folder: Option<PathBuf>,
}

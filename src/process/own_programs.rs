//! Folders of the programs that pikaci itself runs. Jobs get only the folders in PATH.

#![expect(clippy::disallowed_methods, reason = "reads the environment, and searches programs")]

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use rustix::fs::{Access, access};

/// Variable with folders that precede those in PATH; packages of pikaci set it.
const PROGRAMS: &str = "PIKACI_PROGRAMS";

/// Returns the folders of pikaci's own programs, in the format of PATH.
#[must_use]
pub fn own_path() -> OsString {
    let value = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    [value(PROGRAMS), value("PATH")].into_iter().flatten().collect::<Vec<_>>().join(OsStr::new(":"))
}

/// Returns the path of one of pikaci's own programs, or its name if no folder has it.
#[must_use]
pub fn own_program(name: &str) -> PathBuf {
    let folders = own_path();
    let mut files = env::split_paths(&folders).map(|folder| folder.join(name));
    files
        .find(|file| file.is_absolute() && file.is_file() && access(file, Access::EXEC_OK).is_ok())
        .unwrap_or_else(|| name.into())
}

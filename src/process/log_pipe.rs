//! Logs that processes print into through a pipe.

#![expect(clippy::disallowed_types, reason = "opens logs")]

use std::fs::{File, OpenOptions};
use std::io::{self, PipeWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::pump::copy;
use super::start::with_start_lock;
use super::{CopyThread, Invocation, LogRules};

/// Log that processes print into through a pipe. The log ends when the processes have ended and this value is dropped.
#[derive(Debug)]
pub struct LogPipe {
    pub(super) log: PathBuf,
    pub(super) writer: PipeWriter,
}

impl LogPipe {
    /// Opens a log to append to, and starts the thread that copies the pipe into the log.
    ///
    /// # Errors
    /// When the log can't be opened or the pipe can't be made.
    pub fn open(log: &Path, rules: LogRules<'_>) -> Result<(Self, CopyThread)> {
        let file = append_to(log)?;
        let (reader, writer) =
            with_start_lock(io::pipe).with_context(|| format!("making the pipe of {}", log.display()))?;
        Ok((Self { log: log.to_owned(), writer }, copy(reader, file, rules)))
    }
}

/// Writes the command line of a process that is about to start into a log.
pub(super) fn write_command_line(invocation: &Invocation, log: &Path) -> Result<()> {
    writeln!(append_to(log)?, "$ {invocation}").with_context(|| format!("writing {}", log.display()))
}

fn append_to(log: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(log);
    file.with_context(|| format!("opening {}", log.display()))
}

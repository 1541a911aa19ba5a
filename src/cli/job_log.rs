//! The log of a job, printed while it grows.

#![expect(clippy::disallowed_types, reason = "reads logs")]

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};

use crate::cli::log_kind::LogKind;
use crate::cli::log_part::LogPart;
use crate::cli::output::LogOutput;
use crate::cli::runs::Runs;
use crate::foreign::Beneath;
use crate::id::RunId;
use crate::record::JobRecord;
use crate::state::{StateLayout, read_json};

/// A log of a job, with the position up to which it is printed.
#[derive(Debug)]
pub struct JobLog {
    job: JobRecord,
    kind: LogKind,
    part: LogPart,
    /// Offset in the log after the last printed byte.
    position: u64,
    state: StateLayout,
    status: Beneath,
    file: Option<File>,
    output: LogOutput,
}

impl JobLog {
    /// Returns a log of a job, before any of it is printed.
    pub fn new(runs: &Runs, run: &RunId, job: &JobRecord, kind: LogKind, part: LogPart, raw: bool) -> Self {
        let state = runs.store.state().clone();
        let status = runs.store.state().run(run).job(&job.id).status();
        Self { job: job.clone(), kind, part, position: 0, state, status, file: None, output: LogOutput::new(raw) }
    }

    /// Returns the job's record as it was last read.
    pub fn job(&self) -> &JobRecord {
        &self.job
    }

    /// Returns true if the log exists.
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Returns true if the job has ended.
    pub fn has_ended(&self) -> bool {
        self.job.status.outcome().is_some()
    }

    /// Reads the job's record again, which appears when the job starts and changes when the job ends.
    pub fn refresh(&mut self) {
        if let Ok(job) = read_json(&self.status) {
            self.job = job;
        }
    }

    /// Prints the part of the log that is not printed yet. Calls `before` ahead of each piece.
    pub fn print(&mut self, before: &mut impl FnMut(&JobRecord)) -> io::Result<()> {
        let whole = Some((0, None)).filter(|_| self.kind != LogKind::Guest);
        let Some((start, end)) = whole.or_else(|| self.part.range(&self.job)) else { return Ok(()) };
        if self.file.is_none() {
            let Some(path) = self.kind.path(&self.job) else { return Ok(()) };
            self.file = match self.state.recorded(path).open() {
                Ok(mut file) => {
                    self.position = file.seek(SeekFrom::Start(start))?;
                    Some(file)
                }
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut buffer = vec![0; 64 << 10];
        loop {
            let rest = end.map_or(u64::MAX, |end| end.saturating_sub(self.position));
            let count = match file.take(rest).read(&mut buffer) {
                Ok(0) => return self.output.flush(),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            before(&self.job);
            self.position += count as u64;
            self.output.write_all(&buffer[..count])?;
        }
    }
}

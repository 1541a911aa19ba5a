//! Logs on standard output while they grow.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads logs and waits for more")]

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::interrupted::report_interrupted_if_writable;
use crate::cli::log_kind::{LogKind, missing};
use crate::cli::output::LogOutput;
use crate::cli::output::eprint_line;
use crate::cli::runs::Runs;
use crate::foreign::Beneath;
use crate::id::RunId;
use crate::record::JobRecord;
use crate::state::{StateLayout, read_json};

/// How long to wait between looks at logs that grow.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait for what is asked of standard output: not at all.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// A log of a job, and how far it was printed.
#[derive(Debug)]
pub struct Log {
    job: JobRecord,
    kind: LogKind,
    state: StateLayout,
    status: Beneath,
    file: Option<File>,
    output: LogOutput,
}

impl Log {
    /// Returns a job's log, of which nothing was printed.
    pub fn new(runs: &Runs, run: &RunId, job: &JobRecord, kind: LogKind, raw: bool) -> Self {
        let state = runs.state.clone();
        let status = runs.state.run(run).job(&job.id).status();
        Self { job: job.clone(), kind, state, status, file: None, output: LogOutput::new(raw) }
    }

    /// Returns the job as it was last seen.
    pub fn job(&self) -> &JobRecord {
        &self.job
    }

    /// Returns whether there was a log.
    pub fn was_found(&self) -> bool {
        self.file.is_some()
    }

    fn has_ended(&self) -> bool {
        self.job.status.outcome().is_some()
    }

    /// Looks at the job's record, which comes when the job begins and changes when it ends.
    fn refresh(&mut self) {
        if let Ok(job) = read_json(&self.status) {
            self.job = job;
        }
    }

    /// Prints what came since the last time, telling `before` ahead of every part.
    fn print(&mut self, before: &mut impl FnMut(&JobRecord)) -> io::Result<()> {
        if self.file.is_none() {
            let Some(path) = self.kind.of(&self.job) else { return Ok(()) };
            self.file = match self.state.recorded(path).open() {
                Ok(file) => Some(file),
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(error),
            };
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => return self.output.flush(),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            before(&self.job);
            self.output.write_all(&buffer[..count])?;
        }
    }
}

/// Prints logs as they are, one after the other.
pub fn print_all(logs: &mut [Log]) -> io::Result<()> {
    let mut headline = headlines(logs.len());
    for log in &mut *logs {
        log.print(&mut headline)?;
    }
    tell_missing(logs);
    Ok(())
}

/// Prints logs as they grow until their jobs have ended, their run is over, or nobody reads any more.
pub fn follow(runs: &Runs, run: &RunId, logs: &mut [Log]) -> io::Result<()> {
    let mut headline = headlines(logs.len());
    loop {
        // What ended before this look has written all that is printed by it.
        let over = !runs.is_alive(run);
        for log in &mut *logs {
            if !log.has_ended() {
                log.refresh();
            }
            log.print(&mut headline)?;
        }
        if over || logs.iter().all(Log::has_ended) {
            break;
        }
        wait()?;
    }
    tell_missing(logs);
    report_interrupted_if_writable(&runs.state);
    Ok(())
}

/// Returns what prints the name of a job where another one's output begins, if there are several.
fn headlines(logs: usize) -> impl FnMut(&JobRecord) {
    let mut last = None;
    move |job| {
        if logs > 1 && last.as_ref() != Some(&job.id) {
            let gap = if last.is_some() { "\n" } else { "" };
            eprint_line(&format_args!("{gap}==> {} <==", job.id));
            last = Some(job.id.clone());
        }
    }
}

fn tell_missing(logs: &[Log]) {
    if logs.len() > 1 {
        for log in logs.iter().filter(|log| !log.was_found()) {
            eprint_line(&missing(&log.job));
        }
    }
}

/// Waits for the next look; a reader of standard output that went away ends it.
fn wait() -> io::Result<()> {
    std::thread::sleep(TICK);
    let stdout = io::stdout();
    // Who doesn't ask whether it could write isn't told by macOS that the reader is gone. And it can't tell of devices.
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    match poll(&mut fds, Some(&AT_ONCE)) {
        Ok(_) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => Err(ErrorKind::BrokenPipe.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

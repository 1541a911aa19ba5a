//! Logs of jobs on standard output, once or until their jobs have ended.

#![expect(clippy::disallowed_methods, reason = "waits for more of a log")]

use std::io::{self, ErrorKind};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::cli::job_log::JobLog;
use crate::cli::log_kind::missing_log;
use crate::cli::output::eprint_line;
use crate::cli::report_interrupted::report_interrupted_if_writable;
use crate::cli::runs::Runs;
use crate::id::RunId;
use crate::record::JobRecord;

/// Interval at which growing logs are read.
const POLL: Duration = Duration::from_millis(100);
/// Time limit of a poll that doesn't wait.
const NO_WAIT: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Prints logs as they are, one after the other.
pub fn print_logs(logs: &mut [JobLog]) -> io::Result<()> {
    let mut headline = headlines(logs.len());
    for log in &mut *logs {
        log.print(&mut headline)?;
    }
    report_missing(logs);
    Ok(())
}

/// Prints logs as they grow, until their jobs or their run have ended, or until standard output has no reader.
pub fn follow_logs(runs: &Runs, run: &RunId, logs: &mut [JobLog]) -> io::Result<()> {
    let mut headline = headlines(logs.len());
    loop {
        // If the run has ended before the logs are read, they are complete.
        let is_over = !runs.store.is_alive(run);
        for log in &mut *logs {
            if !log.has_ended() {
                log.refresh();
            }
            log.print(&mut headline)?;
        }
        if is_over || logs.iter().all(JobLog::has_ended) {
            break;
        }
        wait()?;
    }
    report_missing(logs);
    report_interrupted_if_writable(&runs.store);
    Ok(())
}

/// Returns a function that prints the name of a job ahead of its output, if there are several logs.
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

fn report_missing(logs: &[JobLog]) {
    if logs.len() > 1 {
        for log in logs.iter().filter(|log| !log.has_file()) {
            eprint_line(&missing_log(log.job()));
        }
    }
}

/// Waits for the next reading of the logs. Fails if standard output has no reader any more.
fn wait() -> io::Result<()> {
    std::thread::sleep(POLL);
    let stdout = io::stdout();
    // macOS reports a reader that is gone only to a poll for writing, and can't poll devices.
    let mut fds = [PollFd::new(&stdout, PollFlags::OUT)];
    match poll(&mut fds, Some(&NO_WAIT)) {
        Ok(_) if fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => Err(ErrorKind::BrokenPipe.into()),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

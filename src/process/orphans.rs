//! What left the process group of a job and would outlive it: found by the job's mark in its environment.
//!
//! On Linux this process becomes the parent of what its children leave behind. macOS has no such thing: there a process
//! that leaves its group is left alone.

#![expect(clippy::disallowed_methods, reason = "reads what Linux tells of processes")]

use std::fs;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};

/// Becomes the parent of what children of this process leave behind.
pub fn adopt_orphans() {
    // Where that isn't to be had, a job's group is still ended.
    set_child_subreaper(Pid::from_raw(1)).ok();
}

/// Kills those of the children left behind that have this in their environment, until none is left.
pub fn kill_orphans(name: &str, value: &str) {
    let mark = format!("{name}={value}");
    loop {
        let orphans: Vec<Pid> = children().into_iter().filter(|pid| has_mark(*pid, &mark)).collect();
        if orphans.is_empty() {
            return;
        }
        for orphan in orphans {
            kill_process(orphan, Signal::KILL).ok();
            waitpid(Some(orphan), WaitOptions::empty()).ok();
        }
    }
}

/// Returns the children of all threads of this process.
fn children() -> Vec<Pid> {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

fn has_mark(pid: Pid, mark: &str) -> bool {
    let environ = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}

//! Orphans: processes that left the process group of a job and would outlive the job. The mark of the job in their
//! environment identifies them.
//!
//! On Linux this process becomes the parent of its children's orphans. macOS has no such feature, so orphans stay
//! there.

#![expect(clippy::disallowed_methods, reason = "reads /proc")]

use std::fs;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};

/// Makes this process the parent of its children's orphans.
pub fn adopt_orphans() {
    // If the kernel refuses, the group of a job is still killed.
    set_child_subreaper(Pid::from_raw(1)).ok();
}

/// Kills the adopted orphans with this variable in their environment, until none is left.
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

/// Returns the children of every thread of this process.
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

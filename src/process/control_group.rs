//! Control groups: limits of the kernel for the processes of a guest, if systemd delegates a part of the tree to
//! pikaci.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "control groups are folders and files")]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::fs::{Access, access, getxattr};
use rustix::process::{Pid, getpid, getuid, test_kill_process};

/// Folder in which systemd mounts control groups of version 2 (<https://systemd.io/CGROUP_DELEGATION>).
const ROOT: &str = "/sys/fs/cgroup";
/// Extended attributes by which systemd marks a delegated group, with the value 1.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];
/// Controllers that limit memory and processes.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// Prefix of the names of pikaci's groups; the process ids of pikaci and of a guard follow.
const PREFIX: &str = "pikaci-";

/// Limits that the processes of a group share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes.
    pub memory: u64,
    /// Number of processes and threads.
    pub processes: u32,
}

/// Returns the control group below which pikaci may make groups of its own, if there is one: the group of its service
/// or of its user's session.
#[must_use]
pub fn delegated_group() -> Option<PathBuf> {
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A group with limited groups below it may hold no process, so the group of this process won't do.
    let parent = Path::new(ROOT).join(own).parent()?.to_owned();
    can_limit(&parent).then_some(parent)
}

fn can_limit(folder: &Path) -> bool {
    let has = |file: &str| fs::read_to_string(folder.join(file)).is_ok_and(|list| has_controllers(&list));
    let is_empty = || fs::read_to_string(folder.join("cgroup.procs")).is_ok_and(|processes| processes.is_empty());
    is_delegated(folder)
        && access(folder, Access::WRITE_OK).is_ok()
        && (has("cgroup.subtree_control") || has("cgroup.controllers") && is_empty())
}

/// Returns true if a list has both controllers.
fn has_controllers(list: &str) -> bool {
    CONTROLLERS.iter().all(|controller| list.split_whitespace().any(|name| name == *controller))
}

/// Returns true if a group is delegated: this user owns it, or systemd marked it. Root owns every group, so for root
/// only the mark counts.
fn is_delegated(folder: &Path) -> bool {
    let uid = getuid();
    let is_own = !uid.is_root() && fs::metadata(folder).is_ok_and(|file| file.uid() == uid.as_raw());
    let is_marked = |mark: &str| {
        let mut value = [0];
        getxattr(folder, mark, &mut value).is_ok() && value == *b"1"
    };
    is_own || MARKS.into_iter().any(is_marked)
}

/// Control group that is removed, after its processes were killed, when the value is dropped.
#[derive(Debug)]
pub(super) struct ControlGroup {
    folder: PathBuf,
}

impl ControlGroup {
    /// Makes a control group with limits below a delegated one, for the process group with this number.
    pub(super) fn make(parent: &Path, number: u32, limits: Limits) -> Result<Self> {
        remove_ended(parent);
        let folder = parent.join(format!("{PREFIX}{}-{number}", getpid()));
        let making = || format!("making the control group {}", folder.display());
        let enable: Vec<String> = CONTROLLERS.iter().map(|name| format!("+{name}")).collect();
        fs::write(parent.join("cgroup.subtree_control"), enable.join(" ")).with_context(making)?;
        fs::create_dir(&folder).with_context(making)?;
        let group = Self { folder };
        for (file, value) in [
            ("memory.max", limits.memory.to_string()),
            ("memory.oom.group", "1".to_owned()),
            ("pids.max", limits.processes.to_string()),
        ] {
            let file = group.folder.join(file);
            fs::write(&file, value).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(group)
    }

    /// Opens the file through which a process enters the group. The kernel checks the permissions of the process that
    /// opened the file, not of the one that writes to it.
    pub(super) fn entrance(&self) -> Result<File> {
        let file = self.folder.join("cgroup.procs");
        OpenOptions::new().write(true).open(&file).with_context(|| format!("opening {}", file.display()))
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Kernels before 5.14 have no `cgroup.kill`; the process group is killed in any case.
        fs::write(self.folder.join("cgroup.kill"), "1").ok();
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}

/// Removes the control groups of killed pikaci processes; the kernel keeps a group that still holds a process.
fn remove_ended(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok());
        if number.and_then(Pid::from_raw).is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH)) {
            fs::remove_dir(entry.path()).ok();
        }
    }
}

//! Users of this host for the programs of a guest.

#![expect(clippy::disallowed_methods, reason = "inspects programs, devices and user ids")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::bwrap_args::KVM;
use crate::execute::qemu::accelerator::Accelerator;
use crate::process::Group;

/// First of the user ids without accounts; the number of a guest's process group is added.
const FIRST_USER: u32 = 1_900_000_000;

/// Ids of a user and a group of this host.
pub type JailUser = (u32, u32);

/// Returns a user and a group that only the processes of this guest have; `None` if this process may not change its
/// user.
#[must_use]
pub fn jail_user(group: &Group) -> Option<JailUser> {
    unused_user(group.number())
}

/// Returns the user of a number; `None` if this process may not change its user.
pub fn unused_user(number: u32) -> Option<JailUser> {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    if !rustix::process::getuid().is_root() || !may_change_user(&read("status")) {
        return None;
    }
    let (users, groups) = (read("uid_map"), read("gid_map"));
    // A container may have few user ids.
    let ids = [FIRST_USER.saturating_add(number), 65534];
    ids.into_iter().find(|id| is_mapped(&users, *id) && is_mapped(&groups, *id)).map(|id| (id, id))
}

/// Returns true if a process with this status (`proc_pid_status(5)`) may change its user. The bits of SETGID and SETUID
/// are from `capabilities(7)`.
fn may_change_user(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & 0b1100_0000 == 0b1100_0000
}

/// Returns true if a map of `user_namespaces(7)` has an id.
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first.saturating_add(count)).contains(&u64::from(id)))
    })
}

/// Returns the user for a QEMU. For KVM the user may open its device; `None`, the user of this process, if no other
/// may.
pub fn qemu_user(group: &Group, accelerator: Accelerator) -> Option<JailUser> {
    let user = jail_user(group)?;
    if accelerator != Accelerator::Kvm {
        return Some(user);
    }
    let device = fs::metadata(KVM).ok()?;
    match device.mode() {
        mode if mode & 0o006 == 0o006 => Some(user),
        mode if mode & 0o060 == 0o060 => Some((user.0, device.gid())),
        _ => None,
    }
}

/// Returns true if every user may run a program and enter each of its parent folders.
pub fn is_executable_by_all(program: &Path) -> bool {
    all_may(program, 0o005)
}

/// Returns true if every user may read a file, or list a folder, and enter each of its parent folders.
#[must_use]
pub fn is_readable_by_all(path: &Path) -> bool {
    all_may(path, if path.is_dir() { 0o005 } else { 0o004 })
}

/// Returns true if the mode bits of a path and of its parent folders allow every user this access.
fn all_may(path: &Path, mode: u32) -> bool {
    let has = |path: &Path, mode| fs::metadata(path).is_ok_and(|file| file.mode() & mode == mode);
    has(path, mode) && path.ancestors().skip(1).all(|folder| has(folder, 0o001))
}

#[cfg(test)]
mod tests {
    use super::{is_mapped, may_change_user};

    #[test]
    fn a_container_may_have_few_user_ids() {
        assert!(is_mapped("         0          0 4294967295\n", 1_900_000_007));
        let few = "0 100000 65536\n70000 1 2\n";
        for (id, mapped) in [(65535, true), (65536, false), (70001, true), (70002, false), (1_900_000_007, false)] {
            assert_eq!(is_mapped(few, id), mapped, "{id}");
        }
        assert!(!is_mapped("", 0));
    }

    #[test]
    fn root_may_lack_the_capabilities_to_change_its_user() {
        assert!(may_change_user("Uid:\t0\nCapEff:\t000001fffeffffff\n"));
        assert!(!may_change_user("CapEff:\t0000000000000040\n") && !may_change_user(""));
    }
}

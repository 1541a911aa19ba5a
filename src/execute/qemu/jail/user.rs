//! The users of this host that a guest's programs run as.

#![expect(clippy::disallowed_methods, reason = "looks at programs, devices and the ids that there are")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::place::KVM;
use crate::execute::qemu::accelerator::Accelerator;
use crate::process::Group;

/// The first of the users that no account has; each guest adds the number of its process group.
const FIRST_USER: u32 = 1_900_000_000;

/// A user and a group of this host.
pub type User = (u32, u32);

/// Returns a user and a group for the processes of a guest that nobody else has, if this process may choose.
#[must_use]
pub fn own_user(group: &Group) -> Option<User> {
    unused_user(group.number())
}

/// Returns the user of a number, if this process may become it.
pub fn unused_user(number: u32) -> Option<User> {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    if !rustix::process::getuid().is_root() || !may_change_user(&read("status")) {
        return None;
    }
    let (users, groups) = (read("uid_map"), read("gid_map"));
    // In a container there may be few.
    let ids = [FIRST_USER.saturating_add(number), 65534];
    ids.into_iter().find(|id| is_mapped(&users, *id) && is_mapped(&groups, *id)).map(|id| (id, id))
}

/// Returns whether a process of this status (`proc_pid_status(5)`) may become another user: `capabilities(7)` has the
/// numbers of SETGID and SETUID.
fn may_change_user(status: &str) -> bool {
    let has = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let has = has.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    has & 0b1100_0000 == 0b1100_0000
}

/// Returns whether a map of `user_namespaces(7)` has an id.
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first.saturating_add(count)).contains(&u64::from(id)))
    })
}

/// Returns the user for a QEMU: for KVM one that may open its device, which may leave only the user of this process.
pub fn qemu_user(group: &Group, accelerator: Accelerator) -> Option<User> {
    let user = own_user(group)?;
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

/// Returns whether every user may run a program and enter each folder on the way to it.
pub fn is_open_to_all(program: &Path) -> bool {
    gives_all(program, 0o005)
}

/// Returns whether every user may read a file, or list a folder, and enter each folder on the way to it.
#[must_use]
pub fn is_readable_by_all(path: &Path) -> bool {
    gives_all(path, if path.is_dir() { 0o005 } else { 0o004 })
}

fn gives_all(path: &Path, mode: u32) -> bool {
    let has = |path: &Path, mode| fs::metadata(path).is_ok_and(|file| file.mode() & mode == mode);
    has(path, mode) && path.ancestors().skip(1).all(|folder| has(folder, 0o001))
}

#[cfg(test)]
mod tests {
    use super::{is_mapped, may_change_user};

    #[test]
    fn a_container_may_lack_users() {
        assert!(is_mapped("         0          0 4294967295\n", 1_900_000_007));
        let few = "0 100000 65536\n70000 1 2\n";
        for (id, mapped) in [(65535, true), (65536, false), (70001, true), (70002, false), (1_900_000_007, false)] {
            assert_eq!(is_mapped(few, id), mapped, "{id}");
        }
        assert!(!is_mapped("", 0));
    }

    #[test]
    fn root_may_lack_what_it_takes_to_become_another_user() {
        assert!(may_change_user("Uid:\t0\nCapEff:\t000001fffeffffff\n"));
        assert!(!may_change_user("CapEff:\t0000000000000040\n") && !may_change_user(""));
    }
}

//! Checks of the kernels, the memory, the disks and the state folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::facts::{HostFacts, MissingFact};
use crate::plan::PlanError;
use crate::plan::budget::memory_for_jobs;
use crate::text::size;
use crate::tools::{Finding, LOWER_MEMORY, Level};

/// Free bytes of a disk below which it soon fills up.
const LITTLE: u64 = 5 << 30;
/// Free bytes of a disk below which no job can run.
const TOO_LITTLE: u64 = 512 << 20;

/// The use that pikaci makes of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskUse {
    /// The state folder.
    State,
    /// The Nix store.
    Store,
}

/// A disk that pikaci writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Folder on the disk.
    pub path: PathBuf,
    /// Use of the disk.
    pub used: DiskUse,
    /// Number of bytes that this user may still write.
    pub free: u64,
}

/// Returns findings about the kernels and the busybox of this host, which guests of base `host` boot. A missing one is
/// a problem if a project needs it, else a warning.
pub fn check_kernels(facts: &HostFacts, is_needed: bool) -> Vec<Finding> {
    let level = if is_needed { Level::Problem } else { Level::Warning };
    let missing = |topic, fact: &MissingFact| Finding::new(level, topic, &fact.reason, &fact.hint);
    let mut findings = Vec::new();
    for kernel in facts.kernels.values() {
        findings.push(match kernel {
            Ok(kernel) => Finding::ok("kernel", format!("{} ({})", kernel.release, kernel.image.path.display())),
            Err(fact) => missing("kernel", fact),
        });
    }
    if !findings.is_empty() {
        findings.push(match &facts.busybox {
            Ok(busybox) => Finding::ok("busybox", busybox.path.display().to_string()),
            Err(fact) => missing("busybox", fact),
        });
    }
    findings
}

/// Returns a finding about the memory for the largest guest, by its name and memory in MiB, beside the host's own need.
pub fn check_memory(guests: &BTreeMap<String, u64>, has_mib: u64, available_mib: Option<u64>) -> Finding {
    let topic = "memory";
    let largest = guests.iter().max_by_key(|(_, mib)| **mib);
    let (guest, guest_mib) = largest.map_or(("", 0), |(name, mib)| (name.as_str(), *mib));
    let for_jobs = memory_for_jobs(has_mib);
    if guest_mib > for_jobs {
        let error = PlanError::TooLarge { guest: guest.to_owned(), requested_mib: guest_mib, available_mib: for_jobs };
        return Finding::problem(topic, error.to_string(), LOWER_MEMORY);
    }
    match available_mib {
        Some(free) if free < guest_mib => {
            let message = format!("{free} MiB of {has_mib} are free, and guest {guest:?} needs {guest_mib} MiB");
            Finding::warning(topic, message, "close other programs")
        }
        Some(free) => Finding::ok(topic, format!("{free} MiB of {has_mib} are free")),
        None => Finding::ok(topic, format!("{has_mib} MiB")),
    }
}

/// Returns a finding about the free space of a disk.
pub fn check_disk(disk: &Disk) -> Finding {
    let message = format!("{} are free in {}", size(disk.free), disk.path.display());
    let level = match disk.free {
        ..TOO_LITTLE => Level::Problem,
        TOO_LITTLE..LITTLE => Level::Warning,
        LITTLE.. => return Finding::ok("disk", message),
    };
    let remedy = match disk.used {
        DiskUse::State => "make room, or name a folder on another disk with --state-root",
        DiskUse::Store => "make room: nix-collect-garbage",
    };
    Finding::new(level, "disk", message, remedy)
}

/// Returns a finding about the state folder, given its path, or the reason why it can't be used and the remedy.
pub fn check_state(state: &Result<PathBuf, (String, String)>) -> Finding {
    match state {
        Ok(root) => Finding::ok("state", root.display().to_string()),
        Err((reason, remedy)) => Finding::problem("state", reason, remedy),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::fixture::facts;
    use super::{Disk, DiskUse, check_disk, check_kernels, check_memory, check_state};
    use crate::facts::{BlobRef, Encoding};
    use crate::facts::{Kernel, MissingFact};
    use crate::id::Digest;
    use crate::tools::{Finding, Level};

    #[test]
    fn a_missing_kernel_is_a_problem_only_if_a_project_needs_it() {
        let missing = || MissingFact { reason: "none".to_owned(), hint: "install one".to_owned() };
        let blob = BlobRef { path: "/boot/it".into(), encoding: Encoding::Plain, len: 1, sha256: Digest::of(b"") };
        let kernel = Kernel { release: "6.1".to_owned(), image: blob.clone(), modules: Vec::new() };
        let mut facts = facts("x86_64-linux");
        assert_eq!(check_kernels(&facts, true), []);
        facts.kernels = BTreeMap::from([(None, Ok(kernel)), (Some("/other".into()), Err(missing()))]);
        facts.busybox = Ok(blob);
        let findings = check_kernels(&facts, true);
        assert_eq!(
            findings,
            [
                Finding::ok("kernel", "6.1 (/boot/it)"),
                Finding::problem("kernel", "none", "install one"),
                Finding::ok("busybox", "/boot/it"),
            ]
        );
        facts.busybox = Err(missing());
        let levels: Vec<Level> = check_kernels(&facts, false).into_iter().map(|finding| finding.level).collect();
        assert_eq!(levels, [Level::Ok, Level::Warning, Level::Warning]);
    }

    #[test]
    fn memory_has_to_do_for_the_largest_guest_and_the_host() {
        use Level::{Ok, Problem, Warning};
        let none = BTreeMap::new;
        let guests = |mib: u64| BTreeMap::from([("small".to_owned(), 64), ("large".to_owned(), mib)]);
        for (guests, has, free, level, message) in [
            (none(), 4096, Some(2048), Ok, "2048 MiB of 4096 are free"),
            (none(), 4096, None, Ok, "4096 MiB"),
            (guests(64), 1088, None, Ok, "1088 MiB"),
            (guests(2048), 4096, Some(2047), Warning, "2047 MiB of 4096 are free, and guest \"large\" needs 2048 MiB"),
            (
                guests(2048),
                3071,
                Some(3000),
                Problem,
                "guest \"large\" requests 2048 MiB of memory, but jobs may use 2047 MiB",
            ),
            (
                guests(4097),
                4096,
                Some(4096),
                Problem,
                "guest \"large\" requests 4097 MiB of memory, but jobs may use 3072 MiB",
            ),
            (none(), 512, None, Ok, "512 MiB"),
        ] {
            let finding = check_memory(&guests, has, free);
            assert_eq!((finding.level, finding.message.as_str()), (level, message));
        }
    }

    #[test]
    fn little_free_space_is_a_warning_and_none_is_a_problem() {
        for (free, used, level, remedy) in [
            (5 << 30, DiskUse::State, Level::Ok, None),
            ((5 << 30) - 1, DiskUse::State, Level::Warning, Some("--state-root")),
            (512 << 20, DiskUse::Store, Level::Warning, Some("nix-collect-garbage")),
            ((512 << 20) - 1, DiskUse::Store, Level::Problem, Some("nix-collect-garbage")),
            (0, DiskUse::State, Level::Problem, Some("--state-root")),
        ] {
            let finding = check_disk(&Disk { path: "/there".into(), used, free });
            assert_eq!(finding.level, level);
            assert!(finding.message.ends_with(" are free in /there"), "{finding:?}");
            assert_eq!(finding.remedy.as_ref().map(|text| text.contains(remedy.unwrap())), remedy.map(|_| true));
        }
    }

    #[test]
    fn an_unusable_state_folder_is_a_problem_with_a_remedy() {
        assert_eq!(check_state(&Ok("/s".into())), Finding::ok("state", "/s"));
        let wrong = check_state(&Err(("foreign".to_owned(), "another".to_owned())));
        assert_eq!(wrong, Finding::problem("state", "foreign", "another"));
    }
}

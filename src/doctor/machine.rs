//! The machine: what of kernel, memory and disk there is for guests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Finding, Level};
use crate::plan::PlanError;
use crate::plan::budget::memory_for_jobs;
use crate::plan::facts::{HostFacts, MissingFact};
use crate::report::size;

/// What to do where a guest asks for too much memory.
pub const LOWER_MEMORY: &str = "lower the guest's `memory` in pikaci.nix";
/// As little as this on a disk is soon too little, in bytes.
const LITTLE: u64 = 5 << 30;
/// With less than this on a disk nothing can be done, in bytes.
const TOO_LITTLE: u64 = 512 << 20;

/// What a disk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The state folder.
    State,
    /// The Nix store.
    Store,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// A folder on it.
    pub path: PathBuf,
    /// What for.
    pub used: Use,
    /// The bytes that this user may still fill.
    pub free: u64,
}

/// Judges what guests of base `host` boot; it is needed where a project asks for it.
pub fn kernels(facts: &HostFacts, needed: bool) -> Vec<Finding> {
    let level = if needed { Level::Problem } else { Level::Warning };
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

/// Judges whether there is memory for the largest guest and for the machine itself.
pub fn memory(guests: &BTreeMap<String, u64>, has_mib: u64, available_mib: Option<u64>) -> Finding {
    let topic = "memory";
    let largest = guests.iter().max_by_key(|(_, mib)| **mib);
    let (guest, wanted_mib) = largest.map_or(("", 0), |(name, mib)| (name.as_str(), *mib));
    let for_jobs = memory_for_jobs(has_mib);
    if wanted_mib > for_jobs {
        let error = PlanError::TooLarge { guest: guest.to_owned(), wanted_mib, has_mib: for_jobs };
        return Finding::problem(topic, error.to_string(), LOWER_MEMORY);
    }
    let asks =
        if largest.is_some() { format!(", and guest {guest:?} asks for {wanted_mib} MiB") } else { String::new() };
    match available_mib {
        Some(free) if free < wanted_mib => {
            Finding::warning(topic, format!("{free} MiB of {has_mib} are free{asks}"), "end other programs")
        }
        Some(free) => Finding::ok(topic, format!("{free} MiB of {has_mib} are free")),
        None => Finding::ok(topic, format!("{has_mib} MiB")),
    }
}

/// Judges whether there is room on a disk.
pub fn disk(disk: &Disk) -> Finding {
    let what = format!("{} are free in {}", size(disk.free), disk.path.display());
    let level = match disk.free {
        ..TOO_LITTLE => Level::Problem,
        TOO_LITTLE..LITTLE => Level::Warning,
        LITTLE.. => return Finding::ok("disk", what),
    };
    let remedy = match disk.used {
        Use::State => "make room, or name a folder on another disk with --state-root",
        Use::Store => "make room: nix-collect-garbage",
    };
    Finding::new(level, "disk", what, remedy)
}

/// Judges the state folder.
pub fn state(state: &Result<PathBuf, (String, String)>) -> Finding {
    match state {
        Ok(root) => Finding::ok("state", root.display().to_string()),
        Err((what, hint)) => Finding::problem("state", what, hint),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::fixture::facts;
    use super::{Disk, Finding, Level, Use, disk, kernels, memory, state};
    use crate::flake::{BlobRef, Encoding};
    use crate::id::Digest;
    use crate::plan::facts::{Kernel, MissingFact};

    #[test]
    fn a_kernel_is_needed_where_a_project_asks_for_it() {
        let missing = || MissingFact { reason: "none".to_owned(), hint: "install one".to_owned() };
        let blob = BlobRef { path: "/boot/it".into(), encoding: Encoding::Plain, len: 1, sha256: Digest::of(b"") };
        let kernel = Kernel { release: "6.1".to_owned(), image: blob.clone(), modules: Vec::new() };
        let mut facts = facts("x86_64-linux");
        assert_eq!(kernels(&facts, true), []);
        facts.kernels = BTreeMap::from([(None, Ok(kernel)), (Some("/other".into()), Err(missing()))]);
        facts.busybox = Ok(blob);
        let found = kernels(&facts, true);
        assert_eq!(
            found,
            [
                Finding::ok("kernel", "6.1 (/boot/it)"),
                Finding::problem("kernel", "none", "install one"),
                Finding::ok("busybox", "/boot/it"),
            ]
        );
        facts.busybox = Err(missing());
        let found: Vec<Level> = kernels(&facts, false).into_iter().map(|finding| finding.level).collect();
        assert_eq!(found, [Level::Ok, Level::Warning, Level::Warning]);
    }

    #[test]
    fn memory_is_for_the_largest_guest_and_for_the_machine() {
        use Level::{Ok, Problem, Warning};
        let none = BTreeMap::new;
        let guests = |mib: u64| BTreeMap::from([("small".to_owned(), 64), ("large".to_owned(), mib)]);
        for (guests, has, free, level, what) in [
            (none(), 4096, Some(2048), Ok, "2048 MiB of 4096 are free"),
            (none(), 4096, None, Ok, "4096 MiB"),
            (guests(64), 1088, None, Ok, "1088 MiB"),
            (
                guests(2048),
                4096,
                Some(2047),
                Warning,
                "2047 MiB of 4096 are free, and guest \"large\" asks for 2048 MiB",
            ),
            (
                guests(2048),
                3071,
                Some(3000),
                Problem,
                "guest \"large\" asks for 2048 MiB of memory, and there are 2047 MiB for jobs",
            ),
            (
                guests(4097),
                4096,
                Some(4096),
                Problem,
                "guest \"large\" asks for 4097 MiB of memory, and there are 3072 MiB for jobs",
            ),
            (none(), 512, None, Ok, "512 MiB"),
        ] {
            let finding = memory(&guests, has, free);
            assert_eq!((finding.level, finding.what.as_str()), (level, what));
        }
    }

    #[test]
    fn a_disk_has_room_little_room_or_none() {
        for (free, used, level, remedy) in [
            (5 << 30, Use::State, Level::Ok, None),
            ((5 << 30) - 1, Use::State, Level::Warning, Some("--state-root")),
            (512 << 20, Use::Store, Level::Warning, Some("nix-collect-garbage")),
            ((512 << 20) - 1, Use::Store, Level::Problem, Some("nix-collect-garbage")),
            (0, Use::State, Level::Problem, Some("--state-root")),
        ] {
            let finding = disk(&Disk { path: "/there".into(), used, free });
            assert_eq!(finding.level, level);
            assert!(finding.what.ends_with(" are free in /there"), "{finding:?}");
            assert_eq!(finding.remedy.as_ref().map(|told| told.contains(remedy.unwrap())), remedy.map(|_| true));
        }
    }

    #[test]
    fn a_state_folder_is_named_or_what_is_wrong_with_it() {
        assert_eq!(state(&Ok("/s".into())), Finding::ok("state", "/s"));
        let wrong = state(&Err(("foreign".to_owned(), "another".to_owned())));
        assert_eq!(wrong, Finding::problem("state", "foreign", "another"));
    }
}

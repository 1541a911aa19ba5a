//! Whether KVM works here: found out by booting a guest, and remembered until the machine boots again or QEMU changes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "opens /dev/kvm and remembers what came of it"
)]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::launch::Launcher;
use super::machine::Machine;
use super::qemu::Accelerator;
use super::share::{Programs, Users};
use super::verdict::{Cause, Observed};
use super::vm::{self, Guest, Logs};
use crate::cancel::Cancel;
use crate::plan::record::Deadlines;
use crate::prepare::Runner;
use crate::state::{StateLayout, TEMPORARY_PREFIX, read_json, write_json};

/// How long a guest may take to boot with KVM, in seconds; one that works takes less than two.
const PROBE_SECS: u64 = 6;

/// How guests are to be accelerated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// By KVM where a guest boots with it, else by TCG.
    #[default]
    Auto,
    /// By KVM.
    Kvm,
    /// By TCG.
    Tcg,
}

/// How guests are accelerated, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How.
    pub accelerator: Accelerator,
    /// Why.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Memory {
    schema_version: u32,
    boot_id: String,
    qemu: String,
    works: bool,
}

/// Returns how guests are accelerated here.
///
/// # Errors
/// When the probe's folder can't be made.
pub fn choose(choice: Choice, qemu: &Path, runner: &Runner, state: &StateLayout, cancel: &Cancel) -> Result<Found> {
    let found = |accelerator, reason: &str| Found { accelerator, reason: reason.to_owned() };
    match choice {
        Choice::Kvm => return Ok(found(Accelerator::Kvm, "asked for")),
        Choice::Tcg => return Ok(found(Accelerator::Tcg, "asked for")),
        Choice::Auto => {}
    }
    if let Err(error) = OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        return Ok(found(Accelerator::Tcg, &format!("/dev/kvm can't be opened: {error}")));
    }
    let path = state.root().join("kvm.json");
    let (boot_id, qemu_id) = (boot_id()?, identity(qemu)?);
    let known = read_json::<Memory>(&path).ok().filter(|known| known.boot_id == boot_id && known.qemu == qemu_id);
    let works = if let Some(known) = known {
        known.works
    } else {
        let learned = learned(&probe(qemu, runner, state, cancel)?);
        if let Some(works) = learned {
            write_json(&path, &Memory { schema_version: 1, boot_id, qemu: qemu_id, works })?;
        }
        learned == Some(true)
    };
    Ok(if works {
        found(Accelerator::Kvm, "a guest boots with it")
    } else {
        found(Accelerator::Tcg, "/dev/kvm is there, but no guest boots with it")
    })
}

fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    Ok(fs::read_to_string(path).with_context(|| format!("reading {path}"))?.trim().to_owned())
}

/// Returns what changes when QEMU is replaced.
fn identity(qemu: &Path) -> Result<String> {
    let file = fs::metadata(qemu).with_context(|| format!("reading {}", qemu.display()))?;
    Ok(format!("{} {} {}", qemu.display(), file.len(), file.mtime()))
}

/// Returns whether KVM works, if what was seen of the probe's guest tells.
fn learned(seen: &Observed) -> Option<bool> {
    if seen.ready {
        return Some(true);
    }
    match &seen.cause {
        Some(Cause::BootDeadline(_)) => Some(false),
        // It ended by itself: this QEMU can't use KVM here.
        None => seen.hypervisor.is_some().then_some(false),
        // A probe that was cancelled, or broke otherwise, tells nothing.
        Some(_) => None,
    }
}

fn probe(qemu: &Path, runner: &Runner, state: &StateLayout, cancel: &Cancel) -> Result<Observed> {
    let folder = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempdir_in(state.root())
        .with_context(|| format!("making a folder in {}", state.root().display()))?;
    let logs = Logs {
        host: folder.path().join("host.log"),
        guest: folder.path().join("guest.log"),
        console: folder.path().join("console.log"),
    };
    let no_programs = Programs { virtiofsd: "virtiofsd".into(), bwrap: None };
    let guest = Guest {
        launcher: Launcher::Qemu { qemu, accelerator: Accelerator::Kvm, share: &no_programs },
        machine: Machine {
            arch: std::env::consts::ARCH,
            vcpu: 1,
            memory_mib: 256,
            kernel: &runner.kernel(),
            initrd: &runner.initrd(),
            cmdline: &runner.boot.cmdline,
            disks: &[],
            network: false,
        },
        shares: &[],
        users: Users { host: 0, guest: 0 },
        deadlines: Deadlines { boot_secs: PROBE_SECS, job_secs: 1, collect_secs: 1 },
        logs: &logs,
        scratch: folder.path(),
    };
    Ok(vm::run(&guest, cancel, &mut |_| {})?.observed)
}

#[cfg(test)]
mod tests {
    use super::{Cause, Observed, learned};

    #[test]
    fn only_what_tells_is_remembered() {
        let seen = |ready, cause, hypervisor: Option<&str>| {
            learned(&Observed { ready, cause, hypervisor: hypervisor.map(str::to_owned), ..Observed::default() })
        };
        assert_eq!(seen(true, Some(Cause::JobDeadline(1)), None), Some(true));
        assert_eq!(seen(false, Some(Cause::BootDeadline(6)), Some("was ended by signal 9")), Some(false));
        assert_eq!(seen(false, None, Some("ended with exit code 1")), Some(false));
        assert_eq!(seen(false, Some(Cause::Cancelled), Some("ended with exit code 0")), None);
        assert_eq!(seen(false, Some(Cause::Undying), None), None);
        assert_eq!(seen(false, None, None), None);
    }
}

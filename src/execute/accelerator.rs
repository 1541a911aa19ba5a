//! Whether KVM works here: found out by booting a guest, and remembered until the machine boots again or QEMU changes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "opens /dev/kvm and remembers what came of it"
)]

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::jail::Jail;
use super::launch::Launcher;
use super::machine::{Disk, Machine};
use super::observed::{Cause, Observed};
use super::qemu::Accelerator;
use super::runtime;
use super::share::{Programs, Users};
use super::smallest;
use super::vm::{self, Guest, Logs};
use crate::cancel::Cancel;
use crate::config::Network;
use crate::doctor;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::plan::record::Deadlines;
use crate::prepare::Runner;
use crate::quota::Quota;
use crate::state::{FileLock, StateLayout, TEMPORARY_PREFIX, read_json, write_json};

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

/// A QEMU in its jail.
#[derive(Clone, Copy, Debug)]
pub struct Jailed<'a> {
    /// The program.
    pub program: &'a Path,
    /// Its jail.
    pub jail: &'a Jail,
}

/// The architecture of the smallest of guests.
const SMALLEST_ARCH: &str = "x86_64";

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
pub fn choose(
    choice: Choice,
    qemu: Jailed<'_>,
    runner: &Runner,
    state: &StateLayout,
    cancel: &Cancel,
) -> Result<Found> {
    let found = |accelerator, reason: &str| Found { accelerator, reason: reason.to_owned() };
    match choice {
        Choice::Kvm => return Ok(found(Accelerator::Kvm, "asked for")),
        Choice::Tcg => return Ok(found(Accelerator::Tcg, "asked for")),
        Choice::Auto => {}
    }
    if let Err(error) = open() {
        return Ok(found(Accelerator::Tcg, &doctor::closed(&error).0));
    }
    let works = match remembered(qemu.program, state)? {
        Some(works) => works,
        None => learn(qemu, runner, state, cancel)? == Some(true),
    };
    Ok(if works { found(Accelerator::Kvm, "a guest boots with it") } else { found(Accelerator::Tcg, doctor::NO_GUEST) })
}

/// Opens KVM, which says nothing yet of whether it works.
///
/// # Errors
/// When there is none or this user may not open it.
pub fn open() -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open("/dev/kvm").map(drop)
}

/// Returns whether KVM works, if that was found out since the machine booted and QEMU is the same.
///
/// # Errors
/// When QEMU can't be looked at.
pub fn remembered(qemu: &Path, state: &StateLayout) -> Result<Option<bool>> {
    let (boot_id, qemu) = (boot_id()?, identity(qemu)?);
    let known = read_json::<Memory>(&memory(state)).ok();
    Ok(known.filter(|known| known.boot_id == boot_id && known.qemu == qemu).map(|known| known.works))
}

/// Finds out whether KVM works, by booting a guest, and remembers it; a guest that tells nothing is `None`.
///
/// # Errors
/// When the guest can't be started, or it can't be written what came of it.
pub fn learn(qemu: Jailed<'_>, runner: &Runner, state: &StateLayout, cancel: &Cancel) -> Result<Option<bool>> {
    let _writing = FileLock::share_of_folder(&state.folder())?;
    let folder = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempdir_in(state.root())
        .with_context(|| format!("making a folder in {}", state.root().display()))?;
    let store = runner.store_disk();
    let learned = if store.is_some() && std::env::consts::ARCH == SMALLEST_ARCH {
        // It may need its store, memory and time before it is ready.
        starts(qemu, Accelerator::Kvm, cancel)?
    } else {
        let (kernel, initrd) = (runner.kernel(), runner.initrd());
        let store: Option<Disk<'_>> = store.as_deref().map(|path| Disk { serial: "store", path, read_only: true });
        let machine = Machine { disks: store.as_slice(), ..machine(&kernel, &initrd, &runner.boot.cmdline) };
        learned(&boot(qemu, Accelerator::Kvm, machine, &logs(folder.path()), cancel)?)
    };
    if let Some(works) = learned {
        let record = Memory { schema_version: 1, boot_id: boot_id()?, qemu: identity(qemu.program)?, works };
        write_json(Point::KvmMemory, &memory(state), &record)?;
    }
    Ok(learned)
}

/// Finds out whether anything runs with an accelerator, by booting the smallest of guests, which needs no runner; it
/// exists for x86 alone.
///
/// # Errors
/// When it can't be started.
pub fn starts(qemu: Jailed<'_>, accelerator: Accelerator, cancel: &Cancel) -> Result<Option<bool>> {
    let folder = runtime::folder()?;
    let kernel = folder.path().join("kernel");
    let written = fs::write(&kernel, smallest::kernel());
    // The user of a jail opens it again.
    written
        .and_then(|()| fs::set_permissions(&kernel, Permissions::from_mode(0o444)))
        .with_context(|| format!("writing {}", kernel.display()))?;
    let logs = logs(folder.path());
    let seen = boot(qemu, accelerator, machine(&kernel, &kernel, ""), &logs, cancel)?;
    let console = fs::read(&logs.console).with_context(|| format!("reading {}", logs.console.display()))?;
    let ran = console.windows(smallest::SAYS.len()).any(|said| said == smallest::SAYS);
    Ok(if ran { Some(true) } else { learned(&seen) })
}

fn memory(state: &StateLayout) -> Beneath {
    state.folder().join("kvm.json")
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

fn logs(folder: &Path) -> Logs {
    let folder = Beneath::new(folder);
    Logs { host: folder.join("host.log"), guest: folder.join("guest.log"), console: folder.join("console.log") }
}

fn machine<'a>(kernel: &'a Path, initrd: &'a Path, cmdline: &'a str) -> Machine<'a> {
    let arch = std::env::consts::ARCH;
    Machine { arch, vcpu: 1, memory_mib: 256, kernel, initrd, cmdline, disks: &[], network: Network::None }
}

fn boot(
    qemu: Jailed<'_>,
    accelerator: Accelerator,
    machine: Machine<'_>,
    logs: &Logs,
    cancel: &Cancel,
) -> Result<Observed> {
    let Jailed { program, jail } = qemu;
    let no_shares = Programs { virtiofsd: "virtiofsd".into(), jail: Jail::None };
    let guest = Guest {
        launcher: Launcher::Qemu { qemu: program, jail, accelerator, share: &no_shares },
        machine,
        shares: &[],
        users: Users { host: 0, guest: 0 },
        deadlines: Deadlines { boot_secs: PROBE_SECS, job_secs: 1, collect_secs: 1 },
        logs,
        artifacts: None,
        quota: &Quota::unlimited(),
        scratch: Path::parent(&logs.host).unwrap_or(Path::new(".")),
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

//! The probe of KVM: boots a guest with KVM, and caches the verdict until the host reboots or QEMU changes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "opens /dev/kvm, and reads and writes files of the probe"
)]

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::accelerator::Accelerator;
use super::probe_kernel::{PROBE_OUTPUT, probe_kernel};
use super::programs::QemuProgram;
use crate::cancel::Cancel;
use crate::config::Network;
use crate::execute::attempt_logs::AttemptLogs;
use crate::execute::launcher::Launcher;
use crate::execute::machine_spec::{DiskImage, MachineSpec};
use crate::execute::observed::{EndCause, Observed};
use crate::execute::runtime_folder::runtime_folder;
use crate::execute::share::ShareUsers;
use crate::execute::vm;
use crate::execute::vm_spec::VmSpec;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::plan::record::Deadlines;
use crate::prepare::Runner;
use crate::quota::Quota;
use crate::secret::Masks;
use crate::state::{AttemptLayout, FileLock, StateLayout, TEMPORARY_PREFIX, read_json, write_json};
use crate::tools;

/// Time limit of a boot with KVM, in seconds; a working one takes less than two.
const PROBE_SECS: u64 = 6;

/// The operator's choice of an accelerator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum AcceleratorChoice {
    /// KVM if a guest boots with it, else TCG.
    #[default]
    Auto,
    /// KVM.
    Kvm,
    /// TCG, which emulates the processor.
    Tcg,
}

/// The accelerator of a run's guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedAccelerator {
    /// The accelerator.
    pub accelerator: Accelerator,
    /// The reason for it.
    pub reason: String,
}

/// Architecture of the probe kernel.
const PROBE_KERNEL_ARCH: &str = "x86_64";

/// The cached verdict in `kvm.json`, valid for one boot of the host and one QEMU.
#[derive(Serialize, Deserialize)]
struct KvmRecord {
    schema_version: u32,
    boot_id: String,
    qemu: String,
    works: bool,
}

/// Returns the accelerator of this host's guests.
///
/// # Errors
/// When the probe's folder can't be made.
pub fn resolve_accelerator(
    choice: AcceleratorChoice,
    qemu: &QemuProgram,
    runner: &Runner,
    state: &StateLayout,
    cancel: &Cancel,
) -> Result<ResolvedAccelerator> {
    let resolved = |accelerator, reason: &str| ResolvedAccelerator { accelerator, reason: reason.to_owned() };
    match choice {
        AcceleratorChoice::Kvm => return Ok(resolved(Accelerator::Kvm, "requested")),
        AcceleratorChoice::Tcg => return Ok(resolved(Accelerator::Tcg, "requested")),
        AcceleratorChoice::Auto => {}
    }
    if let Err(error) = open_kvm() {
        return Ok(resolved(Accelerator::Tcg, &tools::kvm_unavailable(&error).0));
    }
    let works = match cached_kvm_verdict(&qemu.path, state)? {
        Some(works) => works,
        None => probe_kvm(qemu, runner, state, cancel)? == Some(true),
    };
    Ok(if works {
        resolved(Accelerator::Kvm, "a guest boots with it")
    } else {
        resolved(Accelerator::Tcg, tools::KVM_BOOTS_NO_GUEST)
    })
}

/// Opens KVM's device. KVM may still not work if that succeeds.
///
/// # Errors
/// When the host has no KVM or this user may not open it.
pub fn open_kvm() -> io::Result<()> {
    OpenOptions::new().read(true).write(true).open("/dev/kvm").map(drop)
}

/// Returns the verdict of an earlier probe, if neither a reboot nor another QEMU has made it invalid.
///
/// # Errors
/// When the metadata of QEMU can't be read.
pub fn cached_kvm_verdict(qemu: &Path, state: &StateLayout) -> Result<Option<bool>> {
    let (boot_id, qemu) = (boot_id()?, identity(qemu)?);
    let cached = read_json::<KvmRecord>(&state.kvm_record()).ok();
    Ok(cached.filter(|cached| cached.boot_id == boot_id && cached.qemu == qemu).map(|cached| cached.works))
}

/// Boots a guest with KVM and records the verdict; `None` if the boot allows none.
///
/// # Errors
/// When the guest can't be started or the verdict can't be recorded.
pub fn probe_kvm(qemu: &QemuProgram, runner: &Runner, state: &StateLayout, cancel: &Cancel) -> Result<Option<bool>> {
    let _lock = FileLock::share_folder(&state.folder())?;
    let folder = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempdir_in(state.root())
        .with_context(|| format!("making a folder in {}", state.root().display()))?;
    let store = runner.store_disk();
    let verdict = if store.is_some() && std::env::consts::ARCH == PROBE_KERNEL_ARCH {
        // The runner's guest may need its store, more memory and more time.
        boots_probe_kernel(qemu, Accelerator::Kvm, cancel)?
    } else {
        let (kernel, initrd) = (runner.kernel(), runner.initrd());
        let store: Option<DiskImage<'_>> =
            store.as_deref().map(|path| DiskImage { serial: "store", path, memory: None, read_only: true });
        let machine = MachineSpec { disks: store.as_slice(), ..machine(&kernel, &initrd, &runner.boot.cmdline) };
        verdict_of(&boot(qemu, Accelerator::Kvm, machine, &logs(folder.path()), cancel)?)
    };
    if let Some(works) = verdict {
        let record = KvmRecord { schema_version: 1, boot_id: boot_id()?, qemu: identity(&qemu.path)?, works };
        write_json(Point::KvmRecord, &state.kvm_record(), &record)?;
    }
    Ok(verdict)
}

/// Boots the probe kernel, which needs no runner, and returns true if it runs; `None` if the boot allows no verdict.
/// The probe kernel exists for x86 only.
///
/// # Errors
/// When the guest can't be started.
pub fn boots_probe_kernel(qemu: &QemuProgram, accelerator: Accelerator, cancel: &Cancel) -> Result<Option<bool>> {
    let folder = runtime_folder()?;
    let kernel = folder.path().join("kernel");
    let written = fs::write(&kernel, probe_kernel());
    // The user of the jail has to be able to open the file.
    written
        .and_then(|()| fs::set_permissions(&kernel, Permissions::from_mode(0o444)))
        .with_context(|| format!("writing {}", kernel.display()))?;
    let logs = logs(folder.path());
    let observed = boot(qemu, accelerator, machine(&kernel, &kernel, ""), &logs, cancel)?;
    let console = fs::read(&logs.console).with_context(|| format!("reading {}", logs.console.display()))?;
    let ran = console.windows(PROBE_OUTPUT.len()).any(|part| part == PROBE_OUTPUT);
    Ok(if ran { Some(true) } else { verdict_of(&observed) })
}

/// Returns the path of the cached verdict.
/// Returns the kernel's id of the current boot.
fn boot_id() -> Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    Ok(fs::read_to_string(path).with_context(|| format!("reading {path}"))?.trim().to_owned())
}

/// Returns a text that is different for another QEMU: its path, length and modification time.
fn identity(qemu: &Path) -> Result<String> {
    let file = fs::metadata(qemu).with_context(|| format!("reading {}", qemu.display()))?;
    Ok(format!("{} {} {}", qemu.display(), file.len(), file.mtime()))
}

/// Returns the verdict on KVM that follows from the probe's guest.
fn verdict_of(observed: &Observed) -> Option<bool> {
    if observed.ready {
        return Some(true);
    }
    match &observed.cause {
        Some(EndCause::BootDeadline(_)) => Some(false),
        // QEMU ended by itself: it can't use KVM here.
        None => observed.hypervisor.is_some().then_some(false),
        // A cancelled or broken probe allows no verdict.
        Some(_) => None,
    }
}

/// Returns logs in a folder of the probe.
fn logs(folder: &Path) -> AttemptLogs {
    AttemptLogs::of(&AttemptLayout::new(Beneath::new(folder)))
}

/// Returns the machine of the probe.
fn machine<'a>(kernel: &'a Path, initrd: &'a Path, cmdline: &'a str) -> MachineSpec<'a> {
    let arch = std::env::consts::ARCH;
    MachineSpec { arch, vcpu: 1, memory_mib: 256, kernel, initrd, cmdline, disks: &[], network: Network::None }
}

/// Boots a guest of the probe, and returns the observations.
fn boot(
    qemu: &QemuProgram,
    accelerator: Accelerator,
    machine: MachineSpec<'_>,
    logs: &AttemptLogs,
    cancel: &Cancel,
) -> Result<Observed> {
    let spec = VmSpec {
        machine,
        shares: &[],
        users: ShareUsers { host: 0, guest: 0 },
        deadlines: Deadlines { boot_secs: PROBE_SECS, job_secs: 1, collect_secs: 1 },
        logs,
        writable_disks: &[],
        quota: &Quota::unlimited(),
        masks: &Masks::default(),
        scratch: Path::parent(&logs.host).unwrap_or(Path::new(".")),
    };
    Ok(vm::run(&Launcher::Qemu { qemu, virtiofs: None, accelerator }, &spec, cancel, &mut |_| {})?.observed)
}

#[cfg(test)]
mod tests {
    use super::{EndCause, Observed, verdict_of};

    #[test]
    fn a_broken_probe_allows_no_verdict() {
        let verdict = |ready, cause, hypervisor: Option<&str>| {
            verdict_of(&Observed { ready, cause, hypervisor: hypervisor.map(str::to_owned), ..Observed::default() })
        };
        assert_eq!(verdict(true, Some(EndCause::JobDeadline(1)), None), Some(true));
        assert_eq!(verdict(false, Some(EndCause::BootDeadline(6)), Some("was ended by signal 9")), Some(false));
        assert_eq!(verdict(false, None, Some("ended with exit code 1")), Some(false));
        assert_eq!(verdict(false, Some(EndCause::Cancelled), Some("ended with exit code 0")), None);
        assert_eq!(verdict(false, Some(EndCause::Unkillable), None), None);
        assert_eq!(verdict(false, None, None), None);
    }
}

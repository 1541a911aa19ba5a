//! Launches a guest in vfkit. vfkit writes the guest's streams into files, and each share is a private copy.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads a kernel, creates folders and links")]

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::argv::{self, KERNEL_HEADER, Ports};
use super::hard_stop::hard_stop;
use super::pattern_watch::PatternWatch;
use super::programs::VfkitPrograms;
use super::slot::{JobSlot, acquire_job_slot};
use super::tail_file::TailFile;
use crate::config::Network;
use crate::execute::attempt_logs::LOG_LIMIT;
use crate::execute::console::PANIC;
use crate::execute::control_masks::ControlMasks;
use crate::execute::guest_message::GuestMessage;
use crate::execute::machine_spec::{DiskImage, MachineSpec};
use crate::execute::private_copy::make_private_copy;
use crate::execute::running_guest::{RunningGuest, report_exit};
use crate::execute::runtime_folder::runtime_folder;
use crate::execute::share::ShareTree;
use crate::execute::stop_guest::StopGuest;
use crate::execute::stream_readers::spawn_control_reader;
use crate::execute::vm_spec::VmSpec;
use crate::failpoint::Point;
use crate::guest::contract::WAIT_WORD;
use crate::process::{Child, Group, Invocation, LogPipe, pump};
use crate::state::{TemporaryFolder, remove_tree};

/// Time that vfkit has to exit after the request to its REST service, before it gets a signal.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time that vfkit has to exit in total: it may hang after a stop.
const GRACE: Duration = Duration::from_secs(12);

/// Starts a guest.
///
/// # Errors
/// When the guest needs a feature that vfkit lacks, or a file, copy or process can't be created.
pub fn launch(
    programs: &VfkitPrograms,
    vm: &VmSpec<'_>,
    group: &Group,
    log: &LogPipe,
    sender: &SyncSender<GuestMessage>,
) -> Result<RunningGuest> {
    if vm.machine.cmdline.split(' ').any(|word| word == WAIT_WORD) {
        bail!("a guest can't wait for the host in vfkit, which has no channel from the host to the guest");
    }
    check_kernel(&vm.machine)?;
    let paths = RuntimePaths { folder: runtime_folder()? };
    let [console, output, control, socket] = ["console", "output", "control", "rest"].map(|name| paths.path(name));
    let slot = (vm.machine.network != Network::None).then(|| acquire_job_slot(vm.users.host)).transpose()?;
    let mac = slot.as_ref().map(|slot| argv::mac(vm.users.host, slot.number));
    let copies = copy_shares(vm)?;
    let shares =
        copies.iter().map(|ShareCopy { tag, folder }| Ok((tag, paths.accepted(&format!("share-{tag}"), folder)?)));
    let shares: Vec<(&String, PathBuf)> = shares.collect::<Result<_>>()?;
    let shares: Vec<(&str, &Path)> = shares.iter().map(|(tag, folder)| (tag.as_str(), folder.as_path())).collect();
    // Plans refuse secrets.
    ensure!(vm.masks.is_empty(), "vfkit writes the output of a guest into files, which secrets must not reach");
    let disks = accepted_disks(vm.machine.disks, &paths)?;
    let disks: Vec<DiskImage<'_>> = disks.iter().map(|(disk, path)| DiskImage { path, ..**disk }).collect();
    let machine = MachineSpec { disks: &disks, ..vm.machine };
    let ports = Ports { console: &console, output: &output, control: &control };
    let args = argv::argv(&machine, ports, &shares, &socket, mac.as_deref(), programs.boot)?;

    let writer_gone = Arc::new(AtomicBool::new(false));
    let tail = |path| TailFile::new(path, LOG_LIMIT, writer_gone.clone());
    let panic_sender = sender.clone();
    let console = PatternWatch::new(tail(console), PANIC, move || drop(panic_sender.send(GuestMessage::Panicked)));
    let console = pump(console, &vm.logs.console, vm.log_rules())?;
    let output = pump(tail(output), &vm.logs.guest, vm.log_rules())?;
    spawn_control_reader(tail(control), ControlMasks::default(), sender.clone());
    // vfkit doesn't start if the socket exists.
    fs::remove_file(&socket).ok();
    let vfkit = Arc::new(group.spawn(Point::Hypervisor, Invocation::new(&programs.vfkit).args(args), log)?);
    report_exit(vfkit.clone(), sender.clone(), |exit, _| GuestMessage::HypervisorEnded(exit));
    let stop = VfkitStop { process: vfkit, socket, writer_gone, _copies: copies, _paths: paths, _slot: slot };
    Ok(RunningGuest { stop: Box::new(stop), output, console })
}

/// The means to stop vfkit. Owns the files and the slot that are released after its exit.
struct VfkitStop {
    process: Arc<Child>,
    socket: PathBuf,
    writer_gone: Arc<AtomicBool>,
    _copies: Vec<ShareCopy>,
    _paths: RuntimePaths,
    _slot: Option<JobSlot>,
}

impl StopGuest for VfkitStop {
    fn stop_hypervisor(&mut self) {
        // If vfkit doesn't listen, the signal follows.
        hard_stop(&self.socket).ok();
    }

    fn terminate(&mut self) {
        self.process.terminate();
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn grace(&self) -> Duration {
        GRACE
    }

    fn on_exit(&mut self) {
        self.writer_gone.store(true, Ordering::Release);
    }
}

/// Paths in a runtime folder, which vfkit accepts.
struct RuntimePaths {
    folder: TemporaryFolder,
}

impl RuntimePaths {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path unchanged if vfkit accepts it, or else by way of a link to its folder.
    fn accepted(&self, name: &str, path: &Path) -> Result<PathBuf> {
        if !argv::needs_link(path) {
            return Ok(path.to_owned());
        }
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { return Ok(path.to_owned()) };
        let link = self.path(name);
        symlink(folder, &link).with_context(|| format!("creating a link to {}", folder.display()))?;
        Ok(link.join(file))
    }
}

/// Refuses a kernel that vfkit can't boot.
fn check_kernel(machine: &MachineSpec<'_>) -> Result<()> {
    let mut header = Vec::new();
    let file = File::open(machine.kernel);
    file.and_then(|file| file.take(KERNEL_HEADER as u64).read_to_end(&mut header))
        .with_context(|| format!("reading {}", machine.kernel.display()))?;
    Ok(argv::check_kernel(machine.arch, machine.kernel, &header)?)
}

/// A private copy of a share's folder, since vfkit has no read-only shares. Dropping this value removes the copy.
struct ShareCopy {
    tag: String,
    folder: PathBuf,
}

impl Drop for ShareCopy {
    fn drop(&mut self) {
        // A failure leaves files in a temporary folder, which is removed later.
        remove_tree(&self.folder).ok();
    }
}

fn copy_shares(vm: &VmSpec<'_>) -> Result<Vec<ShareCopy>> {
    let owner = Some(vm.users.guest).filter(|user| *user != vm.users.host);
    let copy_share = |(tag, tree): &(String, ShareTree)| {
        let ShareTree::Folder(folder) = tree else { bail!("vfkit can't share files of the host's system as {tag:?}") };
        let copy = ShareCopy { tag: tag.clone(), folder: vm.scratch.join(format!("share-{tag}")) };
        make_private_copy(folder, &copy.folder, owner)?;
        Ok(copy)
    };
    vm.shares.iter().map(copy_share).collect()
}

/// Returns the disks with paths that vfkit accepts.
fn accepted_disks<'a>(disks: &'a [DiskImage<'a>], paths: &RuntimePaths) -> Result<Vec<(&'a DiskImage<'a>, PathBuf)>> {
    let accepted =
        |(index, disk): (usize, &'a DiskImage<'a>)| Ok((disk, paths.accepted(&format!("d{index}"), disk.path)?));
    disks.iter().enumerate().map(accepted).collect()
}

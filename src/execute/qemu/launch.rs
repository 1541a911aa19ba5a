//! Launches a guest in QEMU. QEMU inherits pipes and sockets for the guest's streams, and each share has a daemon.

#![expect(clippy::disallowed_types, reason = "creates sockets")]

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::accelerator::Accelerator;
use super::argv::{
    CONSOLE_FD, CONTROL_FD, FIRST_DISK_FD, FIRST_SHARE_FD, INITRD_FD, KERNEL_FD, OUTPUT_FD, QMP_FD, argv, network_fd,
};
use super::guest_file::{FileAccess, open_guest_file};
use super::jail::{JailedQemu, jail_qemu};
use super::network::{has_v6_route, start_uplink};
use super::programs::QemuProgram;
use super::qmp::QmpMonitor;
use super::virtiofs::{VirtiofsProgram, start_share_daemon};
use crate::config::Network;
use crate::execute::control_masks::ControlMasks;
use crate::execute::guest_message::GuestMessage;
use crate::execute::machine_spec::{DiskImage, MachineSpec};
use crate::execute::running_guest::{RunningGuest, report_exit};
use crate::execute::stop_guest::StopGuest;
use crate::execute::stream_readers::spawn_control_reader;
use crate::execute::vm_spec::VmSpec;
use crate::failpoint::Point;
use crate::guest::contract::{CANCEL_LINE, GO_LINE, TERM_GRACE, WAIT_WORD};
use crate::process::{Group, LogPipe, LogRules, pump};

/// Time that a guest has to end its job after a cancel request: the time of the command, and some for the agent.
const GUEST_PATIENCE: Duration = Duration::from_secs(TERM_GRACE.as_secs() + 2);
/// Time that QEMU has to end after a request.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a guest.
///
/// # Errors
/// When a file can't be opened, or a socket or process can't be created.
pub fn launch(
    program: &QemuProgram,
    virtiofs: Option<&VirtiofsProgram>,
    accelerator: Accelerator,
    vm: &VmSpec<'_>,
    group: &Group,
    log: &LogPipe,
    sender: &SyncSender<GuestMessage>,
) -> Result<RunningGuest> {
    let (monitor, qmp) = UnixStream::pair().context("making the socket of QEMU's monitor")?;
    let (console, console_writer) = io::pipe().context("making the console's pipe")?;
    let (output, output_writer) = io::pipe().context("making the output's pipe")?;
    let (control, control_guest) = UnixStream::pair().context("making the socket of the control channel")?;
    if vm.machine.cmdline.split(' ').any(|word| word == WAIT_WORD) {
        // The socket keeps the line until the guest begins to wait.
        (&control).write_all(GO_LINE).context("sending the go line to the guest")?;
    }
    let tags: Vec<&str> = vm.shares.iter().map(|(tag, _)| tag.as_str()).collect();
    let MachineSpec { kernel, initrd, disks, network, .. } = vm.machine;
    let has_network = network == Network::Host;
    let qemu = JailedQemu { program: &program.path, accelerator, network: has_network, files: &[kernel, initrd] };
    let mut invocation = jail_qemu(&program.jail, qemu, group)?
        .args(argv(&vm.machine, accelerator, &tags, has_v6_route()))
        .fd(qmp, QMP_FD)
        .fd(console_writer, CONSOLE_FD)
        .fd(output_writer, OUTPUT_FD)
        .fd(control_guest, CONTROL_FD)
        .fd(open_guest_file(kernel, FileAccess::Read)?, KERNEL_FD)
        .fd(open_guest_file(initrd, FileAccess::Read)?, INITRD_FD);
    for (fd, disk) in (FIRST_DISK_FD..).zip(disks) {
        invocation = invocation.fd(open_disk(disk)?, fd);
    }
    for (fd, (tag, tree)) in (FIRST_SHARE_FD..).zip(vm.shares) {
        let daemon = virtiofs.context("the guest has shares and no daemon for them")?;
        let (daemon, stream) = start_share_daemon(group, daemon, tree, vm.users, log)
            .with_context(|| format!("sharing {tag:?} with the guest"))?;
        invocation = invocation.fd(stream, fd);
        let tag = tag.clone();
        report_exit(Box::new(daemon), sender.clone(), move |exit, is_success| {
            GuestMessage::ShareEnded(tag, exit, is_success)
        });
    }
    if network == Network::Outside {
        let (uplink, stream) = start_uplink(group, program, log).context("starting the guest's network")?;
        invocation = invocation.fd(stream, network_fd(tags.len()));
        report_exit(Box::new(uplink), sender.clone(), |exit, _| GuestMessage::NetworkEnded(exit));
    }
    let console = pump(console, &vm.logs.console, vm.log_rules())?;
    let control_masks = ControlMasks::new(vm.masks);
    let output = pump(output, &vm.logs.guest, LogRules { offsets: control_masks.offsets(), ..vm.log_rules() })?;
    let control_writer = control.try_clone().context("sharing the socket of the control channel")?;
    spawn_control_reader(control, control_masks, sender.clone());
    let monitor = QmpMonitor::new(monitor)?;
    let shutdown_sender = sender.clone();
    monitor.on_shutdown(move |reason| {
        shutdown_sender.send(GuestMessage::Shutdown(reason)).ok();
    })?;
    let qemu = group.spawn(Point::Hypervisor, invocation, log)?;
    report_exit(Box::new(qemu), sender.clone(), |exit, _| GuestMessage::HypervisorEnded(exit));
    Ok(RunningGuest { stop: Box::new(QemuStop { monitor, control: control_writer }), output, console })
}

/// Opens a disk of the guest.
fn open_disk(disk: &DiskImage<'_>) -> Result<OwnedFd> {
    if let Some(memory) = disk.memory {
        return memory.try_clone_to_owned().with_context(|| format!("sharing the disk {} with the guest", disk.serial));
    }
    let access = if disk.read_only { FileAccess::Read } else { FileAccess::Write };
    Ok(open_guest_file(disk.path, access)?.into())
}

/// The means to stop QEMU and its guest.
struct QemuStop {
    monitor: QmpMonitor,
    control: UnixStream,
}

impl StopGuest for QemuStop {
    fn stop_guest(&mut self) -> Option<Duration> {
        self.control.write_all(CANCEL_LINE).is_ok().then_some(GUEST_PATIENCE)
    }

    fn stop_hypervisor(&mut self) {
        // If the monitor is closed, QEMU is killed at the end of the grace.
        self.monitor.quit().ok();
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

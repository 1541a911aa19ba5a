//! A guest in QEMU: its streams are pipes and sockets that QEMU finds open, its shares a daemon each.

#![expect(clippy::disallowed_types, reason = "makes sockets")]

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::accelerator::Accelerator;
use super::image::{self, Access};
use super::network::{self, Uplink};
use super::programs::QemuProgram;
use super::qmp::Monitor;
use super::virtiofs::{VirtiofsProgram, serve};
use super::{argv, jail};
use crate::config::Network;
use crate::execute::channel;
use crate::execute::machine::Machine;
use crate::execute::message::Message;
use crate::execute::running_guest::{RunningGuest, report_exit};
use crate::execute::stop::Stop;
use crate::execute::vm_spec::{VmSpec, WAIT};
use crate::failpoint::Point;
use crate::process::{Group, LogPipe, pump};

/// What asks the guest to end its job.
const CANCEL: &[u8] = b"cancel\n";
/// How long a guest may take to end its job when it is asked to: it gives the command 5 s.
const GUEST_PATIENCE: Duration = Duration::from_secs(7);
/// How long QEMU may take to end when it is told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a guest.
pub(in crate::execute) fn launch(
    program: &QemuProgram,
    virtiofs: Option<&VirtiofsProgram>,
    accelerator: Accelerator,
    vm: &VmSpec<'_>,
    group: &Group,
    log: &LogPipe,
    sender: &SyncSender<Message>,
) -> Result<RunningGuest> {
    let (monitor, qmp) = UnixStream::pair().context("making the socket of QEMU's monitor")?;
    let (console, console_writer) = io::pipe().context("making the console's pipe")?;
    let (output, output_writer) = io::pipe().context("making the output's pipe")?;
    let (control, control_guest) = UnixStream::pair().context("making the control lines' socket")?;
    if vm.machine.cmdline.split(' ').any(|word| word == WAIT) {
        // It lies ready for the guest to read when it comes to wait.
        (&control).write_all(b"go\n").context("answering the guest that waits")?;
    }
    let tags: Vec<&str> = vm.shares.iter().map(|(tag, _)| tag.as_str()).collect();
    let Machine { kernel, initrd, disks, network, .. } = vm.machine;
    let place =
        jail::Qemu { program: &program.path, accelerator, network: network == Network::Host, files: &[kernel, initrd] };
    let mut invocation = jail::qemu(&program.jail, place, group)?
        .args(argv::argv(&vm.machine, accelerator, &tags, network::has_v6_route()))
        .fd(qmp, argv::QMP_FD)
        .fd(console_writer, argv::CONSOLE_FD)
        .fd(output_writer, argv::OUTPUT_FD)
        .fd(control_guest, argv::CONTROL_FD)
        .fd(image::open(kernel, Access::Read)?, argv::KERNEL_FD)
        .fd(image::open(initrd, Access::Read)?, argv::INITRD_FD);
    for (fd, disk) in (argv::FIRST_DISK_FD..).zip(disks) {
        let access = if disk.read_only { Access::Read } else { Access::Write };
        invocation = invocation.fd(image::open(disk.path, access)?, fd);
    }
    for (fd, (tag, tree)) in (argv::FIRST_SHARE_FD..).zip(vm.shares) {
        let daemon = virtiofs.context("the guest has shares and no daemon for them")?;
        let (daemon, stream) =
            serve(group, daemon, tree, vm.users, log).with_context(|| format!("sharing {tag:?} with the guest"))?;
        invocation = invocation.fd(stream, fd);
        let tag = tag.clone();
        report_exit(Box::new(daemon), sender.clone(), move |ending, well| Message::ShareEnded(tag, ending, well));
    }
    if network == Network::Outside {
        let uplink = Uplink { qemu: &program.path, jail: &program.jail };
        let (uplink, stream) = network::start(group, uplink, log).context("starting the guest's network")?;
        invocation = invocation.fd(stream, argv::network_fd(tags.len()));
        report_exit(Box::new(uplink), sender.clone(), |ending, _| Message::NetworkEnded(ending));
    }
    let console = pump(console, &vm.logs.console, vm.log_limit())?;
    let output = pump(output, &vm.logs.guest, vm.log_limit())?;
    let ends = control.try_clone().context("sharing the control lines' socket")?;
    channel::controls(control, sender.clone());
    let monitor = Monitor::new(monitor)?;
    let shutdowns = sender.clone();
    monitor.on_shutdown(move |reason| {
        shutdowns.send(Message::Shutdown(reason)).ok();
    })?;
    let qemu = group.spawn(Point::Hypervisor, invocation, log)?;
    report_exit(Box::new(qemu), sender.clone(), |ending, _| Message::HypervisorEnded(ending));
    Ok(RunningGuest { stop: Box::new(Ends { monitor, control: ends }), output, console })
}

/// QEMU and its guest, as far as they can be asked to end.
struct Ends {
    monitor: Monitor,
    control: UnixStream,
}

impl Stop for Ends {
    fn stop_guest(&mut self) -> Option<Duration> {
        self.control.write_all(CANCEL).is_ok().then_some(GUEST_PATIENCE)
    }

    fn stop(&mut self) {
        // Where QEMU no longer listens it is killed when the grace is over.
        self.monitor.quit().ok();
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

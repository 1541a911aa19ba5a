//! A guest in QEMU: its streams are pipes and sockets that QEMU finds open, its shares a daemon each.

#![expect(clippy::disallowed_types, reason = "makes sockets")]

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::stop::Stop;
use super::{Running, watch};
use crate::config::Network;
use crate::execute::image::{self, Access};
use crate::execute::jail::{self, Jail};
use crate::execute::machine::Machine;
use crate::execute::network::{self, Uplink};
use crate::execute::qemu::{self, Accelerator};
use crate::execute::qmp::Monitor;
use crate::execute::supervise::Message;
use crate::execute::vm::{Guest, WAIT};
use crate::execute::{channel, share};
use crate::failpoint::Point;
use crate::process::{Group, LogPipe, pump};

/// What asks the guest to end its job.
const CANCEL: &[u8] = b"cancel\n";
/// How long a guest may take to end its job when it is asked to: it gives the command 5 s.
const GUEST_PATIENCE: Duration = Duration::from_secs(7);
/// How long QEMU may take to end when it is told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// What it takes to start QEMU.
#[derive(Clone, Copy)]
pub(super) struct Qemu<'a> {
    pub(super) program: &'a Path,
    pub(super) jail: &'a Jail,
    pub(super) accelerator: Accelerator,
    pub(super) share: &'a share::Programs,
}

pub(super) fn start(
    programs: Qemu<'_>,
    guest: &Guest<'_>,
    group: &Group,
    log: &LogPipe,
    sender: &SyncSender<Message>,
) -> Result<Running> {
    let (monitor, qmp) = UnixStream::pair().context("making the socket of QEMU's monitor")?;
    let (console, console_writer) = io::pipe().context("making the console's pipe")?;
    let (output, output_writer) = io::pipe().context("making the output's pipe")?;
    let (control, control_guest) = UnixStream::pair().context("making the control lines' socket")?;
    if guest.machine.cmdline.split(' ').any(|word| word == WAIT) {
        // It lies ready for the guest to read when it comes to wait.
        (&control).write_all(b"go\n").context("answering the guest that waits")?;
    }
    let tags: Vec<&str> = guest.shares.iter().map(|(tag, _)| tag.as_str()).collect();
    let Machine { kernel, initrd, disks, network, .. } = guest.machine;
    let place = jail::Qemu {
        program: programs.program,
        accelerator: programs.accelerator,
        network: network == Network::Host,
        files: &[kernel, initrd],
    };
    let mut invocation = jail::qemu(programs.jail, place, group)?
        .args(qemu::argv(&guest.machine, programs.accelerator, &tags, network::has_v6_route()))
        .fd(qmp, qemu::QMP_FD)
        .fd(console_writer, qemu::CONSOLE_FD)
        .fd(output_writer, qemu::OUTPUT_FD)
        .fd(control_guest, qemu::CONTROL_FD)
        .fd(image::open(kernel, Access::Read)?, qemu::KERNEL_FD)
        .fd(image::open(initrd, Access::Read)?, qemu::INITRD_FD);
    for (fd, disk) in (qemu::FIRST_DISK_FD..).zip(disks) {
        let access = if disk.read_only { Access::Read } else { Access::Write };
        invocation = invocation.fd(image::open(disk.path, access)?, fd);
    }
    for (fd, (tag, tree)) in (qemu::FIRST_SHARE_FD..).zip(guest.shares) {
        let (daemon, stream) = share::serve(group, programs.share, tree, guest.users, log)
            .with_context(|| format!("sharing {tag:?} with the guest"))?;
        invocation = invocation.fd(stream, fd);
        let tag = tag.clone();
        watch(Box::new(daemon), sender.clone(), move |ending, well| Message::ShareEnded(tag, ending, well));
    }
    if network == Network::Outside {
        let uplink = Uplink { qemu: programs.program, jail: programs.jail };
        let (uplink, stream) = network::start(group, uplink, log).context("starting the guest's network")?;
        invocation = invocation.fd(stream, qemu::network_fd(tags.len()));
        watch(Box::new(uplink), sender.clone(), |ending, _| Message::NetworkEnded(ending));
    }
    let console = pump(console, &guest.logs.console, guest.log_limit())?;
    let output = pump(output, &guest.logs.guest, guest.log_limit())?;
    let ends = control.try_clone().context("sharing the control lines' socket")?;
    channel::controls(control, sender.clone());
    let monitor = Monitor::new(monitor)?;
    let shutdowns = sender.clone();
    monitor.on_shutdown(move |reason| {
        shutdowns.send(Message::Shutdown(reason)).ok();
    })?;
    let qemu = group.spawn(Point::Hypervisor, invocation, log)?;
    watch(Box::new(qemu), sender.clone(), |ending, _| Message::HypervisorEnded(ending));
    Ok(Running { stop: Box::new(Ends { monitor, control: ends }), output, console })
}

/// QEMU and its guest, as far as they can be asked to end.
struct Ends {
    monitor: Monitor,
    control: UnixStream,
}

impl Stop for Ends {
    fn ask_guest(&mut self) -> Option<Duration> {
        self.control.write_all(CANCEL).is_ok().then_some(GUEST_PATIENCE)
    }

    fn ask(&mut self) {
        // Where QEMU no longer listens it is killed when the grace is over.
        self.monitor.quit().ok();
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

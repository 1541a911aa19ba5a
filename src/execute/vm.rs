//! A guest from its start to its end, whatever happens in between.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "starts processes, waits and reads the clock")]

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::console::Console;
pub use super::console::tail;
use super::qemu::{self, Accelerator, Machine};
use super::qmp::Monitor;
use super::share::{self, Programs, Tree, Users};
use super::supervise::{Message, supervise};
use super::verdict::{Cause, Observed};
use super::{channel as streams, channel::Pumped};
use crate::cancel::Cancel;
use crate::guest::Control;
use crate::plan::record::Deadlines;
use crate::process::{Child, Group, Invocation, ending};
use crate::state::append_line;

/// The word on the kernel's command line that makes a guest wait for a line of the host once it is ready.
pub const WAIT: &str = "pikaci.wait";
/// The most bytes that a job's output or a console may leave in a log.
pub const LOG_LIMIT: u64 = 64 << 20;
/// The most messages that wait for who takes them; who has more to say waits.
const QUEUE: usize = 64;
/// How long what was killed may take to be gone; only a kernel that is stuck takes longer.
const DEATH: Duration = Duration::from_secs(5);

/// A guest to run.
#[derive(Debug)]
pub struct Guest<'a> {
    /// QEMU's program.
    pub qemu: &'a Path,
    /// The programs that serve shares.
    pub programs: &'a Programs,
    /// How instructions run.
    pub accelerator: Accelerator,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Whether there is a network.
    pub network: bool,
    /// The kernel, the initial RAM disk, and the guest's part of the command line.
    pub kernel: &'a Path,
    /// The initial RAM disk.
    pub initrd: &'a Path,
    /// The guest's part of the kernel's command line.
    pub cmdline: &'a str,
    /// The disks in order: serial, path, whether it is read-only.
    pub disks: &'a [(&'a str, &'a Path, bool)],
    /// The shares by tag.
    pub shares: &'a [(String, Tree)],
    /// The user ids at both ends of the shares.
    pub users: Users,
    /// How long its parts may take.
    pub deadlines: Deadlines,
    /// Where its logs go.
    pub logs: &'a Logs,
}

/// Where a guest's logs go.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Command lines, and what the hypervisor and the share daemons said.
    pub host: PathBuf,
    /// What the job printed.
    pub guest: PathBuf,
    /// The kernel's console.
    pub console: PathBuf,
}

/// What a guest left.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What was seen of it.
    pub observed: Observed,
    /// What its output's log took in.
    pub output: Pumped,
    /// What failed around it without changing how it ended: logs that couldn't be written or read.
    pub troubles: Vec<String>,
}

/// Runs a guest to its end; when this returns, nothing of it is alive.
///
/// # Errors
/// When it can't be started or its logs can't be written.
pub fn run(guest: &Guest<'_>, cancel: &Cancel, on_control: &mut dyn FnMut(&Control)) -> Result<Ended> {
    let group = Group::start()?;
    let (sender, receiver) = sync_channel(QUEUE);
    let mut running = start(guest, &group, &sender)?;
    drop(sender);
    let mut observed =
        supervise(guest.deadlines, &mut running.monitor, &guest.logs.host, &receiver, cancel, on_control);
    group.kill();
    // With the group gone the streams are at their end, and what they still held is counted.
    let end = Instant::now() + DEATH;
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Message::Control(line)) => {
                on_control(&line);
                observed.control(line);
            }
            Ok(Message::Flood) => drop(observed.cause.get_or_insert(Cause::Flood)),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                observed.cause.get_or_insert(Cause::Undying);
                break;
            }
        }
    }
    let mut troubles = Vec::new();
    for ending in endings(&observed) {
        if let Err(error) = append_line(&guest.logs.host, &ending) {
            troubles.push(format!("{error:#}"));
        }
    }
    let mut copied = |thread, log: &Path| match join(thread, end) {
        Ok(pumped) => pumped,
        Err(error) => {
            troubles.push(format!("writing {}: {error}", log.display()));
            Pumped::default()
        }
    };
    let output = copied(running.output, &guest.logs.guest);
    copied(running.console, &guest.logs.console);
    match Console::read(&guest.logs.console) {
        Ok(console) => {
            observed.panic = console.panicked();
            if !observed.ready {
                observed.error = observed.error.or(console.error().map(str::to_owned));
            }
        }
        Err(error) => troubles.push(format!("{error:#}")),
    }
    Ok(Ended { observed, output, troubles })
}

/// Returns what the host's log is to say of the ends of its processes, which may have said nothing.
fn endings(seen: &Observed) -> Vec<String> {
    let share = match &seen.cause {
        Some(Cause::ShareEnded(tag, ending)) => Some(format!("pikaci: the daemon of the share {tag:?} {ending}")),
        _ => None,
    };
    let qemu = seen.hypervisor.as_ref().map(|ending| format!("pikaci: QEMU {ending}"));
    share.into_iter().chain(qemu).collect()
}

struct Running {
    monitor: Monitor,
    output: JoinHandle<io::Result<Pumped>>,
    console: JoinHandle<io::Result<Pumped>>,
}

fn start(guest: &Guest<'_>, group: &Group, sender: &SyncSender<Message>) -> Result<Running> {
    let (monitor, qmp) = UnixStream::pair().context("making the socket of QEMU's monitor")?;
    let (console, console_writer) = io::pipe().context("making the console's pipe")?;
    let (output, output_writer) = io::pipe().context("making the output's pipe")?;
    let (control, control_guest) = UnixStream::pair().context("making the control lines' socket")?;
    if guest.cmdline.split(' ').any(|word| word == WAIT) {
        // It lies ready for the guest to read when it comes to wait.
        (&control).write_all(b"go\n").context("answering the guest that waits")?;
    }
    let tags: Vec<&str> = guest.shares.iter().map(|(tag, _)| tag.as_str()).collect();
    let args = qemu::argv(&Machine {
        accelerator: guest.accelerator,
        vcpu: guest.vcpu,
        memory_mib: guest.memory_mib,
        kernel: guest.kernel,
        initrd: guest.initrd,
        cmdline: guest.cmdline,
        disks: guest.disks,
        tags: &tags,
        network: guest.network,
    });
    let mut invocation = Invocation::new(guest.qemu)
        .args(args)
        .fd(qmp, qemu::QMP_FD)
        .fd(console_writer, qemu::CONSOLE_FD)
        .fd(output_writer, qemu::OUTPUT_FD)
        .fd(control_guest, qemu::CONTROL_FD);
    for (fd, (tag, tree)) in (qemu::FIRST_SHARE_FD..).zip(guest.shares) {
        let (daemon, stream) = share::serve(group, guest.programs, tree, guest.users, &guest.logs.host)
            .with_context(|| format!("sharing {tag:?} with the guest"))?;
        invocation = invocation.fd(stream, fd);
        let tag = tag.clone();
        watch(daemon, sender.clone(), move |ending, well| Message::ShareEnded(tag, ending, well));
    }
    let console = streams::pump(console, &guest.logs.console, LOG_LIMIT)?;
    let output = streams::pump(output, &guest.logs.guest, LOG_LIMIT)?;
    streams::controls(control, sender.clone());
    let monitor = Monitor::new(monitor)?;
    let shutdowns = sender.clone();
    monitor.on_shutdown(move |reason| {
        shutdowns.send(Message::Shutdown(reason)).ok();
    })?;
    let qemu = group.spawn(invocation, &guest.logs.host)?;
    watch(qemu, sender.clone(), |ending, _| Message::HypervisorEnded(ending));
    Ok(Running { monitor, output, console })
}

fn watch(child: Child, sender: SyncSender<Message>, message: impl FnOnce(String, bool) -> Message + Send + 'static) {
    std::thread::spawn(move || {
        let (ended, well) = child
            .wait()
            .map_or_else(|error| (format!("{error:#}"), false), |status| (ending(status), status.success()));
        sender.send(message(ended, well)).ok();
    });
}

/// Waits for a thread that copies a stream, which lasts as long as the process at the stream's other end.
fn join(thread: JoinHandle<io::Result<Pumped>>, end: Instant) -> io::Result<Pumped> {
    while !thread.is_finished() {
        if Instant::now() >= end {
            return Err(io::Error::other("its process is killed, but isn't gone"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that copies it panicked")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use super::{Pumped, join};

    #[test]
    fn a_stream_that_never_ends_is_not_waited_for_for_ever() {
        let (never, end) = channel::<()>();
        let stuck = std::thread::spawn(move || end.recv().map(|()| Pumped::default()).map_err(std::io::Error::other));
        let error = join(stuck, Instant::now() + Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.to_string(), "its process is killed, but isn't gone");
        drop(never);
        let ended = std::thread::spawn(|| Ok(Pumped::default()));
        assert_eq!(join(ended, Instant::now() + Duration::from_secs(60)).unwrap(), Pumped::default());
    }
}

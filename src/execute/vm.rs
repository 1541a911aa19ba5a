//! A guest from its start to its end, whatever happens in between.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "starts processes, waits and reads the clock")]

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::console::Console;
pub use super::console::tail;
use super::qemu::{self, Accelerator, Machine};
use super::qmp::Monitor;
use super::share::{self, Programs, Tree, Users};
use super::verdict::{Cause, Observed};
use super::{channel as streams, channel::Pumped};
use crate::cancel::{Cancel, Urgency};
use crate::guest::Control;
use crate::plan::record::Deadlines;
use crate::process::{Child, Group, Invocation, ending};

/// The most bytes that a job's output or a console may leave in a log.
pub const LOG_LIMIT: u64 = 64 << 20;
/// How long the waiting for messages lasts before the clock and the request to end are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a hypervisor may take to end after its guest's end, or after a share's daemon ended.
const GRACE: Duration = Duration::from_secs(2);

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
}

enum Message {
    Control(Control),
    Shutdown(String),
    HypervisorEnded(String),
    /// Tag, how it ended, and whether that was well.
    ShareEnded(String, String, bool),
}

/// Runs a guest to its end; when this returns, nothing of it is alive.
///
/// # Errors
/// When it can't be started or its logs can't be written.
pub fn run(guest: &Guest<'_>, cancel: &Cancel, on_control: &mut dyn FnMut(&Control)) -> Result<Ended> {
    let group = Group::start()?;
    let (sender, receiver) = channel();
    let mut running = start(guest, &group, &sender)?;
    drop(sender);
    let mut observed = supervise(guest, &mut running, &receiver, cancel, on_control);
    group.kill();
    // With the group gone the streams are at their end, and what they still held is counted.
    let output = join(running.output).with_context(|| format!("writing {}", guest.logs.guest.display()))?;
    join(running.console).with_context(|| format!("writing {}", guest.logs.console.display()))?;
    for message in &receiver {
        if let Message::Control(line) = message {
            on_control(&line);
            observed.control(line);
        }
    }
    let console = Console::read(&guest.logs.console)?;
    observed.panic = console.panicked();
    if !observed.ready {
        observed.error = observed.error.or(console.error().map(str::to_owned));
    }
    Ok(Ended { observed, output })
}

struct Running {
    monitor: Monitor,
    output: JoinHandle<io::Result<Pumped>>,
    console: JoinHandle<io::Result<Pumped>>,
}

fn start(guest: &Guest<'_>, group: &Group, sender: &Sender<Message>) -> Result<Running> {
    let (monitor, qmp) = UnixStream::pair().context("making the socket of QEMU's monitor")?;
    let (console, console_writer) = io::pipe().context("making the console's pipe")?;
    let (output, output_writer) = io::pipe().context("making the output's pipe")?;
    let (control, control_writer) = io::pipe().context("making the control lines' pipe")?;
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
        .fd(control_writer, qemu::CONTROL_FD);
    for (fd, (tag, tree)) in (qemu::FIRST_SHARE_FD..).zip(guest.shares) {
        let (daemon, stream) = share::serve(group, guest.programs, tree, guest.users, &guest.logs.host)
            .with_context(|| format!("sharing {tag:?} with the guest"))?;
        invocation = invocation.fd(stream, fd);
        let tag = tag.clone();
        watch(daemon, sender.clone(), move |ending, well| Message::ShareEnded(tag, ending, well));
    }
    let console = streams::pump(console, &guest.logs.console, LOG_LIMIT)?;
    let output = streams::pump(output, &guest.logs.guest, LOG_LIMIT)?;
    let lines = sender.clone();
    streams::lines(control, move |line| {
        // The receiver is gone only when nobody wants to know any more.
        line.parse().ok().and_then(|line| lines.send(Message::Control(line)).ok());
    });
    let monitor = Monitor::new(monitor)?;
    let shutdowns = sender.clone();
    monitor.on_shutdown(move |reason| {
        shutdowns.send(Message::Shutdown(reason)).ok();
    })?;
    let qemu = group.spawn(invocation, &guest.logs.host)?;
    watch(qemu, sender.clone(), |ending, _| Message::HypervisorEnded(ending));
    Ok(Running { monitor, output, console })
}

fn watch(child: Child, sender: Sender<Message>, message: impl FnOnce(String, bool) -> Message + Send + 'static) {
    std::thread::spawn(move || {
        let (ended, well) = child
            .wait()
            .map_or_else(|error| (format!("{error:#}"), false), |status| (ending(status), status.success()));
        sender.send(message(ended, well)).ok();
    });
}

fn supervise(
    guest: &Guest<'_>,
    running: &mut Running,
    messages: &Receiver<Message>,
    cancel: &Cancel,
    on_control: &mut dyn FnMut(&Control),
) -> Observed {
    let mut seen = Observed::default();
    let mut phase_began = Instant::now();
    let mut last_moment: Option<Instant> = None;
    let mut share_followed = false;
    loop {
        match messages.recv_timeout(TICK) {
            Ok(Message::Control(line)) => {
                on_control(&line);
                if matches!(line, Control::Ready | Control::Exit(_) | Control::Signal(_)) {
                    phase_began = Instant::now();
                }
                seen.control(line);
            }
            Ok(Message::Shutdown(reason)) => seen.shutdown = Some(reason),
            Ok(Message::HypervisorEnded(ending)) => {
                seen.hypervisor = Some(ending);
                if share_followed {
                    seen.cause = None;
                }
                return seen;
            }
            Ok(Message::ShareEnded(tag, ending, well)) => {
                // A guest that powers off closes its shares a moment before its hypervisor ends.
                if !seen.end && seen.shutdown.is_none() && seen.cause.is_none() {
                    seen.cause = Some(Cause::ShareEnded(tag, ending));
                    // A daemon ends well when its hypervisor is gone, which may be heard of only later.
                    share_followed = well;
                }
                last_moment.get_or_insert_with(|| Instant::now() + GRACE);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return seen,
        }
        let urgency = cancel.urgency();
        if last_moment.is_some_and(|moment| moment <= Instant::now() || urgency == Urgency::Now) {
            return seen;
        }
        if last_moment.is_none() {
            let asked = (urgency > Urgency::None).then_some(Cause::Cancelled);
            seen.cause = asked.or_else(|| overdue(&seen, guest.deadlines, phase_began.elapsed()));
            if seen.cause.is_some() {
                // Where QEMU no longer listens it is killed when the grace is over.
                running.monitor.quit().ok();
                last_moment = Some(Instant::now() + GRACE);
            }
        }
    }
}

fn overdue(seen: &Observed, deadlines: Deadlines, elapsed: Duration) -> Option<Cause> {
    let (secs, cause): (u64, fn(u64) -> Cause) = match (seen.ready, &seen.exit) {
        (_, Some(_)) => (deadlines.collect_secs, Cause::CollectDeadline),
        (true, None) => (deadlines.job_secs, Cause::JobDeadline),
        (false, None) => (deadlines.boot_secs, Cause::BootDeadline),
    };
    (elapsed > Duration::from_secs(secs)).then(|| cause(secs))
}

fn join(thread: JoinHandle<io::Result<Pumped>>) -> io::Result<Pumped> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that copies it panicked")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Cause, Observed, overdue};
    use crate::guest::Control;
    use crate::plan::record::Deadlines;

    #[test]
    fn each_part_has_its_own_deadline() {
        let deadlines = Deadlines { boot_secs: 10, job_secs: 20, collect_secs: 30 };
        let boots = Observed::default();
        let runs = Observed { ready: true, ..Observed::default() };
        let collects = Observed { exit: Some(Control::Exit(0)), ..runs.clone() };
        for (seen, secs, cause) in [
            (boots, 10, Cause::BootDeadline(10)),
            (runs, 20, Cause::JobDeadline(20)),
            (collects, 30, Cause::CollectDeadline(30)),
        ] {
            assert_eq!(overdue(&seen, deadlines, Duration::from_secs(secs)), None);
            assert_eq!(overdue(&seen, deadlines, Duration::from_millis(secs * 1000 + 1)), Some(cause));
        }
    }
}

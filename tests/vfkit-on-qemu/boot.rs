//! A guest from its start to its end.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::guest::Guest;
use crate::monitor::Monitor;
use crate::rest::Service;
use crate::running::{Hang, Running};
use crate::start::Start;
use crate::{child, qemu, share};

/// The time that a guest has to end after a signal (`cmd/vfkit/main.go`, `runVFKit`).
const GRACE: Duration = Duration::from_secs(5);
/// The time that QEMU has to end after a command.
const END: Duration = Duration::from_secs(5);
/// The time that QEMU may outlive the daemon of a share: when QEMU ends, the connection to the daemon closes first.
const OUTLIVE: Duration = Duration::from_secs(1);
/// The reasons for the end of QEMU that mean the end of the guest: by itself, or by the stand-in.
const ENDS: [&str; 2] = ["guest-shutdown", "host-qmp-quit"];

/// An event while a guest runs.
enum Event {
    /// A signal that requests the end.
    Signal,
    /// QEMU has ended.
    Qemu(ExitStatus),
    /// The daemon of the share with this tag has ended.
    Share(Pid, String),
}

/// The action after a deadline.
enum Then {
    Quit,
    Kill(String),
}

/// Boots a guest and returns at its end.
pub fn boot(start: &Start) -> Result<()> {
    let hang = Hang::read()?;
    write_pid(&start.pidfile)?;
    ensure!(start.cloud_init.is_empty(), "the stand-in makes no disk for cloud-init");
    let guest = Guest::check(&start.machine)?;
    let service = start.restful_uri.as_ref().map(Service::bind).transpose()?;
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("taking signals")?;
    let args = qemu::argv(&guest);
    if start.log_level != "error" {
        eprintln!("vfkit-on-qemu: a stand-in for vfkit runs {} {args:?}", qemu::PROGRAM);
    }
    let (sender, events) = channel();
    let (socket, qmp) = UnixStream::pair().context("making the socket of QEMU's monitor")?;
    let mut files = vec![(OwnedFd::from(qmp), qemu::QMP_FD)];
    let mut daemons = Vec::new();
    for (fd, (tag, folder)) in (qemu::FIRST_SHARE_FD..).zip(&guest.shares) {
        let (daemon, stream) = share::serve(folder).with_context(|| format!("sharing {folder}"))?;
        files.push((stream.into(), fd));
        let (pid, tag) = (id(&daemon)?, (*tag).to_owned());
        watch(daemon, &sender, move |_| Event::Share(pid, tag));
        daemons.push(pid);
    }
    let (monitor, reason) = Monitor::new(socket)?;
    let child = child::spawn(qemu::PROGRAM.as_ref(), &args, files)?;
    let qemu = id(&child)?;
    watch(child, &sender, Event::Qemu);
    let machine = serde_json::to_value(&start.machine).context("encoding the machine")?;
    let running = Arc::new(Running::new(monitor, hang, machine));
    // If QEMU can't start, its end shows that.
    running.greet().ok();
    if let Some(service) = &service {
        service.start(&running)?;
    }
    let guest = Arc::clone(&running);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if let Err(error) = guest.stop() {
                eprintln!("failed to shutdown VM: {error:#}");
            }
            sender.send(Event::Signal).ok();
        }
    });
    let (status, failure) = supervise(&running, qemu, &mut daemons, &events)?;
    reap(daemons, &events);
    if let Some(failure) = failure {
        bail!("{failure}");
    }
    let reason = reason.join().ok().flatten().unwrap_or_default();
    ensure!(status.success() && ENDS.contains(&&*reason), "virtualization error: QEMU ended ({status}, {reason:?})");
    if running.hangs() {
        eprintln!("vfkit-on-qemu: hanging, as its environment says");
        loop {
            std::thread::park();
        }
    }
    drop(running.answering());
    Ok(())
}

/// Writes the process id; vfkit never removes it.
fn write_pid(path: &str) -> Result<()> {
    if path.is_empty() {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| write!(file, "{}", std::process::id()));
    written.with_context(|| format!("could not write PID: {path}"))
}

fn id(child: &Child) -> Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process without an id")
}

/// Starts a thread that reports the end of a process.
fn watch(mut child: Child, sender: &Sender<Event>, event: impl FnOnce(ExitStatus) -> Event + Send + 'static) {
    let sender = sender.clone();
    std::thread::spawn(move || {
        if let Ok(status) = child.wait() {
            sender.send(event(status)).ok();
        }
    });
}

/// Waits for the end of QEMU, and enforces it after a deadline. Returns the status of QEMU and the first failure, and
/// removes the daemons that have ended.
fn supervise(
    running: &Running,
    qemu: Pid,
    daemons: &mut Vec<Pid>,
    events: &Receiver<Event>,
) -> Result<(ExitStatus, Option<String>)> {
    let mut failure = None;
    let mut next: Option<(Instant, Then)> = None;
    loop {
        let event = match &next {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((at, _)) => events.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match event {
            Ok(Event::Qemu(status)) => return Ok((status, failure)),
            Ok(Event::Signal) => drop(next.get_or_insert((Instant::now() + GRACE, Then::Quit))),
            Ok(Event::Share(pid, tag)) => {
                daemons.retain(|daemon| *daemon != pid);
                let message = format!("virtualization error: the daemon of the share {tag:?} has ended");
                next = Some((Instant::now() + OUTLIVE, Then::Kill(message)));
            }
            Err(RecvTimeoutError::Timeout) => match next.take() {
                Some((_, Then::Quit)) => {
                    eprintln!("failed to wait for VM stop: timeout waiting for VM state, forcing stop");
                    // A QEMU that doesn't listen is killed.
                    running.hard_stop().ok();
                    next = Some((Instant::now() + END, Then::Kill("QEMU doesn't end".to_owned())));
                }
                Some((_, Then::Kill(message))) => {
                    failure = Some(message);
                    kill_process(qemu, Signal::KILL).ok();
                }
                None => {}
            },
            Err(RecvTimeoutError::Disconnected) => bail!("no thread reports the end of QEMU"),
        }
    }
}

/// Waits for the ends of the shares' daemons, which follow the end of QEMU, with a short limit.
fn reap(mut daemons: Vec<Pid>, events: &Receiver<Event>) {
    let end = Instant::now() + END;
    while !daemons.is_empty() {
        match events.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Event::Share(pid, _)) => daemons.retain(|daemon| *daemon != pid),
            Ok(_) => {}
            Err(_) => {
                for daemon in daemons.drain(..) {
                    kill_process(daemon, Signal::KILL).ok();
                }
            }
        }
    }
}

//! A guest from its start to its end, whatever happens in between.

#![expect(clippy::disallowed_methods, reason = "waits and reads the clock")]

use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::collect::ArtifactDisk;
use super::console::Console;
pub use super::console::tail;
use super::launch::Launcher;
use super::machine::Machine;
use super::observed::{Cause, Observed};
use super::open_files::reached_limit;
use super::share::{Tree, Users};
use super::supervise::{Message, supervise};
use crate::cancel::Cancel;
use crate::foreign::Beneath;
use crate::guest::Control;
use crate::plan::record::Deadlines;
use crate::process::{Copying, Group, Limit, Limits, LogPipe, Pumped, join};
use crate::quota::Quota;
use crate::state::append_line;

/// The word on the kernel's command line that makes a guest wait for a line of the host once it is ready.
pub const WAIT: &str = "pikaci.wait";
/// The most bytes that a job's output or a console may leave in a log.
pub const LOG_LIMIT: u64 = 64 << 20;
/// The most messages that wait for who takes them; who has more to say waits.
const QUEUE: usize = 64;
/// The bytes of memory that a guest's processes may have beside its own: QEMU's translated code takes up to 1 GiB
/// (`accel/tcg/region.c`), the daemons of shares a few hundred bytes for each file.
const OVERHEAD: u64 = 2 << 30;
/// The most threads of a guest's processes that aren't CPUs: QEMU and a daemon start up to 64 workers each.
const THREADS: u32 = 512;
/// How long what was killed may take to be gone; only a kernel that is stuck takes longer.
pub const DEATH: Duration = Duration::from_secs(5);

/// A guest to run.
#[derive(Debug)]
pub struct Guest<'a> {
    /// What boots it.
    pub launcher: Launcher<'a>,
    /// Its machine.
    pub machine: Machine<'a>,
    /// The shares by tag.
    pub shares: &'a [(String, Tree)],
    /// The user ids at both ends of the shares.
    pub users: Users,
    /// How long its parts may take.
    pub deadlines: Deadlines,
    /// Where its logs go.
    pub logs: &'a Logs,
    /// A folder for what goes with it.
    pub scratch: &'a Path,
    /// The disk that it brings artifacts back on, if it does.
    pub artifacts: Option<&'a ArtifactDisk>,
    /// The disk budget that its logs and artifacts use up.
    pub quota: &'a Quota,
}

impl Guest<'_> {
    /// Returns how much each of its logs may take in.
    pub(super) fn log_limit(&self) -> Limit<'_> {
        Limit { bytes: LOG_LIMIT, quota: self.quota }
    }

    /// Returns why it can't go on, where what it wrote used up the budget.
    fn is_over_budget(&self) -> Option<Cause> {
        let is_over = self.artifacts.is_some_and(|disk| !disk.charge());
        is_over.then(|| Cause::DiskBudget(self.quota.total()))
    }
}

/// Where a guest's logs go.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Command lines, and what the hypervisor and the share daemons said.
    pub host: Beneath,
    /// What the job printed.
    pub guest: Beneath,
    /// The kernel's console.
    pub console: Beneath,
}

/// What a guest left.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The name of what booted it.
    pub hypervisor: &'static str,
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
    let group = Group::start_limited(limits(&guest.machine))?;
    let (sender, receiver) = sync_channel(QUEUE);
    let (log, host_log) = LogPipe::open(&guest.logs.host, guest.log_limit())?;
    let mut running = guest.launcher.start(guest, &group, &log, &sender)?;
    drop((sender, log));
    let is_over = &|| guest.is_over_budget();
    let mut observed = supervise(guest.deadlines, &mut *running.stop, is_over, &receiver, cancel, on_control);
    group.kill();
    running.stop.gone();
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
    let hypervisor = guest.launcher.capabilities().name;
    let mut copied = |thread: Copying, log: &Path| {
        let gone = || io::Error::other("its process is killed, but isn't gone");
        join(thread, end).unwrap_or_else(|| Err(gone())).unwrap_or_else(|error| {
            troubles.push(format!("writing {}: {error}", log.display()));
            Pumped::default()
        })
    };
    let output = copied(running.output, &guest.logs.guest);
    copied(running.console, &guest.logs.console);
    copied(host_log, &guest.logs.host);
    for ending in endings(&observed, hypervisor) {
        if let Err(error) = append_line(&guest.logs.host, &ending) {
            troubles.push(format!("{error:#}"));
        }
    }
    match reached_limit(&guest.logs.host) {
        // What was cancelled may have reached it too, and isn't to be mended.
        Ok(true) if observed.cause != Some(Cause::Cancelled) => observed.cause = Some(Cause::OutOfFiles),
        Ok(_) => {}
        Err(error) => troubles.push(format!("{error:#}")),
    }
    match Console::read(&guest.logs.console) {
        Ok(console) => {
            observed.panic = console.panicked();
            if !observed.ready {
                observed.error = observed.error.or(console.error().map(str::to_owned));
            }
        }
        Err(error) => troubles.push(format!("{error:#}")),
    }
    Ok(Ended { hypervisor, observed, output, troubles })
}

/// Returns the limits of all that a guest is made of.
fn limits(machine: &Machine<'_>) -> Limits {
    Limits { memory: (machine.memory_mib << 20) + OVERHEAD, processes: THREADS + machine.vcpu }
}

/// Returns what the host's log is to say of the ends of its processes, which may have said nothing.
fn endings(seen: &Observed, hypervisor: &str) -> Vec<String> {
    let share = match &seen.cause {
        Some(Cause::ShareEnded(tag, ending)) => Some(format!("pikaci: the daemon of the share {tag:?} {ending}")),
        Some(Cause::NetworkEnded(ending)) => Some(format!("pikaci: the guest's network {ending}")),
        _ => None,
    };
    let hypervisor = seen.hypervisor.as_ref().map(|ending| format!("pikaci: {hypervisor} {ending}"));
    share.into_iter().chain(hypervisor).collect()
}

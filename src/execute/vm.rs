//! A guest from its start to its end, whatever happens in between.

#![expect(clippy::disallowed_methods, reason = "waits and reads the clock")]

use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::console::Console;
use super::launcher::Launcher;
use super::machine::Machine;
use super::message::Message;
use super::observed::{Cause, Observed};
use super::qemu::reached_limit;
use super::supervise::supervise;
use super::vm_spec::VmSpec;
use crate::cancel::Cancel;
use crate::guest::Control;
use crate::process::{Copying, Group, Limits, LogPipe, Pumped, join};
use crate::state::append_line;

/// Capacity of the message queue; senders block when it is full.
const QUEUE: usize = 64;
/// The bytes of memory that a guest's processes may have beside its own: QEMU's translated code takes up to 1 GiB
/// (`accel/tcg/region.c`), the daemons of shares a few hundred bytes for each file.
const OVERHEAD: u64 = 2 << 30;
/// The most threads of a guest's processes that aren't CPUs: QEMU and a daemon start up to 64 workers each.
const THREADS: u32 = 512;
/// How long what was killed may take to be gone; only a kernel that is stuck takes longer.
pub const DEATH: Duration = Duration::from_secs(5);

/// The end of a virtual machine.
#[derive(Clone, Debug)]
pub struct VmEnd {
    /// Name of the hypervisor.
    pub hypervisor: &'static str,
    /// The host's observations.
    pub observed: Observed,
    /// Statistics of the output's log.
    pub output: Pumped,
    /// Failures to write or read logs, which don't change the end of the job.
    pub log_failures: Vec<String>,
}

/// Runs a virtual machine to its end. No process of it is alive when this function returns.
///
/// # Errors
/// When it can't be started or its logs can't be written.
pub fn run(
    launcher: &Launcher<'_>,
    vm: &VmSpec<'_>,
    cancel: &Cancel,
    on_control: &mut dyn FnMut(&Control),
) -> Result<VmEnd> {
    let group = Group::start_limited(limits(&vm.machine))?;
    let (sender, receiver) = sync_channel(QUEUE);
    let (log, host_log) = LogPipe::open(&vm.logs.host, vm.log_limit())?;
    let mut running = launcher.launch(vm, &group, &log, &sender)?;
    drop((sender, log));
    let over_budget = &|| over_budget(vm);
    let mut observed = supervise(vm.deadlines, &mut *running.stop, over_budget, &receiver, cancel, on_control);
    group.kill();
    running.stop.ended();
    // The streams end with the group; the bytes that they still hold count.
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
    let mut log_failures = Vec::new();
    let hypervisor = launcher.capabilities().name;
    let mut copied = |thread: Copying, log: &Path| {
        let gone = || io::Error::other("its process is killed, but isn't gone");
        join(thread, end).unwrap_or_else(|| Err(gone())).unwrap_or_else(|error| {
            log_failures.push(format!("writing {}: {error}", log.display()));
            Pumped::default()
        })
    };
    let output = copied(running.output, &vm.logs.guest);
    copied(running.console, &vm.logs.console);
    copied(host_log, &vm.logs.host);
    for ending in endings(&observed, hypervisor) {
        if let Err(error) = append_line(&vm.logs.host, &ending) {
            log_failures.push(format!("{error:#}"));
        }
    }
    match reached_limit(&vm.logs.host) {
        // What was cancelled may have reached it too, and isn't to be mended.
        Ok(true) if observed.cause != Some(Cause::Cancelled) => observed.cause = Some(Cause::OutOfFiles),
        Ok(_) => {}
        Err(error) => log_failures.push(format!("{error:#}")),
    }
    match Console::read(&vm.logs.console) {
        Ok(console) => {
            observed.panic = console.panicked();
            if !observed.ready {
                observed.error = observed.error.or(console.error().map(str::to_owned));
            }
        }
        Err(error) => log_failures.push(format!("{error:#}")),
    }
    Ok(VmEnd { hypervisor, observed, output, log_failures })
}

/// Returns the cause to end a guest that used up the disk quota.
fn over_budget(vm: &VmSpec<'_>) -> Option<Cause> {
    let is_over = vm.artifacts.is_some_and(|disk| !disk.charge());
    is_over.then(|| Cause::DiskBudget(vm.quota.total()))
}

/// Returns the resource limits of a guest's processes.
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

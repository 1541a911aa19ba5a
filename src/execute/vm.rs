//! One run of a virtual machine, from its start until all its processes are gone.

#![expect(clippy::disallowed_methods, reason = "waits and reads the clock")]

use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::console::Console;
use super::guest_message::GuestMessage;
use super::launcher::Launcher;
use super::machine_spec::MachineSpec;
use super::observed::{EndCause, Observed};
use super::qemu::reached_open_file_limit;
use super::running_guest::report_cancel;
use super::supervise::supervise;
use super::vm_spec::VmSpec;
use crate::cancel::Cancel;
use crate::guest::ControlLine;
use crate::process::{CopyThread, Group, Limits, LogPipe, LogStats, join_copy};
use crate::state::append_line;

/// Capacity of the message queue; senders block when it is full.
const QUEUE: usize = 64;
/// Memory that the processes of a guest may use besides the guest's own, in bytes: QEMU's translated code takes up to
/// 1 GiB (`accel/tcg/region.c`), the daemons of shares a few hundred bytes for each file.
const MEMORY_OVERHEAD: u64 = 2 << 30;
/// Maximum number of threads of a guest's processes besides the CPUs: QEMU and a daemon start up to 64 workers each.
const MAX_THREADS: u32 = 512;
/// Time to wait for the exit of killed processes; only a kernel that is stuck takes longer.
pub const KILL_WAIT: Duration = Duration::from_secs(5);

/// The end of a virtual machine.
#[derive(Clone, Debug)]
pub struct VmEnd {
    /// Name of the hypervisor.
    pub hypervisor: &'static str,
    /// The host's observations.
    pub observed: Observed,
    /// Statistics of the output's log.
    pub output: LogStats,
    /// Failures to write or read logs.
    pub log_failures: Vec<String>,
}

/// Runs a virtual machine to its end. No process of it is alive when this function returns.
///
/// # Errors
/// When the machine can't be started or its logs can't be written.
pub fn run(
    launcher: &Launcher<'_>,
    vm: &VmSpec<'_>,
    cancel: &Cancel,
    on_control: &mut dyn FnMut(&ControlLine),
) -> Result<VmEnd> {
    let group = Group::start_limited(limits(&vm.machine))?;
    let (sender, receiver) = sync_channel(QUEUE);
    let (log, host_log) = LogPipe::open(&vm.logs.host, vm.log_rules())?;
    let mut running = launcher.launch(vm, &group, &log, &sender)?;
    let subscription = report_cancel(cancel, sender);
    drop(log);
    let exceeded_quota = &|| exceeded_quota(vm);
    let mut observed = supervise(vm.deadlines, &mut *running.stop, exceeded_quota, &receiver, cancel, on_control);
    drop(subscription);
    group.kill();
    running.stop.on_exit();
    // The streams close with the group, and the messages that they still hold count.
    let end = Instant::now() + KILL_WAIT;
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(GuestMessage::Control(line)) => {
                on_control(&line);
                observed.control(line);
            }
            Ok(GuestMessage::Flood) => drop(observed.cause.get_or_insert(EndCause::Flood)),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                observed.cause.get_or_insert(EndCause::Unkillable);
                break;
            }
        }
    }
    let mut log_failures = Vec::new();
    let hypervisor = launcher.capabilities().name;
    let mut finish_copy = |thread: CopyThread, log: &Path| {
        let still_running = || io::Error::other("a killed process is still running");
        join_copy(thread, end).unwrap_or_else(|| Err(still_running())).unwrap_or_else(|error| {
            log_failures.push(format!("writing {}: {error}", log.display()));
            LogStats::default()
        })
    };
    let output = finish_copy(running.output, &vm.logs.guest);
    finish_copy(running.console, &vm.logs.console);
    finish_copy(host_log, &vm.logs.host);
    for line in exit_lines(&observed, hypervisor) {
        if let Err(error) = append_line(&vm.logs.host, &line) {
            log_failures.push(format!("{error:#}"));
        }
    }
    match reached_open_file_limit(&vm.logs.host) {
        // A cancelled run stays cancelled, even if it reached the limit too.
        Ok(true) if observed.cause != Some(EndCause::Cancelled) => observed.cause = Some(EndCause::OutOfFiles),
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
fn exceeded_quota(vm: &VmSpec<'_>) -> Option<EndCause> {
    let is_exceeded = vm.writable_disks.iter().any(|disk| !disk.charge());
    is_exceeded.then(|| EndCause::DiskQuota(vm.quota.total()))
}

/// Returns the resource limits of a guest's processes.
fn limits(machine: &MachineSpec<'_>) -> Limits {
    Limits { memory: (machine.memory_mib << 20) + MEMORY_OVERHEAD, processes: MAX_THREADS + machine.vcpu }
}

/// Returns lines for the host's log about the exits of its processes, which may have printed nothing themselves.
fn exit_lines(observed: &Observed, hypervisor: &str) -> Vec<String> {
    let share = match &observed.cause {
        Some(EndCause::ShareEnded(tag, exit)) => Some(format!("pikaci: the daemon of the share {tag:?} {exit}")),
        Some(EndCause::NetworkEnded(exit)) => Some(format!("pikaci: the guest's network {exit}")),
        _ => None,
    };
    let hypervisor = observed.hypervisor.as_ref().map(|exit| format!("pikaci: {hypervisor} {exit}"));
    share.into_iter().chain(hypervisor).collect()
}

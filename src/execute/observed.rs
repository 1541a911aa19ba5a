//! The host's observations of a guest, as values.

use crate::guest::{CommandEnd, ControlLine};
use crate::record::LeftOutFiles;

/// The reason for which the host ended a guest, or for which the guest's own result doesn't count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The guest wasn't ready within this many seconds.
    BootDeadline(u64),
    /// The guest didn't report the end of its command within this many seconds.
    JobDeadline(u64),
    /// The guest didn't power off within this many seconds after the command.
    CollectDeadline(u64),
    /// The daemon of a share exited before the guest: tag, and description of the exit.
    ShareEnded(String, String),
    /// The process for the guest's network exited before the guest: description of the exit.
    NetworkEnded(String),
    /// The control channel had more lines than an agent sends.
    Flood,
    /// The console shows a panic.
    Panicked,
    /// The guest reported a second time that it is ready: it restarted.
    Restarted,
    /// The run used up its disk quota of this many bytes.
    DiskQuota(u64),
    /// The daemon of a share reached its limit of open files.
    OutOfFiles,
    /// A process of the guest is still there after the kill.
    Unkillable,
    /// The run was cancelled.
    Cancelled,
}

/// All that was observed of a guest up to its end.
#[expect(clippy::struct_excessive_bools, reason = "each is observed or not, in any combination")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// True if the guest reported that it is ready.
    pub ready: bool,
    /// True if the command reached its deadline.
    pub deadline: bool,
    /// True if the guest reported that the job printed nothing for too long.
    pub stalled: bool,
    /// The first step that didn't pass, and the end of its command.
    pub failed_step: Option<(u8, CommandEnd)>,
    /// The steps that exceeded their deadlines.
    pub late_steps: Vec<u8>,
    /// Bytes of output up to the end of the last step.
    pub step_output: Option<u64>,
    /// The services that were ready.
    pub ready_services: Vec<u8>,
    /// The service that wasn't ready in time.
    pub late_service: Option<u8>,
    /// The services that ended before the job, and the ends of their commands.
    pub ended_services: Vec<(u8, CommandEnd)>,
    /// True if the kernel ended a process of the job for lack of memory.
    pub out_of_memory: bool,
    /// The end of the job as the guest reported it.
    pub exit: Option<CommandEnd>,
    /// The failure that the guest reported.
    pub error: Option<String>,
    /// The number of bytes of output that the guest reported.
    pub output: Option<u64>,
    /// The number of artifacts that the guest reported.
    pub artifacts: Option<u64>,
    /// The files that the guest reported as left out.
    pub left_out: LeftOutFiles,
    /// The caches whose generations the guest couldn't mount.
    pub dropped_caches: Vec<u8>,
    /// The caches that the job didn't change.
    pub same_caches: Vec<u8>,
    /// The caches whose disks are whole.
    pub saved_caches: Vec<u8>,
    /// True if the guest reported that nothing follows.
    pub end: bool,
    /// QMP's reason for the shutdown.
    pub shutdown: Option<String>,
    /// Description of the hypervisor's exit.
    pub hypervisor: Option<String>,
    /// The reason for which the host ended the guest, if it did.
    pub cause: Option<EndCause>,
    /// True if the console shows a kernel panic.
    pub panic: bool,
}

impl Observed {
    /// Records a control line.
    pub fn control(&mut self, line: ControlLine) {
        match line {
            ControlLine::Ready => self.ready = true,
            ControlLine::Deadline => self.deadline = true,
            ControlLine::OutOfMemory => self.out_of_memory = true,
            // The agent reports the first end; root in the guest may write others after it.
            ControlLine::Exit(end) => drop(self.exit.get_or_insert(end)),
            ControlLine::Stalled => self.stalled = true,
            ControlLine::Phase { .. } | ControlLine::Step(_) | ControlLine::ServiceLog { .. } => {}
            ControlLine::StepDeadline(step) => self.late_steps.push(step),
            ControlLine::StepEnd { step, end, output } => {
                self.step_output = Some(output);
                if end != CommandEnd::Exit(0) || self.late_steps.contains(&step) {
                    self.failed_step.get_or_insert((step, end));
                }
            }
            ControlLine::ServiceReady(service) => self.ready_services.push(service),
            ControlLine::ServiceLate(service) => drop(self.late_service.get_or_insert(service)),
            ControlLine::ServiceEnd { service, end } => self.ended_services.push((service, end)),
            ControlLine::Output(bytes) => self.output = Some(bytes),
            ControlLine::Artifacts(count) => self.artifacts = Some(count),
            ControlLine::LeftOut { reason, path } => self.left_out.add(path, reason.text()),
            ControlLine::MoreLeftOut(count) => self.left_out.add_more(count),
            ControlLine::CacheDropped(cache) => self.dropped_caches.push(cache),
            ControlLine::CacheSame(cache) => self.same_caches.push(cache),
            ControlLine::CacheSaved(cache) => self.saved_caches.push(cache),
            ControlLine::Error(text) => self.error = Some(text),
            ControlLine::End => self.end = true,
        }
    }
}

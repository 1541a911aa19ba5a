//! The host's observations of a guest.

use crate::guest::Control;
use crate::record::LeftOutFiles;

/// The reason for which the host ended a guest, or doesn't rely on its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It wasn't ready in so many seconds.
    BootDeadline(u64),
    /// Its command and what is around it took longer than so many seconds.
    JobDeadline(u64),
    /// It took longer than so many seconds to end after the command.
    CollectDeadline(u64),
    /// The daemon of a share ended first: tag, and how it ended.
    ShareEnded(String, String),
    /// The process that reached the outside for it ended first, in this way.
    NetworkEnded(String),
    /// It said more on its control channel than an agent has to say.
    Flood,
    /// Its console shows a panic.
    Panicked,
    /// It said a second time that it is ready: it started again.
    Restarted,
    /// The run wrote all of the bytes that it may.
    DiskBudget(u64),
    /// The daemon of a share reached its limit of open files.
    OutOfFiles,
    /// It was killed, and its processes are there all the same.
    Undying,
    /// The run was asked to end.
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
    /// True if the kernel ended a process of the job for lack of memory.
    pub out_of_memory: bool,
    /// The end of the command as the guest reported it: `Exit` or `Signal`.
    pub exit: Option<Control>,
    /// The failure that the guest reported.
    pub error: Option<String>,
    /// The number of bytes of output that the guest reported.
    pub output: Option<u64>,
    /// The number of artifacts that the guest reported.
    pub artifacts: Option<u64>,
    /// The files that the guest reported as left out.
    pub left_out: LeftOutFiles,
    /// True if the guest reported that nothing follows.
    pub end: bool,
    /// QMP's reason for the shutdown.
    pub shutdown: Option<String>,
    /// The end of the hypervisor, in words.
    pub hypervisor: Option<String>,
    /// The reason for which the host ended the guest, if it did.
    pub cause: Option<Cause>,
    /// True if the console shows a kernel panic.
    pub panic: bool,
}

impl Observed {
    /// Records a control line.
    pub fn control(&mut self, line: Control) {
        match line {
            Control::Ready => self.ready = true,
            Control::Phase { .. } => {}
            Control::Deadline => self.deadline = true,
            Control::OutOfMemory => self.out_of_memory = true,
            // Only the agent's own word is the first one.
            Control::Exit(_) | Control::Signal(_) => drop(self.exit.get_or_insert(line)),
            Control::Output(bytes) => self.output = Some(bytes),
            Control::Artifacts(count) => self.artifacts = Some(count),
            Control::LeftOut { reason, path } => self.left_out.add(path, reason.text()),
            Control::MoreLeftOut(count) => self.left_out.add_more(count),
            Control::Error(text) => self.error = Some(text),
            Control::End => self.end = true,
        }
    }
}

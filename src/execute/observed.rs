//! What the host observed of a guest.

use crate::guest::Control;

/// Why the host ended a guest.
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
    /// A share had no more files for it, so that it can't have seen all of them.
    OutOfFiles,
    /// It was killed, and its processes are there all the same.
    Undying,
    /// The run was asked to end.
    Cancelled,
}

/// What was seen of a guest.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing seen or not, in any combination")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether it said that it is ready.
    pub ready: bool,
    /// Whether its command reached its deadline.
    pub deadline: bool,
    /// How it said that the command ended: `Exit` or `Signal`.
    pub exit: Option<Control>,
    /// What it said that failed inside.
    pub error: Option<String>,
    /// How many bytes of output it said there are.
    pub output: Option<u64>,
    /// How many artifacts it said there are.
    pub artifacts: Option<u64>,
    /// Whether it said that this is all.
    pub end: bool,
    /// QMP's reason for the shutdown.
    pub shutdown: Option<String>,
    /// How the hypervisor ended.
    pub hypervisor: Option<String>,
    /// Why the host ended it, if it did.
    pub cause: Option<Cause>,
    /// Whether the console shows a kernel panic.
    pub panic: bool,
}

impl Observed {
    /// Takes in a control line.
    pub fn control(&mut self, line: Control) {
        match line {
            Control::Ready => self.ready = true,
            Control::Phase { .. } => {}
            Control::Deadline => self.deadline = true,
            // Only the agent's own word is the first one.
            Control::Exit(_) | Control::Signal(_) => drop(self.exit.get_or_insert(line)),
            Control::Output(bytes) => self.output = Some(bytes),
            Control::Artifacts(count) => self.artifacts = Some(count),
            Control::Error(text) => self.error = Some(text),
            Control::End => self.end = true,
        }
    }
}

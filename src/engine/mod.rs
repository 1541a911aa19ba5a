//! Walks a plan and records events: the only place where effects meet.
//!
//! ```text
//! run ─▶ Walk ─▶ NodeTask::{Prepare, Job} ─▶ JobAttempts ─▶ execute::executor::run ─▶ JobEnd
//!          └───▶ Recorder: events, then records
//! ```

mod caught;
mod exec_node;
mod job_attempts;
mod node_task;
mod recorder;
mod recover;
mod resolve_launcher;
mod retry;
mod run_context;
mod schedule;
mod terminal_events;
mod walk;

pub use exec_node::{ExecNode, exec};
pub use recorder::{Observer, Recorder};
pub use recover::{as_interrupted, recover_interrupted, replay};
pub use run_context::{Machines, RunContext, run};

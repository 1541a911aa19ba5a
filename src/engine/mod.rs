//! Walks a plan and records events: the only room that combines the effects of the others.
//!
//! ```text
//! run ─▶ Walk ─▶ NodeTask::{Prepare, Job} ─▶ JobAttempts ─▶ execute::executor::run ─▶ JobEnd
//!          └───▶ Recorder: events, then records
//! ```

mod catch_panic;
mod exec_node;
mod guest_programs;
mod input_folders;
mod job_attempts;
mod node_task;
mod recorder;
mod recover;
mod retry;
mod run;
mod run_accelerator;
mod run_context;
mod run_env;
mod schedule;
mod step_events;
mod taken_result;
mod walk;

pub use exec_node::{ExecNode, exec};
pub use guest_programs::GuestPrograms;
pub use recorder::{Observer, Recorder};
pub use recover::recover_interrupted;
pub use run::run;
pub use run_context::RunContext;

//! What happened, as values: one line each of `events.jsonl`. Records and everything printed are folds over these. Pure.
//!
//! # The format
//!
//! A line of `events.jsonl`, and of what `pikaci run --format json` prints while it runs, is an [`Event`] as an object of
//! JSON; `pikaci schema events` prints what stands in it. The first is `run_started` and says which version of the format
//! it is, the last of a run that has ended is `run_finished`.
//!
//! Within a version kinds of events and fields may be added; none goes, gets another name or another meaning. So who reads
//! passes over what it doesn't know, as it passes over the half line that a crash may have left. A log of a later version
//! has no records for an earlier pikaci, which says so and leaves the run as it is ([`crate::record::replay`]).

mod declared_job;
mod job_end;
mod kind;
mod outcome;
mod reason;
mod run_started;

pub use declared_job::DeclaredJob;
pub use job_end::{ArtifactSummary, JobEnd, JobFinished, LogExtent, LogPaths};
pub use kind::{Event, EventKind};
pub use outcome::{Open, Outcome, Status};
pub use reason::Reason;
pub use run_started::{RunInfo, RunStarted, SCHEMA_VERSION};

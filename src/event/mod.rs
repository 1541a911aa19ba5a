//! Events of a run, as values: each is a line of `events.jsonl`. Records and reports are folds over events. Pure.
//!
//! # The format
//!
//! A line of `events.jsonl`, and of the output of `pikaci run --format json`, is an [`Event`] as a JSON object, which
//! `pikaci schema events` describes. The first event is `run_started`, with the version of the format; the last event
//! of an ended run is `run_finished`.
//!
//! A version of the format may get new kinds of events and new fields. Existing ones are never removed and keep their
//! names and meanings. So a reader skips unknown kinds and fields, and the incomplete line that a crash may have left.
//! An earlier pikaci refuses a log of a later version and leaves the run unchanged ([`crate::record::replay`]).

mod cache_use;
mod declared_job;
mod job_end;
mod kind;
mod outcome;
mod reason;
mod run_started;

pub use cache_use::{CacheEnd, CacheStart, CacheUse};
pub use declared_job::DeclaredJob;
pub use job_end::{ArtifactSummary, JobEnd, JobExit, JobFinished, LogExtent, LogPaths, LogRange, TakenResult};
pub use kind::{Event, EventKind};
pub use outcome::{Open, Outcome, Status};
pub use reason::Reason;
pub use run_started::{RunSelection, RunSource, RunStarted, SCHEMA_VERSION};

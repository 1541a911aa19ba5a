//! Everything that is printed: plans, events, records and findings as text. Pure.

mod artifacts;
mod clock;
mod doctor;
mod duration;
mod empty_selection;
mod event_line;
mod exec;
#[cfg(test)]
mod fixture;
mod gc;
pub mod graph;
mod job_file;
mod job_file_schema;
mod left_out;
mod list;
mod page;
mod paint;
mod phase_activity;
mod plan;
mod schema;
mod schema_version;
mod status;
mod summary;
mod tally;
mod tree_notes;
mod unisolated;
mod warnings;

pub use artifacts::{ArtifactFile, Artifacts, JobArtifacts, artifacts};
pub use clock::Clock;
pub use doctor::{Diagnosis, doctor};
pub use empty_selection::empty_selection;
pub use event_line::event_line;
pub use exec::exec;
pub use gc::gc;
pub use job_file::{job_file, job_file_markdown};
pub use list::{Listing, list};
pub use page::Page;
pub use phase_activity::phase_activity;
pub use plan::plan;
pub use schema::{RecordFormat, schema};
pub use status::{RunStatus, status};
pub use summary::summary;
pub use tree_notes::{skipped_file, unmatched_glob};

//! Records of runs and jobs, which are folds over events, and their retention. Pure.

mod artifact_link;
mod broken_run;
mod gc_result;
mod history;
mod job_record;
mod left_out_files;
mod manifest;
mod replay;
pub mod retention;
mod run_record;
mod step_record;
mod terminal_events;

pub use artifact_link::{ArtifactLink, artifact_links};
pub use broken_run::BrokenRun;
pub use gc_result::{FailedRemoval, GcResult, RemovedItem, RemovedKind};
pub use history::History;
pub use job_record::{AttemptRecord, JobRecord, RecordedLogs};
pub use left_out_files::{LeftOutFile, LeftOutFiles};
pub use manifest::{Artifact, MANIFEST_VERSION, Manifest};
pub use replay::{NoRecords, replay};
pub use run_record::{Accelerator, CANCEL_COMMAND, JobSummary, PrepareRecord, RunRecord, SCHEMA_VERSION};
pub use step_record::{ServiceRecord, StepRecord};
pub use terminal_events::terminal_events;

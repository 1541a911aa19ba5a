//! Plans: functions from values to a [`RunPlanRecord`]. Pure.

pub mod budget;
pub mod build;
mod caller_env;
mod changes;
#[cfg(test)]
pub(crate) mod fixture;
mod guest_base;
pub mod hypervisor;
mod key_difference;
mod key_parts;
mod keyed_jobs;
mod matching_jobs;
mod plan_caches;
mod plan_error;
mod plan_input;
mod planned_cache;
mod planned_job;
pub mod record;
mod rerun;
mod result_key;
mod runner;
pub mod select;
mod selection_request;
mod take_results;
mod unmatched_globs;

pub use budget::{Budget, BudgetRequest};
pub use build::{FLAKES_FOLDER, Plan, build, planned_job, vm_executor};
pub use caller_env::{CallerEnv, JobEnv};
pub use guest_base::guest_base;
pub use hypervisor::{Capabilities, Hypervisor};
pub use key_difference::{KeyDifference, key_differences};
pub use keyed_jobs::{cache_refusal, keyed_jobs};
pub use plan_caches::{fill_caches, protect_caches};
pub use plan_error::PlanError;
pub use plan_input::PlanInput;
pub use planned_cache::PlannedCache;
pub use record::{PlanNodeRecord, RunPlanRecord};
pub use rerun::plan_rerun;
pub use result_key::{FileDigests, ResultKey};
pub use runner::guest_shares;
pub use selection_request::{FailedJobs, SelectionRequest};
pub use take_results::take_results;
pub use unmatched_globs::{UnmatchedGlob, unmatched_globs};

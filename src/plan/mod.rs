//! What will run: a function from values to a [`RunPlanRecord`]. Pure.

pub mod budget;
pub mod build;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixture;
pub mod hypervisor;
pub mod record;
pub mod rerun;
mod runner;
pub mod select;

pub use budget::{Asked, Budget};
pub use build::{Plan, PlanInput, build, in_guest, planned_job};
pub use facts::HostFacts;
pub use hypervisor::{Capabilities, Hypervisor};
pub use record::{PlanNodeRecord, RunPlanRecord};
pub use runner::{PlanError, base, shares};

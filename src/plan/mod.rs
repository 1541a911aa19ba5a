//! What will run: a function from values to a [`RunPlanRecord`]. Pure.

pub mod build;
pub mod facts;
pub mod record;
pub mod select;

pub use build::{Plan, PlanError, PlanInput, build};
pub use facts::HostFacts;
pub use record::{PlanNodeRecord, RunPlanRecord};

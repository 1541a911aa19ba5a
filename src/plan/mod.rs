//! What will run: a function from values to a [`RunPlanRecord`]. Pure.

pub mod facts;
pub mod record;

pub use facts::HostFacts;
pub use record::{PlanNodeRecord, RunPlanRecord};

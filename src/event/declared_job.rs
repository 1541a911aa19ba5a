//! A job of a run that has not begun.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{JobId, NodeId};

/// A job of a run that has not begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredJob {
    /// The job.
    pub id: JobId,
    /// Its description.
    pub description: String,
    /// Its executor.
    pub executor: String,
    /// Its node in the plan.
    pub plan_node_id: NodeId,
    /// Time limit of its command, in seconds.
    pub timeout_secs: u64,
    /// The names of its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// The names of its services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

impl DeclaredJob {
    /// Returns a job of which only the id is recorded.
    #[must_use]
    pub fn with_id(id: &JobId) -> Self {
        Self {
            id: id.clone(),
            description: String::new(),
            executor: String::new(),
            plan_node_id: NodeId::new(format!("execute:{id}")),
            timeout_secs: 0,
            steps: Vec::new(),
            services: Vec::new(),
        }
    }
}

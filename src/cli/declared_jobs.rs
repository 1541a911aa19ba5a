//! The jobs of a plan, as the first event of a run declares them.

use crate::event::DeclaredJob;
use crate::plan::RunPlanRecord;
use crate::plan::record::{PlanNodeRecord, Work};

/// Returns the jobs of a plan.
pub fn declared_jobs(plan: &RunPlanRecord) -> Vec<DeclaredJob> {
    let declared = |node: &PlanNodeRecord| {
        let Work::Execute { execute } = &node.work else { return None };
        Some(DeclaredJob {
            id: execute.job.clone(),
            description: node.description.clone(),
            executor: node.executor.clone(),
            plan_node_id: node.id.clone(),
            timeout_secs: execute.timeout_secs,
            steps: execute.steps.iter().map(|step| step.name.clone()).collect(),
            services: execute.services.iter().map(|service| service.name.clone()).collect(),
        })
    };
    plan.nodes.iter().filter_map(declared).collect()
}

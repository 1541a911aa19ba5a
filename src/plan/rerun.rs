//! Planning of a run that repeats a recorded plan or some of its jobs.

use std::collections::{BTreeMap, BTreeSet};

use super::record::{PlanNodeRecord, RunPlanRecord};
use crate::id::{JobId, NodeId};

/// Returns the part of a recorded plan that the selected jobs need. A needed job that has passed isn't repeated. Every
/// selected job runs, and no result is kept for later runs.
#[must_use]
pub fn plan_rerun(
    recorded: &RunPlanRecord,
    selected: &BTreeSet<JobId>,
    has_passed: &dyn Fn(&JobId) -> bool,
) -> RunPlanRecord {
    let nodes: BTreeMap<&NodeId, &PlanNodeRecord> = recorded.nodes.iter().map(|node| (&node.id, node)).collect();
    let is_selected = |node: &&PlanNodeRecord| node.job().is_some_and(|job| selected.contains(&job.job));
    let mut open: Vec<&PlanNodeRecord> = recorded.nodes.iter().filter(is_selected).collect();
    let mut chosen: BTreeSet<&NodeId> = BTreeSet::new();
    while let Some(node) = open.pop() {
        if chosen.insert(&node.id) {
            let needs = node.depends_on.iter().filter_map(|id| nodes.get(id).copied());
            open.extend(needs.filter(|need| need.job().is_none_or(|job| !has_passed(&job.job))));
        }
    }
    let mut plan = RunPlanRecord {
        run_id: None,
        created_at: None,
        left_out: Vec::new(),
        nodes: recorded.nodes.iter().filter(|node| chosen.contains(&node.id)).cloned().collect(),
        ..recorded.clone()
    };
    let planned: BTreeSet<JobId> = plan.jobs().map(|job| job.job.clone()).collect();
    for job in plan.jobs_mut() {
        for input in &mut job.inputs {
            // A job that isn't repeated has its artifacts in the recorded run, or in the run that this one repeated.
            let earlier = input.run.take().or_else(|| recorded.run_id.clone());
            input.run = earlier.filter(|_| !planned.contains(&input.job));
        }
        // The result key covers the host's programs of then.
        (job.cache, job.taken_from) = (false, None);
    }
    plan
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::fixture;
    use super::super::record::{PlanNodeRecord, RunPlanRecord, Work};
    use super::plan_rerun;
    use crate::id::{JobId, TargetId};

    fn node(id: &str, needs: &[&str]) -> PlanNodeRecord {
        fixture::node(id, needs, Work::Execute { execute: Box::new(fixture::job(id)) })
    }

    #[test]
    fn needed_jobs_run_again_unless_they_have_passed() {
        let recorded = RunPlanRecord {
            schema_version: 1,
            run_id: None,
            target_id: TargetId::new("all"),
            target_description: None,
            created_at: None,
            scope: String::new(),
            include: vec![".env".to_owned()],
            exclude: Vec::new(),
            preconditions: Vec::new(),
            left_out: Vec::new(),
            nodes: vec![node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &[])],
        };
        let planned = |selected: &[&str], passed: &[&str]| {
            let selected = selected.iter().map(|job| JobId::new(*job)).collect();
            let plan = plan_rerun(&recorded, &selected, &|job| passed.contains(&job.as_str()));
            plan.nodes.iter().map(|node| node.id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(planned(&["c"], &[]), "a b c");
        assert_eq!(planned(&["c"], &["a"]), "b c");
        assert_eq!(planned(&["c"], &["a", "b", "c"]), "c");
        assert_eq!(planned(&["d", "a"], &[]), "a d");
        // A policy refuses the repetition as it refuses the run.
        assert_eq!(plan_rerun(&recorded, &BTreeSet::new(), &|_| false).include, recorded.include);
    }
}

//! A recorded plan to the plan of a run that repeats it, or some of its jobs.

use std::collections::{BTreeMap, BTreeSet};

use super::hypervisor::Hypervisor;
use super::record::{Place, PlanNodeRecord, PlannedJob, Prepare, RunPlanRecord, ShareSource, Work};
use crate::id::{Digest, JobId, NodeId};

/// Returns the plan of some jobs of a recorded one, with what they need: of that, a job that has passed is taken as met.
#[must_use]
pub fn plan(recorded: &RunPlanRecord, wanted: &BTreeSet<JobId>, has_passed: &dyn Fn(&JobId) -> bool) -> RunPlanRecord {
    let nodes: BTreeMap<&NodeId, &PlanNodeRecord> = recorded.nodes.iter().map(|node| (&node.id, node)).collect();
    let is_wanted = |node: &&PlanNodeRecord| job(node).is_some_and(|job| wanted.contains(&job.job));
    let mut open: Vec<&PlanNodeRecord> = recorded.nodes.iter().filter(is_wanted).collect();
    let mut chosen: BTreeSet<&NodeId> = BTreeSet::new();
    while let Some(node) = open.pop() {
        if chosen.insert(&node.id) {
            let needs = node.depends_on.iter().filter_map(|id| nodes.get(id).copied());
            open.extend(needs.filter(|need| job(need).is_none_or(|job| !has_passed(&job.job))));
        }
    }
    RunPlanRecord {
        run_id: None,
        created_at: None,
        left_out: Vec::new(),
        nodes: recorded.nodes.iter().filter(|node| chosen.contains(&node.id)).cloned().collect(),
        ..recorded.clone()
    }
}

fn job(node: &PlanNodeRecord) -> Option<&PlannedJob> {
    match &node.work {
        Work::Execute { execute } => Some(execute),
        Work::Prepare { .. } => None,
    }
}

fn jobs(plan: &RunPlanRecord) -> impl Iterator<Item = &PlannedJob> {
    plan.nodes.iter().filter_map(job)
}

/// Returns what boots the guests of a plan, if there are any.
#[must_use]
pub fn hypervisor(plan: &RunPlanRecord) -> Option<Hypervisor> {
    jobs(plan).find_map(|job| match job.place {
        Place::VmCommand { hypervisor, .. } => Some(hypervisor),
        Place::LocalCommand { .. } => None,
    })
}

/// Returns the snapshots that a plan's jobs see.
#[must_use]
pub fn snapshots(plan: &RunPlanRecord) -> BTreeSet<&Digest> {
    jobs(plan).filter_map(snapshot).collect()
}

fn snapshot(job: &PlannedJob) -> Option<&Digest> {
    match &job.place {
        Place::LocalCommand { snapshot } => Some(snapshot),
        Place::VmCommand { shares, .. } => shares.iter().find_map(|share| match &share.source {
            ShareSource::Snapshot(digest) => Some(digest),
            _ => None,
        }),
    }
}

/// Returns the flakes that a plan builds.
#[must_use]
pub fn flakes(plan: &RunPlanRecord) -> BTreeSet<&Digest> {
    plan.nodes.iter().filter_map(flake).collect()
}

fn flake(node: &PlanNodeRecord) -> Option<&Digest> {
    match &node.work {
        Work::Prepare { prepare: Prepare::NixBuild { flake_digest, .. } } => Some(flake_digest),
        Work::Execute { .. } => None,
    }
}

/// Returns whether jobs of a plan see the host's own userland.
#[must_use]
pub fn uses_host(plan: &RunPlanRecord) -> bool {
    jobs(plan).any(|job| match &job.place {
        Place::LocalCommand { .. } => true,
        Place::VmCommand { shares, .. } => shares.iter().any(|share| share.source == ShareSource::HostUserland),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::record::{PlanNodeRecord, RunPlanRecord, Work};
    use super::plan;
    use crate::id::{JobId, TargetId};

    fn node(id: &str, needs: &[&str]) -> PlanNodeRecord {
        fixture::node(id, needs, Work::Execute { execute: Box::new(fixture::job(id)) })
    }

    #[test]
    fn what_a_job_needs_comes_along_unless_it_has_passed() {
        let recorded = RunPlanRecord {
            schema_version: 1,
            run_id: None,
            target_id: TargetId::new("all"),
            target_description: None,
            created_at: None,
            scope: String::new(),
            preconditions: Vec::new(),
            left_out: Vec::new(),
            nodes: vec![node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &[])],
        };
        let planned = |wanted: &[&str], passed: &[&str]| {
            let wanted = wanted.iter().map(|job| JobId::new(*job)).collect();
            let made = plan(&recorded, &wanted, &|job| passed.contains(&job.as_str()));
            made.nodes.iter().map(|node| node.id.as_str().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(planned(&["c"], &[]), "a b c");
        assert_eq!(planned(&["c"], &["a"]), "b c");
        assert_eq!(planned(&["c"], &["a", "b", "c"]), "c");
        assert_eq!(planned(&["d", "a"], &[]), "a d");
    }
}

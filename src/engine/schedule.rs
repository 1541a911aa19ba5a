//! Schedule of the nodes of a plan: values without effects.

use std::collections::BTreeMap;

use crate::event::Outcome;
use crate::id::NodeId;
use crate::plan::Budget;
use crate::plan::record::{PlanNodeRecord, Work};

/// Index of a node in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeIndex(usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done(Outcome),
}

/// The nodes of a plan and their states.
#[derive(Debug)]
pub struct Schedule<'a> {
    nodes: &'a [PlanNodeRecord],
    states: Vec<State>,
    needs: Vec<Vec<NodeIndex>>,
    budget: Budget,
}

impl<'a> Schedule<'a> {
    /// Returns a schedule in which every node waits. A dependency that is no node of the plan counts as passed.
    #[must_use]
    pub fn new(nodes: &'a [PlanNodeRecord], budget: Budget) -> Self {
        let indices: BTreeMap<&NodeId, NodeIndex> =
            nodes.iter().enumerate().map(|(index, node)| (&node.id, NodeIndex(index))).collect();
        let needs = |node: &PlanNodeRecord| node.depends_on.iter().filter_map(|id| indices.get(id).copied()).collect();
        let needs = nodes.iter().map(needs).collect();
        Self { nodes, states: vec![State::Waiting; nodes.len()], needs, budget }
    }

    /// Returns a node.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &'a PlanNodeRecord {
        &self.nodes[index.0]
    }

    /// Starts the first node whose needs have passed, and returns it. Returns `None` while that node exceeds the budget:
    /// a large node must not wait for ever because smaller ones overtake it.
    pub fn start_next(&mut self) -> Option<NodeIndex> {
        let has_passed = |need: &NodeIndex| matches!(self.states[need.0], State::Done(outcome) if outcome.is_success());
        let is_ready =
            |index: &NodeIndex| self.states[index.0] == State::Waiting && self.needs[index.0].iter().all(has_passed);
        let index = self.indices().find(is_ready)?;
        if !self.fits(self.node(index)) {
            return None;
        }
        self.states[index.0] = State::Running;
        Some(index)
    }

    fn indices(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.nodes.len()).map(NodeIndex)
    }

    /// Returns whether a node fits into the budget beside the running nodes; alone every node does.
    fn fits(&self, node: &PlanNodeRecord) -> bool {
        let (mut count, mut cpus, mut memory_mib) = (0, 0, 0);
        for (_, node) in self.states.iter().zip(self.nodes).filter(|(state, _)| **state == State::Running) {
            let (node_cpus, node_mib) = size(node);
            (count, cpus, memory_mib) = (count + 1, cpus + node_cpus, memory_mib + node_mib);
        }
        let (node_cpus, node_mib) = size(node);
        let Budget { nodes, cpus: all_cpus, memory_mib: all_mib, .. } = self.budget;
        count == 0 || count < nodes && cpus + node_cpus <= all_cpus && memory_mib + node_mib <= all_mib
    }

    /// Ends a node, and returns the nodes that it skips, each with the node that it needs.
    pub fn finish(&mut self, index: NodeIndex, outcome: Outcome) -> Vec<(NodeIndex, NodeIndex)> {
        self.states[index.0] = State::Done(outcome);
        let mut skipped = Vec::new();
        let mut open = if outcome.is_success() { Vec::new() } else { vec![index] };
        while let Some(failed) = open.pop() {
            for index in self.indices() {
                if self.states[index.0] == State::Waiting && self.needs[index.0].contains(&failed) {
                    self.states[index.0] = State::Done(Outcome::Skipped);
                    skipped.push((index, failed));
                    open.push(index);
                }
            }
        }
        skipped
    }

    /// Cancels every waiting node and returns them.
    pub fn cancel_waiting(&mut self) -> Vec<NodeIndex> {
        let waiting: Vec<_> = self.indices().filter(|index| self.states[index.0] == State::Waiting).collect();
        for index in &waiting {
            self.states[index.0] = State::Done(Outcome::Cancelled);
        }
        waiting
    }

    /// Returns whether every node has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.states.iter().all(|state| matches!(state, State::Done(_)))
    }
}

/// Returns the CPUs and the memory of a node in MiB. Nix decides about those of a build, which counts as one CPU.
fn size(node: &PlanNodeRecord) -> (u32, u64) {
    match &node.work {
        Work::Prepare { .. } => (1, 0),
        Work::Execute { execute } => (execute.vcpu, execute.memory_mib),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Budget, NodeIndex, Schedule};
    use crate::event::Outcome;
    use crate::id::Digest;
    use crate::plan::fixture;
    use crate::plan::record::{PlanNodeRecord, PlannedJob, Prepare, Work};

    fn node(id: &str, needs: &[&str]) -> PlanNodeRecord {
        let prepare = Prepare::NixBuild {
            installable: String::new(),
            output_name: String::new(),
            flake_digest: Digest::of(b""),
            timeout_secs: 1,
        };
        fixture::node(id, needs, Work::Prepare { prepare })
    }

    fn guest(id: &str, memory_mib: u64) -> PlanNodeRecord {
        let execute = PlannedJob { memory_mib, ..fixture::job(id) };
        fixture::node(id, &[], Work::Execute { execute: Box::new(execute) })
    }

    /// Starts a node if one is ready.
    fn start_next(schedule: &mut Schedule) -> Option<usize> {
        schedule.start_next().map(|index| index.0)
    }

    /// Starts every node that is ready.
    fn start_all(schedule: &mut Schedule) -> Vec<usize> {
        std::iter::from_fn(|| start_next(schedule)).collect()
    }

    /// Ends a node, and returns the skipped nodes, each with the node that it needs.
    fn finish(schedule: &mut Schedule, index: usize, outcome: Outcome) -> Vec<(usize, usize)> {
        schedule.finish(NodeIndex(index), outcome).into_iter().map(|(index, failed)| (index.0, failed.0)).collect()
    }

    fn budget(nodes: usize, cpus: u32, memory_mib: u64) -> Budget {
        Budget { nodes, cpus, memory_mib }
    }

    #[test]
    fn jobs_share_the_memory_and_no_smaller_job_overtakes() {
        let nodes = [guest("a", 600), guest("b", 500), guest("c", 400), guest("d", 1)];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        finish(&mut schedule, 0, Outcome::Failed);
        assert_eq!(start_all(&mut schedule), [1, 2, 3]);
    }

    #[test]
    fn jobs_share_the_cpus() {
        let mut wide = guest("b", 1);
        let Work::Execute { execute } = &mut wide.work else { unreachable!() };
        execute.vcpu = 3;
        let nodes = [guest("a", 1), wide, guest("c", 1)];
        let mut schedule = Schedule::new(&nodes, budget(9, 3, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        finish(&mut schedule, 0, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [1]);
        finish(&mut schedule, 1, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [2]);
    }

    #[test]
    fn a_job_larger_than_the_budget_runs_alone() {
        let nodes = [guest("a", 5000), guest("b", 1), node("p", &[])];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        finish(&mut schedule, 0, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [1, 2]);
    }

    #[test]
    fn a_build_counts_as_a_node_and_a_cpu_without_memory() {
        let nodes = [guest("a", 1000), node("p", &[]), node("q", &[])];
        for budget in [budget(2, 9, 1000), budget(9, 2, 1000)] {
            let mut schedule = Schedule::new(&nodes, budget);
            assert_eq!(start_all(&mut schedule), [0, 1]);
            finish(&mut schedule, 0, Outcome::Passed);
            assert_eq!(start_all(&mut schedule), [2]);
        }
    }

    proptest! {
        /// In every order of ends, every job runs, and the running jobs fit into the budget unless one is alone.
        #[test]
        fn every_job_runs_and_the_running_jobs_fit(
            sizes in prop::collection::vec(1_u64..1500, 1..12),
            ends in prop::collection::vec(any::<prop::sample::Index>(), 12),
        ) {
            let nodes: Vec<_> = sizes.iter().map(|size| guest(&size.to_string(), *size)).collect();
            let mut schedule = Schedule::new(&nodes, budget(3, 2, 1000));
            let (mut running, mut started): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
            for end in &ends {
                let more = start_all(&mut schedule);
                running.extend(&more);
                started.extend(more);
                let used: u64 = running.iter().map(|index| sizes[*index]).sum();
                prop_assert!(running.len() <= 2 && (used <= 1000 || running.len() == 1));
                if running.is_empty() {
                    break;
                }
                finish(&mut schedule, running.remove(end.index(running.len())), Outcome::Passed);
            }
            prop_assert!(schedule.is_over());
            prop_assert_eq!(started, (0..nodes.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_failure_skips_only_the_nodes_that_need_it() {
        let nodes = [node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &[])];
        let mut schedule = Schedule::new(&nodes, budget(2, 9, 0));
        assert_eq!(
            (start_next(&mut schedule), start_next(&mut schedule), start_next(&mut schedule)),
            (Some(0), Some(3), None)
        );
        assert_eq!(finish(&mut schedule, 0, Outcome::Failed), [(1, 0), (2, 1)]);
        assert!(!schedule.is_over());
        assert_eq!(finish(&mut schedule, 3, Outcome::Passed), []);
        assert!(schedule.is_over());
    }

    #[test]
    fn a_node_starts_after_the_nodes_that_it_needs() {
        let nodes = [node("a", &[]), node("b", &[]), node("c", &["a", "b"])];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 0));
        assert_eq!(
            (start_next(&mut schedule), start_next(&mut schedule), start_next(&mut schedule)),
            (Some(0), Some(1), None)
        );
        assert_eq!(finish(&mut schedule, 0, Outcome::Passed), []);
        assert_eq!(start_next(&mut schedule), None);
        assert_eq!(finish(&mut schedule, 1, Outcome::Cached), []);
        assert_eq!(start_next(&mut schedule), Some(2));
    }

    #[test]
    fn waiting_nodes_are_cancelled_and_running_ones_end() {
        let nodes = [node("a", &[]), node("b", &[])];
        let mut schedule = Schedule::new(&nodes, budget(1, 9, 0));
        assert_eq!(start_next(&mut schedule), Some(0));
        assert_eq!(schedule.cancel_waiting(), [NodeIndex(1)]);
        assert!(!schedule.is_over());
        assert_eq!(finish(&mut schedule, 0, Outcome::Cancelled), []);
        assert!(schedule.is_over());
    }
}

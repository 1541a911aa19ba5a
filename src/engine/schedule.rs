//! Schedule of the nodes of a plan: values without effects.

use std::collections::BTreeMap;

use crate::guest::When;
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
    Done { passed: bool },
}

/// The next move of a waiting node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Wait,
    Start,
    Skip(SkipCause),
}

/// Reason for which a node is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipCause {
    /// A node that it needs didn't pass.
    Failed(NodeIndex),
    /// It runs only after a failure, and the nodes that it needs passed.
    NoFailure,
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

    /// Starts the first node whose needs allow it, and returns it. Passes over the nodes of groups that have no place left.
    /// Returns `None` while that node exceeds the budget: a large node must not wait for ever because smaller ones
    /// overtake it.
    pub fn start_next(&mut self) -> Option<NodeIndex> {
        let is_ready = |index: &NodeIndex| self.decide(*index) == Decision::Start && self.has_place(*index);
        let index = self.indices().find(is_ready)?;
        if !self.fits(self.node(index)) {
            return None;
        }
        self.states[index.0] = State::Running;
        Some(index)
    }

    fn decide(&self, index: NodeIndex) -> Decision {
        if self.states[index.0] != State::Waiting {
            return Decision::Wait;
        }
        let needs = &self.needs[index.0];
        let has_failed = |need: &&NodeIndex| self.states[need.0] == State::Done { passed: false };
        let is_build = |need: &&NodeIndex| matches!(self.node(**need).work, Work::Prepare { .. });
        let when = self.node(index).job().map_or_else(When::default, |job| job.when);
        // A job can't run without its runner.
        let fatal = needs.iter().filter(has_failed).find(|need| when == When::Passed || is_build(need));
        if let Some(need) = fatal {
            return Decision::Skip(SkipCause::Failed(*need));
        }
        if !needs.iter().all(|need| matches!(self.states[need.0], State::Done { .. })) {
            return Decision::Wait;
        }
        if when.holds(self.needs_passed(index)) { Decision::Start } else { Decision::Skip(SkipCause::NoFailure) }
    }

    /// Returns whether all jobs that a node needs passed.
    pub fn needs_passed(&self, index: NodeIndex) -> bool {
        self.needs[index.0].iter().all(|need| self.states[need.0] == State::Done { passed: true })
    }

    /// Returns whether the group of a node has a place left.
    fn has_place(&self, index: NodeIndex) -> bool {
        let Some(group) = self.node(index).job().and_then(|job| job.group.as_ref()) else { return true };
        let running = self.states.iter().zip(self.nodes).filter(|(state, _)| **state == State::Running);
        let members = running.filter(|(_, node)| {
            node.job().and_then(|job| job.group.as_ref()).is_some_and(|other| other.name == group.name)
        });
        members.count() < group.limit as usize
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

    /// Ends a node, and returns the nodes that are skipped because of it, each with the cause. `passed` is true too for a
    /// failure that the job file allows.
    pub fn finish(&mut self, index: NodeIndex, passed: bool) -> Vec<(NodeIndex, SkipCause)> {
        self.states[index.0] = State::Done { passed };
        let mut skipped = Vec::new();
        let mut open = vec![index];
        while let Some(ended) = open.pop() {
            for index in self.indices().filter(|index| self.needs[index.0].contains(&ended)) {
                if let Decision::Skip(cause) = self.decide(index) {
                    self.states[index.0] = State::Done { passed: false };
                    skipped.push((index, cause));
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
            self.states[index.0] = State::Done { passed: false };
        }
        waiting
    }

    /// Returns whether every node has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.states.iter().all(|state| matches!(state, State::Done { .. }))
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

    use super::{Budget, NodeIndex, Schedule, SkipCause};
    use crate::guest::When;
    use crate::id::Digest;
    use crate::plan::fixture;
    use crate::plan::record::{PlanNodeRecord, PlannedGroup, PlannedJob, Prepare, Work};

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

    /// Ends a node, and returns the skipped nodes, each with the failed node that it needs.
    fn finish(schedule: &mut Schedule, index: usize, passed: bool) -> Vec<(usize, Option<usize>)> {
        let failed = |cause| match cause {
            SkipCause::Failed(need) => Some(need.0),
            SkipCause::NoFailure => None,
        };
        schedule.finish(NodeIndex(index), passed).into_iter().map(|(index, cause)| (index.0, failed(cause))).collect()
    }

    /// Returns a job that runs on a condition, after other nodes.
    fn conditional(id: &str, needs: &[&str], when: When) -> PlanNodeRecord {
        fixture::node(id, needs, Work::Execute { execute: Box::new(PlannedJob { when, ..fixture::job(id) }) })
    }

    #[test]
    fn a_condition_decides_after_the_end_of_all_needs() {
        let nodes = [
            conditional("a", &[], When::Passed),
            conditional("b", &["a"], When::Passed),
            conditional("always", &["b"], When::Always),
            conditional("failed", &["a", "b"], When::Failed),
        ];
        for (passed, skipped, started) in [(true, vec![(3, None)], vec![2]), (false, vec![(1, Some(0))], vec![2, 3])] {
            let mut schedule = Schedule::new(&nodes, budget(9, 9, 9));
            assert_eq!(start_all(&mut schedule), [0]);
            let mut all = finish(&mut schedule, 0, passed);
            if passed {
                assert_eq!(start_all(&mut schedule), [1]);
                all.extend(finish(&mut schedule, 1, true));
            }
            assert_eq!((all, start_all(&mut schedule)), (skipped, started));
        }
    }

    #[test]
    fn no_condition_starts_a_job_without_its_runner() {
        let nodes = [node("p", &[]), conditional("a", &["p"], When::Always)];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 9));
        assert_eq!(start_all(&mut schedule), [0]);
        assert_eq!(finish(&mut schedule, 0, false), [(1, Some(0))]);
    }

    #[test]
    fn jobs_of_a_group_wait_for_a_place_and_others_overtake() {
        let member = |id: &str| {
            let group = Some(PlannedGroup { name: "db".to_owned(), limit: 1 });
            fixture::node(id, &[], Work::Execute { execute: Box::new(PlannedJob { group, ..fixture::job(id) }) })
        };
        let nodes = [member("a"), member("b"), guest("c", 1)];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 9));
        assert_eq!(start_all(&mut schedule), [0, 2]);
        finish(&mut schedule, 0, false);
        assert_eq!(start_all(&mut schedule), [1]);
    }

    fn budget(nodes: usize, cpus: u32, memory_mib: u64) -> Budget {
        Budget { nodes, cpus, memory_mib }
    }

    #[test]
    fn jobs_share_the_memory_and_no_smaller_job_overtakes() {
        let nodes = [guest("a", 600), guest("b", 500), guest("c", 400), guest("d", 1)];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        finish(&mut schedule, 0, false);
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
        finish(&mut schedule, 0, true);
        assert_eq!(start_all(&mut schedule), [1]);
        finish(&mut schedule, 1, true);
        assert_eq!(start_all(&mut schedule), [2]);
    }

    #[test]
    fn a_job_larger_than_the_budget_runs_alone() {
        let nodes = [guest("a", 5000), guest("b", 1), node("p", &[])];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        finish(&mut schedule, 0, true);
        assert_eq!(start_all(&mut schedule), [1, 2]);
    }

    #[test]
    fn a_build_counts_as_a_node_and_a_cpu_without_memory() {
        let nodes = [guest("a", 1000), node("p", &[]), node("q", &[])];
        for budget in [budget(2, 9, 1000), budget(9, 2, 1000)] {
            let mut schedule = Schedule::new(&nodes, budget);
            assert_eq!(start_all(&mut schedule), [0, 1]);
            finish(&mut schedule, 0, true);
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
                finish(&mut schedule, running.remove(end.index(running.len())), true);
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
        assert_eq!(finish(&mut schedule, 0, false), [(1, Some(0)), (2, Some(1))]);
        assert!(!schedule.is_over());
        assert_eq!(finish(&mut schedule, 3, true), []);
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
        assert_eq!(finish(&mut schedule, 0, true), []);
        assert_eq!(start_next(&mut schedule), None);
        assert_eq!(finish(&mut schedule, 1, true), []);
        assert_eq!(start_next(&mut schedule), Some(2));
    }

    #[test]
    fn waiting_nodes_are_cancelled_and_running_ones_end() {
        let nodes = [node("a", &[]), node("b", &[])];
        let mut schedule = Schedule::new(&nodes, budget(1, 9, 0));
        assert_eq!(start_next(&mut schedule), Some(0));
        assert_eq!(schedule.cancel_waiting(), [NodeIndex(1)]);
        assert!(!schedule.is_over());
        assert_eq!(finish(&mut schedule, 0, false), []);
        assert!(schedule.is_over());
    }
}

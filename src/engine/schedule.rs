//! Which node may start next: bookkeeping without effects.

use std::collections::BTreeMap;

use crate::id::NodeId;
use crate::plan::Budget;
use crate::plan::record::{PlanNodeRecord, Work};
use crate::record::Outcome;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    Done(Outcome),
}

/// The nodes of a plan and where they stand.
#[derive(Debug)]
pub struct Schedule<'a> {
    nodes: &'a [PlanNodeRecord],
    states: Vec<State>,
    needs: Vec<Vec<usize>>,
    budget: Budget,
}

impl<'a> Schedule<'a> {
    /// Begins with every node waiting; a dependency that the plan doesn't hold is taken as met.
    #[must_use]
    pub fn new(nodes: &'a [PlanNodeRecord], budget: Budget) -> Self {
        let places: BTreeMap<&NodeId, usize> =
            nodes.iter().enumerate().map(|(place, node)| (&node.id, place)).collect();
        let needs = |node: &PlanNodeRecord| node.depends_on.iter().filter_map(|id| places.get(id).copied()).collect();
        let needs = nodes.iter().map(needs).collect();
        Self { nodes, states: vec![State::Waiting; nodes.len()], needs, budget }
    }

    /// Returns the node that may start now and counts it as running: of those whose needs are met the first, and none
    /// while that one doesn't fit, so that what needs much isn't overtaken for ever by what needs little.
    pub fn start_next(&mut self) -> Option<usize> {
        let is_ready = |place: &usize| {
            let met = |need: &usize| matches!(self.states[*need], State::Done(outcome) if outcome.is_success());
            self.states[*place] == State::Waiting && self.needs[*place].iter().all(met)
        };
        let place = (0..self.nodes.len()).find(is_ready)?;
        if !self.fits(&self.nodes[place]) {
            return None;
        }
        self.states[place] = State::Running;
        Some(place)
    }

    /// Returns whether there is room for a node; alone there always is.
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

    /// Takes the end of a node, and returns the nodes that can't run any more, each with the node it needs.
    pub fn finish(&mut self, place: usize, outcome: Outcome) -> Vec<(usize, usize)> {
        self.states[place] = State::Done(outcome);
        let mut skipped = Vec::new();
        let mut open = if outcome.is_success() { Vec::new() } else { vec![place] };
        while let Some(failed) = open.pop() {
            for place in 0..self.nodes.len() {
                if self.states[place] == State::Waiting && self.needs[place].contains(&failed) {
                    self.states[place] = State::Done(Outcome::Skipped);
                    skipped.push((place, failed));
                    open.push(place);
                }
            }
        }
        skipped
    }

    /// Ends every waiting node and returns them.
    pub fn cancel_waiting(&mut self) -> Vec<usize> {
        let waiting: Vec<usize> = (0..self.nodes.len()).filter(|place| self.states[*place] == State::Waiting).collect();
        for place in &waiting {
            self.states[*place] = State::Done(Outcome::Cancelled);
        }
        waiting
    }

    /// Returns whether nothing waits or runs.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.states.iter().all(|state| matches!(state, State::Done(_)))
    }
}

/// Returns the CPUs and the memory that a node takes; what a build takes is Nix's to say, so it counts as a CPU.
fn size(node: &PlanNodeRecord) -> (u32, u64) {
    match &node.work {
        Work::Prepare { .. } => (1, 0),
        Work::Execute { execute } => (execute.vcpu, execute.memory_mib),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Budget, Schedule};
    use crate::id::Digest;
    use crate::plan::fixture;
    use crate::plan::record::{PlanNodeRecord, PlannedJob, Prepare, Work};
    use crate::record::Outcome;

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

    /// Starts all that may start now.
    fn start_all(schedule: &mut Schedule) -> Vec<usize> {
        std::iter::from_fn(|| schedule.start_next()).collect()
    }

    fn budget(nodes: usize, cpus: u32, memory_mib: u64) -> Budget {
        Budget { nodes, cpus, memory_mib }
    }

    #[test]
    fn jobs_share_the_memory_and_none_is_overtaken_by_one_that_needs_less() {
        let nodes = [guest("a", 600), guest("b", 500), guest("c", 400), guest("d", 1)];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        schedule.finish(0, Outcome::Failed);
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
        schedule.finish(0, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [1]);
        schedule.finish(1, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [2]);
    }

    #[test]
    fn a_job_larger_than_what_jobs_share_runs_alone() {
        let nodes = [guest("a", 5000), guest("b", 1), node("p", &[])];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 1000));
        assert_eq!(start_all(&mut schedule), [0]);
        schedule.finish(0, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [1, 2]);
    }

    #[test]
    fn building_takes_no_memory_of_jobs_but_a_place_and_a_cpu() {
        let nodes = [guest("a", 1000), node("p", &[]), node("q", &[])];
        for budget in [budget(2, 9, 1000), budget(9, 2, 1000)] {
            let mut schedule = Schedule::new(&nodes, budget);
            assert_eq!(start_all(&mut schedule), [0, 1]);
            schedule.finish(0, Outcome::Passed);
            assert_eq!(start_all(&mut schedule), [2]);
        }
    }

    proptest! {
        /// Whatever ends in whatever order, every job runs, and at no time more than fits, but for one that is alone.
        #[test]
        fn every_job_runs_and_what_runs_fits(
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
                let used: u64 = running.iter().map(|place| sizes[*place]).sum();
                prop_assert!(running.len() <= 2 && (used <= 1000 || running.len() == 1));
                if running.is_empty() {
                    break;
                }
                schedule.finish(running.remove(end.index(running.len())), Outcome::Passed);
            }
            prop_assert!(schedule.is_over());
            prop_assert_eq!(started, (0..nodes.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_failure_skips_all_that_need_it_and_nothing_else() {
        let nodes = [node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &[])];
        let mut schedule = Schedule::new(&nodes, budget(2, 9, 0));
        assert_eq!((schedule.start_next(), schedule.start_next(), schedule.start_next()), (Some(0), Some(3), None));
        assert_eq!(schedule.finish(0, Outcome::Failed), [(1, 0), (2, 1)]);
        assert!(!schedule.is_over());
        assert_eq!(schedule.finish(3, Outcome::Passed), []);
        assert!(schedule.is_over());
    }

    #[test]
    fn a_node_starts_only_after_all_it_needs() {
        let nodes = [node("a", &[]), node("b", &[]), node("c", &["a", "b"])];
        let mut schedule = Schedule::new(&nodes, budget(9, 9, 0));
        assert_eq!((schedule.start_next(), schedule.start_next(), schedule.start_next()), (Some(0), Some(1), None));
        assert_eq!(schedule.finish(0, Outcome::Passed), []);
        assert_eq!(schedule.start_next(), None);
        assert_eq!(schedule.finish(1, Outcome::Cached), []);
        assert_eq!(schedule.start_next(), Some(2));
    }

    #[test]
    fn what_waits_is_cancelled_and_what_runs_is_waited_for() {
        let nodes = [node("a", &[]), node("b", &[])];
        let mut schedule = Schedule::new(&nodes, budget(1, 9, 0));
        assert_eq!(schedule.start_next(), Some(0));
        assert_eq!(schedule.cancel_waiting(), [1]);
        assert!(!schedule.is_over());
        assert_eq!(schedule.finish(0, Outcome::Cancelled), []);
        assert!(schedule.is_over());
    }
}

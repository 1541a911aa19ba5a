//! Which node may start next: bookkeeping without effects.

use std::collections::BTreeMap;

use crate::id::NodeId;
use crate::plan::facts::HOST_MEMORY_MIB;
use crate::plan::record::{PlanNodeRecord, Work};
use crate::record::Outcome;

/// How much may run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nodes.
    pub nodes: usize,
    /// Memory of guests, in MiB; a guest that needs more than all of it runs alone.
    pub memory_mib: u64,
}

impl Budget {
    /// Returns the budget of a host: as many nodes as were asked for, or one per CPU; never more memory than it has.
    #[must_use]
    pub fn of(nodes: Option<u16>, cpus: u32, memory_mib: u64) -> Self {
        let nodes = nodes.map_or(cpus as usize, usize::from);
        Self { nodes, memory_mib: memory_mib.saturating_sub(HOST_MEMORY_MIB) }
    }
}

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

    /// Returns the first node that may start now and counts it as running.
    pub fn start_next(&mut self) -> Option<usize> {
        let running = || self.states.iter().zip(self.nodes).filter(|(state, _)| **state == State::Running);
        let used: u64 = running().map(|(_, node)| memory(node)).sum();
        let count = running().count();
        let fits = |node: &PlanNodeRecord| count == 0 || used + memory(node) <= self.budget.memory_mib;
        let ready = |place: &usize| {
            let met = |need: &usize| matches!(self.states[*need], State::Done(outcome) if outcome.is_success());
            self.states[*place] == State::Waiting && self.needs[*place].iter().all(met) && fits(&self.nodes[*place])
        };
        if count >= self.budget.nodes.max(1) {
            return None;
        }
        let place = (0..self.nodes.len()).find(ready)?;
        self.states[place] = State::Running;
        Some(place)
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

fn memory(node: &PlanNodeRecord) -> u64 {
    match &node.work {
        Work::Prepare { .. } => 0,
        Work::Execute { execute } => execute.memory_mib,
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, Schedule};
    use crate::id::{Digest, JobId, NodeId};
    use crate::plan::record::{Deadlines, PlanNodeRecord, PlannedJob, Prepare, Work};
    use crate::record::Outcome;

    fn node(id: &str, needs: &[&str]) -> PlanNodeRecord {
        let digest = Digest::of(b"");
        let prepare =
            Prepare::NixBuild { installable: String::new(), output_name: String::new(), flake_digest: digest };
        PlanNodeRecord {
            id: NodeId::new(id),
            description: String::new(),
            executor: String::new(),
            depends_on: needs.iter().map(|need| NodeId::new(*need)).collect(),
            work: Work::Prepare { prepare },
        }
    }

    fn guest(id: &str, memory_mib: u64) -> PlanNodeRecord {
        let execute = PlannedJob {
            job: JobId::new(id),
            hypervisor: crate::plan::Hypervisor::Qemu,
            flake_digest: Digest::of(b""),
            command: Vec::new(),
            run_as_root: false,
            timeout_secs: 1,
            writable_workspace: true,
            env: std::collections::BTreeMap::new(),
            workdir: String::new(),
            artifacts: Vec::new(),
            deadlines: Deadlines { boot_secs: 1, job_secs: 1, collect_secs: 1 },
            vcpu: 1,
            memory_mib,
            network: false,
            shares: Vec::new(),
        };
        PlanNodeRecord { work: Work::Execute { execute: Box::new(execute) }, ..node(id, &[]) }
    }

    /// Starts all that may start now.
    fn start_all(schedule: &mut Schedule) -> Vec<usize> {
        std::iter::from_fn(|| schedule.start_next()).collect()
    }

    #[test]
    fn guests_share_the_memory_and_a_smaller_one_overtakes() {
        let nodes = [guest("a", 600), guest("b", 500), guest("c", 400), guest("d", 1)];
        let mut schedule = Schedule::new(&nodes, Budget { nodes: 9, memory_mib: 1000 });
        assert_eq!(start_all(&mut schedule), [0, 2]);
        schedule.finish(2, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [3]);
        schedule.finish(0, Outcome::Failed);
        assert_eq!(start_all(&mut schedule), [1]);
    }

    #[test]
    fn a_guest_larger_than_all_memory_runs_alone() {
        let nodes = [guest("a", 5000), guest("b", 1), node("p", &[])];
        let mut schedule = Schedule::new(&nodes, Budget { nodes: 9, memory_mib: 1000 });
        assert_eq!(start_all(&mut schedule), [0]);
        schedule.finish(0, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [1, 2]);
    }

    #[test]
    fn building_takes_no_memory_of_guests_but_a_place() {
        let nodes = [guest("a", 1000), node("p", &[]), node("q", &[])];
        let mut schedule = Schedule::new(&nodes, Budget { nodes: 2, memory_mib: 1000 });
        assert_eq!(start_all(&mut schedule), [0, 1]);
        schedule.finish(0, Outcome::Passed);
        assert_eq!(start_all(&mut schedule), [2]);
    }

    #[test]
    fn the_budget_is_what_was_asked_for_or_what_the_host_has() {
        assert_eq!(Budget::of(None, 8, 16_384), Budget { nodes: 8, memory_mib: 15_360 });
        assert_eq!(Budget::of(Some(20), 8, 1025), Budget { nodes: 20, memory_mib: 1 });
        // Too little memory or none that is known: one guest at a time.
        let nodes = [guest("a", 512), guest("b", 512)];
        for memory_mib in [0, 1000] {
            let budget = Budget::of(None, 8, memory_mib);
            assert_eq!(budget.memory_mib, 0);
            assert_eq!(start_all(&mut Schedule::new(&nodes, budget)), [0]);
        }
    }

    #[test]
    fn a_failure_skips_all_that_need_it_and_nothing_else() {
        let nodes = [node("a", &[]), node("b", &["a"]), node("c", &["b"]), node("d", &[])];
        let mut schedule = Schedule::new(&nodes, Budget { nodes: 2, memory_mib: 0 });
        assert_eq!((schedule.start_next(), schedule.start_next(), schedule.start_next()), (Some(0), Some(3), None));
        assert_eq!(schedule.finish(0, Outcome::Failed), [(1, 0), (2, 1)]);
        assert!(!schedule.is_over());
        assert_eq!(schedule.finish(3, Outcome::Passed), []);
        assert!(schedule.is_over());
    }

    #[test]
    fn a_node_starts_only_after_all_it_needs() {
        let nodes = [node("a", &[]), node("b", &[]), node("c", &["a", "b"])];
        let mut schedule = Schedule::new(&nodes, Budget { nodes: 9, memory_mib: 0 });
        assert_eq!((schedule.start_next(), schedule.start_next(), schedule.start_next()), (Some(0), Some(1), None));
        assert_eq!(schedule.finish(0, Outcome::Passed), []);
        assert_eq!(schedule.start_next(), None);
        assert_eq!(schedule.finish(1, Outcome::Cached), []);
        assert_eq!(schedule.start_next(), Some(2));
    }

    #[test]
    fn what_waits_is_cancelled_and_what_runs_is_waited_for() {
        let nodes = [node("a", &[]), node("b", &[])];
        let mut schedule = Schedule::new(&nodes, Budget { nodes: 1, memory_mib: 0 });
        assert_eq!(schedule.start_next(), Some(0));
        assert_eq!(schedule.cancel_waiting(), [1]);
        assert!(!schedule.is_over());
        assert_eq!(schedule.finish(0, Outcome::Cancelled), []);
        assert!(schedule.is_over());
    }
}

//! Schedule of the nodes of a plan: values without effects.

use std::collections::BTreeMap;

use crate::guest::When;
use crate::id::{JobId, NodeId};
use crate::plan::Budget;
use crate::plan::record::{PlanNodeRecord, PlannedJob, Work};

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
    /// For each node, the nodes for whose ends it waits, whatever they are.
    waits: Vec<Vec<NodeIndex>>,
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
        let of_jobs =
            nodes.iter().zip((0..).map(NodeIndex)).filter_map(|(node, index)| Some((&node.job()?.job, index)));
        let jobs: BTreeMap<&JobId, NodeIndex> = of_jobs.collect();
        let filled_by =
            |job: &'a PlannedJob| job.caches.iter().filter_map(|cache| jobs.get(cache.filled_by.as_ref()?).copied());
        let waits = nodes.iter().map(|node| node.job().into_iter().flat_map(filled_by).collect()).collect();
        Self { nodes, states: vec![State::Waiting; nodes.len()], needs, waits, budget }
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
        if !needs.iter().chain(&self.waits[index.0]).all(|need| matches!(self.states[need.0], State::Done { .. })) {
            return Decision::Wait;
        }
        if when.holds(self.needs_passed(index)) { Decision::Start } else { Decision::Skip(SkipCause::NoFailure) }
    }

    /// Returns whether all jobs that a node needs passed.
    pub fn needs_passed(&self, index: NodeIndex) -> bool {
        self.needs[index.0].iter().all(|need| self.states[need.0] == State::Done { passed: true })
    }

    /// Returns whether a job that runs depends on a node.
    pub fn is_needed(&self, index: NodeIndex) -> bool {
        let runs = |node: &PlanNodeRecord| node.job().is_none_or(|job| job.taken_from.is_none());
        self.needs.iter().zip(self.nodes).any(|(needs, node)| needs.contains(&index) && runs(node))
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
mod tests;

//! How much of the machine jobs may have at a time.

use super::facts::{HOST_MEMORY_MIB, HostFacts};

/// How much may run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Nodes.
    pub nodes: usize,
    /// CPUs of jobs; a build counts as one.
    pub cpus: u32,
    /// Memory of jobs, of one as of all, in MiB.
    pub memory_mib: u64,
}

/// What was asked for in place of what the machine has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Nodes.
    pub nodes: Option<u16>,
    /// CPUs.
    pub cpus: Option<u32>,
    /// Memory, in MiB.
    pub memory_mib: Option<u64>,
}

impl Budget {
    /// Returns what was asked for, or what the host has: all of its CPUs, and its memory less what is left to the host.
    #[must_use]
    pub fn of(asked: Asked, facts: &HostFacts) -> Self {
        // Where nothing tells the memory, nothing is known to be too much.
        let has = if facts.memory_mib == 0 { u64::MAX } else { facts.memory_mib };
        Self {
            nodes: asked.nodes.map_or(usize::MAX, usize::from),
            cpus: asked.cpus.unwrap_or(facts.cpus),
            memory_mib: asked.memory_mib.unwrap_or_else(|| memory_for_jobs(has)),
        }
    }
}

/// Returns the part of a machine's memory that jobs may have, in MiB: the host keeps its own, but never more than half.
#[must_use]
pub fn memory_for_jobs(has_mib: u64) -> u64 {
    has_mib.saturating_sub(HOST_MEMORY_MIB).max(has_mib / 2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Asked, Budget, HOST_MEMORY_MIB};
    use crate::plan::facts::{HostFacts, MissingFact};

    fn facts(cpus: u32, memory_mib: u64) -> HostFacts {
        HostFacts {
            system: "x86_64-linux".to_owned(),
            cpus,
            memory_mib,
            os_release: None,
            tools: BTreeMap::new(),
            kernels: BTreeMap::new(),
            busybox: Err(MissingFact { reason: String::new(), hint: String::new() }),
        }
    }

    #[test]
    fn the_budget_is_what_was_asked_for_or_what_the_host_has() {
        let budget = |nodes, cpus, memory_mib| Budget { nodes, cpus, memory_mib };
        let usual = Asked::default();
        assert_eq!(Budget::of(usual, &facts(8, 16_384)), budget(usize::MAX, 8, 15_360));
        assert_eq!(Budget::of(usual, &facts(1, 1000)), budget(usize::MAX, 1, 500));
        assert_eq!(Budget::of(usual, &facts(1, 0)).memory_mib, u64::MAX - HOST_MEMORY_MIB);
        let asked = Asked { nodes: Some(20), cpus: Some(3), memory_mib: Some(5) };
        assert_eq!(Budget::of(asked, &facts(8, 16_384)), budget(20, 3, 5));
    }
}

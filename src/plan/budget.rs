//! The budget of a run: the share of the host that nodes may use at the same time.

use crate::facts::HostFacts;

/// Memory that is left to the host if it has much, in MiB.
const HOST_MEMORY_MIB: u64 = 1024;

/// Limits of the nodes that run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Number of nodes.
    pub nodes: usize,
    /// CPUs of all jobs; a build counts as one CPU.
    pub cpus: u32,
    /// Memory of all jobs, and the maximum of one job, in MiB.
    pub memory_mib: u64,
}

/// Limits that the operator chose. Where a limit is absent, the host decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetRequest {
    /// Number of nodes.
    pub nodes: Option<u16>,
    /// CPUs of all jobs.
    pub cpus: Option<u32>,
    /// Memory of all jobs, in MiB.
    pub memory_mib: Option<u64>,
}

impl Budget {
    /// Returns the requested limits, and for each absent limit the one of the host: all CPUs, and the memory for jobs.
    #[must_use]
    pub fn new(request: BudgetRequest, facts: &HostFacts) -> Self {
        // If the memory of the host is unknown, no guest is too large.
        let host_mib = if facts.memory_mib == 0 { u64::MAX } else { facts.memory_mib };
        Self {
            nodes: request.nodes.map_or(usize::MAX, usize::from),
            cpus: request.cpus.unwrap_or(facts.cpus),
            memory_mib: request.memory_mib.unwrap_or_else(|| memory_for_jobs(host_mib)),
        }
    }
}

/// Returns the memory that jobs may use on a host with `host_mib` MiB: all but 1 GiB, and at least half.
#[must_use]
pub fn memory_for_jobs(host_mib: u64) -> u64 {
    host_mib.saturating_sub(HOST_MEMORY_MIB).max(host_mib / 2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Budget, BudgetRequest, HOST_MEMORY_MIB};
    use crate::facts::{HostFacts, MissingFact};

    fn facts(cpus: u32, memory_mib: u64) -> HostFacts {
        HostFacts {
            system: "x86_64-linux".to_owned(),
            cpus,
            memory_mib,
            os_release: None,
            tools: BTreeMap::new(),
            kernels: BTreeMap::new(),
            busybox: Err(MissingFact { reason: String::new(), hint: String::new() }),
            userland: None,
        }
    }

    #[test]
    fn requested_limits_replace_those_of_the_host() {
        let budget = |nodes, cpus, memory_mib| Budget { nodes, cpus, memory_mib };
        let default = BudgetRequest::default();
        assert_eq!(Budget::new(default, &facts(8, 16_384)), budget(usize::MAX, 8, 15_360));
        assert_eq!(Budget::new(default, &facts(1, 1000)), budget(usize::MAX, 1, 500));
        assert_eq!(Budget::new(default, &facts(1, 0)).memory_mib, u64::MAX - HOST_MEMORY_MIB);
        let request = BudgetRequest { nodes: Some(20), cpus: Some(3), memory_mib: Some(5) };
        assert_eq!(Budget::new(request, &facts(8, 16_384)), budget(20, 3, 5));
    }
}

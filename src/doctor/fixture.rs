//! Facts for the tests of checks.

use crate::facts::{HostFacts, MissingFact};

/// Returns the facts of a machine of a system, without any tool or kernel.
pub(super) fn facts(system: &str) -> HostFacts {
    HostFacts {
        system: system.to_owned(),
        cpus: 2,
        memory_mib: 4096,
        os_release: None,
        tools: std::collections::BTreeMap::new(),
        kernels: std::collections::BTreeMap::new(),
        busybox: Err(MissingFact { reason: "none".to_owned(), hint: "install one".to_owned() }),
        userland: None,
    }
}

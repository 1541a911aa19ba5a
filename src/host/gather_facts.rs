//! Gathers the facts about a host.
#![expect(clippy::disallowed_methods, reason = "reads os-release and the number of CPUs")]

use std::path::PathBuf;

use super::busybox::busybox;
use super::facts_request::FactsRequest;
use super::hash_cache::HashCache;
use super::kernel::resolve_kernel;
use super::tools::tools;
use super::userland_digest::userland_digest;
use super::{memory, os_release};
use crate::facts::{HostFacts, MissingFact};

/// Returns the facts about the host. Memory that can't be read counts as 0.
#[must_use]
pub fn gather_facts(request: &FactsRequest, cache: &HashCache) -> HostFacts {
    let read = |file: &str| std::fs::read_to_string(request.root.join(file)).ok();
    let os = read("etc/os-release").or_else(|| read("usr/lib/os-release")).and_then(|text| os_release::parse(&text));
    let (arch, kind) = request.system.split_once('-').unwrap_or((&request.system, ""));
    let kernel = |path: &Option<PathBuf>| match kind {
        "linux" => resolve_kernel(path.as_deref(), request, os.as_ref(), cache),
        _ => Err(MissingFact {
            reason: format!("a guest of base `host` boots the host's Linux kernel, but the host is {}", request.system),
            hint: "give the guest another `base`".to_owned(),
        }),
    };
    HostFacts {
        cpus: std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX)),
        memory_mib: memory::total_memory_mib(request).unwrap_or(0),
        tools: tools(request, arch),
        kernels: request.kernels.iter().map(|path| (path.clone(), kernel(path))).collect(),
        busybox: busybox(request, arch, os.as_ref(), cache),
        os_release: os,
        userland: request.userland.then(|| userland_digest(&request.root)),
        system: request.system.clone(),
    }
}

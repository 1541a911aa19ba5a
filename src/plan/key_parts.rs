//! The parts of a result key: everything that the result of a job depends on.

use std::collections::BTreeMap;

use super::planned_job::{JobExecutor, PlannedJob, ShareSource};
use super::result_key::ResultKey;
use crate::id::{Digest, JobId};

/// Version of the rules by which result keys are made. Another version takes no result of this one.
const KEY_VERSION: u32 = 1;
/// The part with the digest of the files.
pub const FILES: &str = "files";
/// Beginning of the names of the parts with the result keys of needed jobs.
pub const NEED: &str = "job ";

/// Returns the result key of a job. `needs` are the result keys of the jobs that it needs.
#[must_use]
pub fn result_key(
    job: &PlannedJob,
    paths: &[String],
    files: &Digest,
    userland: Option<&Digest>,
    needs: BTreeMap<JobId, Digest>,
) -> ResultKey {
    let userland = userland.filter(|_| sees_userland(job)).cloned();
    let (paths, files, digest) = (paths.to_vec(), files.clone(), Digest::of(b""));
    let key = ResultKey { digest, paths, files, userland, needs };
    let parts = serde_json::to_vec(&key_parts(job, &key)).expect("texts are JSON");
    ResultKey { digest: Digest::of(&parts), ..key }
}

/// Returns the parts of the result key of a job: their values, by their names for people.
#[must_use]
pub fn key_parts(job: &PlannedJob, key: &ResultKey) -> BTreeMap<String, String> {
    let text = |value: serde_json::Result<String>| value.expect("the parts of a plan are JSON");
    let mut parts = BTreeMap::from([
        ("version of result keys".to_owned(), KEY_VERSION.to_string()),
        ("name".to_owned(), job.job.to_string()),
        ("command".to_owned(), text(serde_json::to_string(&job.command))),
        ("order of steps".to_owned(), job.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join("\n")),
        (
            "order of services".to_owned(),
            job.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>().join("\n"),
        ),
        ("runAsRoot".to_owned(), job.run_as_root.to_string()),
        ("workdir".to_owned(), job.workdir.clone()),
        ("artifacts".to_owned(), text(serde_json::to_string(&job.artifacts))),
        ("network".to_owned(), text(serde_json::to_string(&job.network))),
        ("size of the guest".to_owned(), guest_size(job)),
        ("when".to_owned(), text(serde_json::to_string(&job.when))),
        ("paths".to_owned(), text(serde_json::to_string(&key.paths))),
        (FILES.to_owned(), key.files.to_string()),
    ]);
    for step in &job.steps {
        parts.insert(format!("step {}", step.name), text(serde_json::to_string(step)));
    }
    for service in &job.services {
        parts.insert(format!("service {}", service.name), text(serde_json::to_string(service)));
    }
    for (name, value) in &job.env {
        parts.insert(format!("variable {name}"), value.clone());
    }
    match &job.executor {
        JobExecutor::LocalCommand { .. } => drop(parts.insert("guest".to_owned(), "none".to_owned())),
        JobExecutor::VmCommand { hypervisor, flake_digest, shares, .. } => {
            parts.insert("guest".to_owned(), flake_digest.to_string());
            parts.insert("hypervisor".to_owned(), text(serde_json::to_string(hypervisor)));
            let shares = shares.iter().filter(|share| !matches!(share.source, ShareSource::Snapshot(_)));
            parts.insert("shares".to_owned(), text(serde_json::to_string(&shares.collect::<Vec<_>>())));
        }
    }
    if let Some(userland) = &key.userland {
        parts.insert("programs of this machine".to_owned(), userland.to_string());
    }
    for (need, digest) in &key.needs {
        parts.insert(format!("{NEED}{need}"), digest.to_string());
    }
    parts
}

fn guest_size(job: &PlannedJob) -> String {
    let disk = job.disk_mib.map(|mib| format!(", {mib} MiB of disk")).unwrap_or_default();
    format!("{} CPUs, {} MiB{disk}", job.vcpu, job.memory_mib)
}

/// Returns whether a job sees the programs of the host.
fn sees_userland(job: &PlannedJob) -> bool {
    match &job.executor {
        JobExecutor::LocalCommand { .. } => true,
        JobExecutor::VmCommand { shares, .. } => shares.iter().any(|share| share.source == ShareSource::HostUserland),
    }
}

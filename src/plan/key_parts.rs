//! The parts of a result key: everything that the result of a job depends on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::planned_job::{JobExecutor, PlannedJob, PlannedSecret, PlannedService, PlannedStep, ShareSource};
use super::result_key::ResultKey;
use crate::guest::contract::DEFAULT_ARTIFACTS_MIB;
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

/// Returns the parts of the result key of a job: their values, by their names for people. Every field of the
/// job is named here, so that a new one must join one of the two groups.
#[must_use]
pub fn key_parts(job: &PlannedJob, key: &ResultKey) -> BTreeMap<String, String> {
    let PlannedJob {
        executor,
        job: name,
        command,
        steps,
        services,
        inputs,
        when,
        run_as_root,
        writable_workspace,
        env,
        secrets,
        workdir,
        git,
        artifacts,
        artifacts_required,
        artifacts_mib,
        vcpu,
        memory_mib,
        disk_mib,
        network,
        // The environment has the values of the matrix.
        matrix: _,
        guest: _,
        // A job may be quicker because of them, and its result is the same.
        caches: _,
        allow_failure: _,
        group: _,
        timeout_secs: _,
        stall_secs: _,
        inherited: _,
        retries: _,
        cache: _,
        result_key: _,
        taken_from: _,
    } = job;
    let mut parts = BTreeMap::from([
        ("version of result keys".to_owned(), KEY_VERSION.to_string()),
        ("name".to_owned(), name.to_string()),
        ("command".to_owned(), json(command)),
        ("when".to_owned(), json(when)),
        ("runAsRoot".to_owned(), run_as_root.to_string()),
        ("writable workspace".to_owned(), writable_workspace.to_string()),
        ("workdir".to_owned(), workdir.clone()),
        ("artifacts".to_owned(), json(artifacts)),
        ("CPUs".to_owned(), vcpu.to_string()),
        ("MiB of memory".to_owned(), memory_mib.to_string()),
        ("MiB of disk".to_owned(), json(disk_mib)),
        ("network".to_owned(), json(network)),
        ("paths".to_owned(), json(&key.paths)),
        (FILES.to_owned(), key.files.to_string()),
    ]);
    parts.extend(artifact_parts(*artifacts_required, *artifacts_mib));
    parts.extend(command_parts(steps, services));
    parts.extend(inputs.iter().map(|input| (format!("input {} of {}", input.name, input.job), input.to.clone())));
    parts.extend(env.iter().map(|(name, value)| (format!("variable {name}"), value.clone())));
    parts.extend(secrets.iter().map(secret_part));
    parts.extend(guest_parts(executor, git.as_ref(), key.userland.as_ref()));
    parts.extend(key.needs.iter().map(|(need, digest)| (format!("{NEED}{need}"), digest.to_string())));
    parts
}

/// Returns the parts of steps and services, and of their orders.
fn command_parts(steps: &[PlannedStep], services: &[PlannedService]) -> Vec<(String, String)> {
    let names = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>().join("\n");
    let mut parts = vec![
        ("order of steps".to_owned(), names(&mut steps.iter().map(|step| &step.name))),
        ("order of services".to_owned(), names(&mut services.iter().map(|service| &service.name))),
    ];
    parts.extend(steps.iter().map(|step| (format!("step {}", step.name), json(step))));
    parts.extend(services.iter().map(|service| (format!("service {}", service.name), json(service))));
    parts
}

/// Returns the parts of artifacts that differ from those of older plans.
fn artifact_parts(required: bool, mib: u64) -> impl Iterator<Item = (String, String)> {
    let required = required.then(|| ("artifacts required".to_owned(), true.to_string()));
    let size = (mib != DEFAULT_ARTIFACTS_MIB).then(|| ("MiB of artifacts".to_owned(), mib.to_string()));
    required.into_iter().chain(size)
}

/// Returns the part of a secret, without its value: the digest of one would help to guess it.
fn secret_part(secret: &PlannedSecret) -> (String, String) {
    (format!("secret {}", secret.name), json(&(&secret.source, secret.as_file)))
}

fn guest_parts(executor: &JobExecutor, git: Option<&Digest>, userland: Option<&Digest>) -> Vec<(String, String)> {
    let mut parts = match executor {
        JobExecutor::LocalCommand { .. } => vec![("guest".to_owned(), "none".to_owned())],
        JobExecutor::VmCommand { hypervisor, flake_digest, shares, .. } => {
            let shares = shares.iter().filter(|share| !matches!(share.source, ShareSource::Snapshot(_)));
            vec![
                ("guest".to_owned(), flake_digest.to_string()),
                ("hypervisor".to_owned(), json(hypervisor)),
                ("shares".to_owned(), json(&shares.collect::<Vec<_>>())),
            ]
        }
    };
    // Without a repository, keys are those of versions that had none.
    parts.extend(userland.map(|digest| ("programs of this machine".to_owned(), digest.to_string())));
    parts.extend(git.map(|digest| ("git".to_owned(), digest.to_string())));
    parts
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the parts of a plan are JSON")
}

/// Returns whether a job sees the programs of the host.
fn sees_userland(job: &PlannedJob) -> bool {
    match &job.executor {
        JobExecutor::LocalCommand { .. } => true,
        JobExecutor::VmCommand { shares, .. } => shares.iter().any(|share| share.source == ShareSource::HostUserland),
    }
}

//! The request to a guest to run a job.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::collections::BTreeMap;

use anyhow::Result;

use super::job_secrets::job_secrets;
use crate::config::Network;
use crate::guest::contract::{INPUTS_PATH, INPUTS_TAG};
use crate::guest::{Access, CacheMount, Mount, Request, SecretRequest, ServiceRequest, StepRequest};
use crate::plan::record::{PlannedJob, PlannedSecret, PlannedService, PlannedStep, Share, ShareSource};
use crate::secret::{SecretValue, Secrets};

/// Builds the request for a job that runs as the user `uid` of the guest. `has_inputs` adds the share of its inputs.
pub(super) fn build_request(
    job: &PlannedJob,
    run_env: &BTreeMap<String, String>,
    shares: &[Share],
    has_inputs: bool,
    caches: Vec<CacheMount>,
    uid: u32,
    secrets: &Secrets,
) -> Result<Request> {
    let step =
        |step: PlannedStep| StepRequest { command: step.command, timeout_secs: step.timeout_secs, when: step.when };
    let service = |service: &PlannedService| ServiceRequest {
        command: service.command.clone(),
        ready: service.ready.clone(),
        env: service.env.clone(),
        timeout_secs: service.timeout_secs,
    };
    let inputs = has_inputs.then(|| Mount {
        tag: INPUTS_TAG.to_owned(),
        mount_point: INPUTS_PATH.to_owned(),
        access: Access::Layer,
    });
    let shares = shares.iter().map(|share| Mount {
        tag: share.tag.clone(),
        mount_point: share.mount_point.clone(),
        access: match share.source {
            ShareSource::Snapshot(_) if job.writable_workspace => Access::Overlay,
            ShareSource::StoreDisk => Access::Disk,
            ShareSource::Repository => Access::Repository,
            _ => Access::ReadOnly,
        },
    });
    let env = job.env.iter().chain(run_env);
    let secret = |(secret, value): (&PlannedSecret, &SecretValue)| SecretRequest {
        name: secret.name.clone(),
        value: value.clone(),
        as_file: secret.as_file,
    };
    Ok(Request {
        steps: job.all_steps().into_iter().map(step).collect(),
        services: job.services.iter().map(service).collect(),
        env: env.map(|(name, value)| (name.clone(), value.clone())).collect(),
        secrets: job_secrets(job, secrets)?.into_iter().map(secret).collect(),
        workdir: job.workdir.clone(),
        uid,
        timeout_secs: job.timeout_secs,
        stall_secs: job.stall_secs,
        artifacts: job.artifacts.clone(),
        // The layer comes before the overlay that has it.
        shares: inputs.into_iter().chain(shares).collect(),
        caches,
        network: job.network != Network::None,
        has_disk: job.disk_mib.is_some(),
        epoch_secs: u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default(),
    })
}

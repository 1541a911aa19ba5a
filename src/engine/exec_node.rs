//! A single Execute node, without a plan, a run or a state folder.

#![expect(clippy::disallowed_methods, reason = "removes logs and reads the clock")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::run_accelerator::RunAccelerator;
use super::run_env::run_env;
use super::step_events::StepEvents;
use crate::cancel::Cancel;
use crate::event::{DeclaredJob, EventKind, Outcome, Status};
use crate::execute::executor;
use crate::execute::host_context::{GuestHost, HostContext};
use crate::execute::launcher::HypervisorPrograms;
use crate::execute::qemu::kvm_probe::{AcceleratorChoice, ResolvedAccelerator};
use crate::execute::runtime_folder::runtime_folder;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::NodeId;
use crate::plan::record::{PlannedJob, VM};
use crate::prepare::Runner;
use crate::quota::Quota;
use crate::record::{JobRecord, RecordedLogs};
use crate::secret::Secrets;
use crate::state::{AttemptLayout, StateLayout, recorded_path, write_json};

/// The inputs of a single Execute node.
#[derive(Clone, Copy)]
pub struct ExecNode<'a> {
    /// The hypervisor that boots the guest, with its helpers.
    pub programs: &'a HypervisorPrograms,
    /// Architecture of the host and its guests.
    pub arch: &'a str,
    /// User id of pikaci.
    pub uid: u32,
    /// The job.
    pub job: &'a PlannedJob,
    /// Description of the job.
    pub description: &'a str,
    /// The runner that the guest boots.
    pub runner: &'a Runner,
    /// The source tree, which is only read.
    pub workspace: &'a Path,
    /// Folder for logs, artifacts and the record.
    pub out: &'a Path,
    /// The operator's choice of an accelerator.
    pub accelerator: AcceleratorChoice,
    /// Receives the accelerator as soon as it is resolved.
    pub on_accelerator: &'a dyn Fn(&ResolvedAccelerator),
    /// The disk quota.
    pub quota: &'a Quota,
    /// The cancel request.
    pub cancel: &'a Cancel,
}

/// Runs the node to its end, and writes `status.json` beside its logs and artifacts. After a pass or an allowed failure
/// the folder has no times and no logs but the job's, so that it is the same in every run.
///
/// # Errors
/// When the infrastructure fails.
pub fn exec(node: ExecNode<'_>) -> Result<JobRecord> {
    let layout = AttemptLayout::new(Beneath::new(node.out));
    let started_at = Timestamp::now();
    // A temporary state folder holds the verdict of a KVM probe, which is valid for this node alone.
    let scratch = runtime_folder().context("making a folder for the probe of KVM")?;
    let state = StateLayout::new(scratch.path().to_owned());
    let accelerator = RunAccelerator::default();
    let launcher =
        accelerator.launcher(node.programs, node.accelerator, node.runner, &state, node.cancel, node.on_accelerator)?;
    let record = RefCell::new(job_record(&node, &layout, started_at));
    let record_event = |event: EventKind| record.borrow_mut().apply_step_event(&event, Timestamp::now());
    let events = StepEvents::new(node.job, node.cancel, &record_event);
    let context = HostContext {
        layout: &layout,
        snapshot_dir: node.workspace,
        // A check of Nix has its inputs in the workspace.
        inputs: &[],
        repository: None,
        guest_host: Some(GuestHost { launcher, runner: node.runner, arch: node.arch, uid: node.uid }),
        caches: None,
        // Nix builds a job after those that it needs passed.
        run_env: &run_env(node.job, None, 1, Outcome::Passed),
        env: &BTreeMap::new(),
        local_folder: scratch.path(),
        secrets: &Secrets::default(),
        quota: node.quota,
        cancel: node.cancel,
        on_control: &|line| events.emit(line),
    };
    let mut end = executor::run(&context, node.job)?;
    end.mark_allowed(&node.job.allow_failure);
    let mut record = record.borrow().clone();
    record.finish(&end, Timestamp::now());
    // Hints name commands that need a run, and `pikaci exec` has none.
    record.exit.reason.hint = None;
    if record.status == Status::Done(Outcome::Passed) || record.allowed {
        for log in [layout.host_log(), layout.console_log()] {
            fs::remove_file(&log).with_context(|| format!("removing {}", log.display()))?;
        }
        (record.logs.host_log_path, record.logs.console_log_path) = (None, None);
    }
    write_json(Point::ExecRecord, &layout.status(), &record.without_times())?;
    Ok(record)
}

fn job_record(node: &ExecNode<'_>, layout: &AttemptLayout, started_at: Timestamp) -> JobRecord {
    let declared = DeclaredJob {
        id: node.job.job.clone(),
        description: node.description.to_owned(),
        executor: VM.to_owned(),
        plan_node_id: NodeId::new(format!("execute:{}", node.job.job)),
        timeout_secs: node.job.timeout_secs,
        steps: node.job.steps.iter().map(|step| step.name.clone()).collect(),
        services: node.job.services.iter().map(|service| service.name.clone()).collect(),
    };
    JobRecord {
        attempt: 1,
        logs: RecordedLogs {
            host_log_path: Some(recorded_path(&layout.host_log())),
            guest_log_path: Some(recorded_path(&layout.guest_log())),
            console_log_path: Some(recorded_path(&layout.console_log())),
        },
        started_at: Some(started_at),
        ..JobRecord::queued(&declared)
    }
}

//! One Execute node alone: no plan, no run, no state folder.

#![expect(clippy::disallowed_methods, reason = "removes logs")]

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::{Host, job};
use crate::cancel::Cancel;
use crate::event::{JobFinished, Reason};
use crate::execute::accelerator::{self, Choice, Found, Jailed};
use crate::execute::launch::{Launcher, Programs};
use crate::execute::runtime;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::NodeId;
use crate::plan::record::{Place, PlannedJob, VM};
use crate::prepare::Runner;
use crate::quota::Quota;
use crate::record::{self, JobRecord, Outcome, Status};
use crate::state::{AttemptLayout, StateLayout, recorded_path, write_json};

/// The node, and where its files are.
#[derive(Clone, Copy)]
pub struct Exec<'a> {
    /// The host.
    pub host: &'a Host,
    /// The job.
    pub job: &'a PlannedJob,
    /// What the job is for.
    pub description: &'a str,
    /// What it boots.
    pub runner: &'a Runner,
    /// The source tree, which is only read.
    pub workspace: &'a Path,
    /// Where logs, artifacts and the record go.
    pub out: &'a Path,
    /// How guests are to be accelerated.
    pub accelerator: Choice,
    /// Is told how this one is.
    pub tell: &'a dyn Fn(&Found),
    /// The disk budget.
    pub quota: &'a Quota,
    /// The request to end.
    pub cancel: &'a Cancel,
}

/// Runs the node to its end, and leaves `status.json` beside its logs and artifacts. If the job passed, nothing is left
/// that another run would leave otherwise: no times, and no logs but the job's.
///
/// # Errors
/// When what is around the guest fails.
pub fn exec(node: Exec<'_>) -> Result<JobRecord> {
    let attempt = AttemptLayout::new(Beneath::new(node.out));
    let around = job::Around { host: node.host, quota: node.quota, cancel: node.cancel, snapshot: node.workspace };
    let began = Timestamp::now();
    let launcher = match &node.host.programs {
        Programs::Qemu { qemu, jail, share } => {
            // What a probe finds is remembered for as long as this node lasts.
            let scratch = runtime::folder().context("making a folder for the probe of KVM")?;
            let state = StateLayout::new(scratch.path().to_owned());
            let jailed = Jailed { program: qemu, jail };
            let chosen = accelerator::choose(node.accelerator, jailed, node.runner, &state, node.cancel)?;
            (node.tell)(&chosen);
            Launcher::Qemu { qemu, jail, accelerator: chosen.accelerator, share }
        }
        Programs::Vfkit { vfkit, boot } => Launcher::Vfkit { vfkit, boot: *boot },
    };
    let Place::VmCommand { deadlines, shares, .. } = &node.job.place else {
        bail!("job {} has no guest", node.job.job);
    };
    let guest = job::Guest { runner: node.runner, launcher, deadlines: *deadlines, shares };
    let (finished, _) = job::run(&around, node.job, guest, &attempt, &mut |_| {})?;
    let mut record = record_of(&node, finished, began);
    if record.status == Status::Done(Outcome::Passed) {
        for log in [attempt.host_log(), attempt.console_log()] {
            fs::remove_file(&log).with_context(|| format!("removing {}", log.display()))?;
        }
        (record.host_log_path, record.console_log_path) = (None, None);
    }
    let timeless = JobRecord { started_at: None, finished_at: None, ..record.clone() };
    write_json(Point::ExecRecord, &Beneath::new(node.out).join("status.json"), &timeless)?;
    Ok(record)
}

fn record_of(node: &Exec<'_>, finished: JobFinished, began: Timestamp) -> JobRecord {
    let attempt = AttemptLayout::new(Beneath::new(node.out));
    let JobFinished { job, outcome, exit_code, reason, log_cut, artifacts, artifacts_dir, warnings, .. } = finished;
    JobRecord {
        schema_version: record::SCHEMA_VERSION,
        plan_node_id: NodeId::new(format!("execute:{job}")),
        id: job,
        description: node.description.to_owned(),
        status: Status::Done(outcome),
        executor: VM.to_owned(),
        timeout_secs: node.job.timeout_secs,
        attempt: 1,
        earlier_attempts: Vec::new(),
        flaky: false,
        host_log_path: Some(recorded_path(&attempt.host_log())),
        guest_log_path: Some(recorded_path(&attempt.guest_log())),
        console_log_path: Some(recorded_path(&attempt.console_log())),
        phase: None,
        started_at: Some(began),
        finished_at: Some(Timestamp::now()),
        exit_code,
        // Its hints are commands for a run of `pikaci run`.
        reason: Reason { hint: None, ..reason },
        log_cut,
        artifacts,
        artifacts_dir,
        warnings,
    }
}

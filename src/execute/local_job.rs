//! One attempt at a job without a guest: copies the snapshot, runs the command, and collects verdict and artifacts.

#![expect(clippy::disallowed_methods, reason = "makes folders and a log, and reads the clock")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::add_artifacts::add_artifacts;
use super::attempt_logs::AttemptLogs;
use super::collect::gather_artifacts;
use super::host_context::HostContext;
use super::job_caches::LocalCaches;
use super::job_inputs::{Placement, place_inputs};
use super::job_progress::JobProgress;
use super::local_secrets::LocalSecrets;
use super::local_services::{LocalServices, ServiceHost};
use super::local_steps::{StepsEnd, run_steps};
use super::private_copy::make_private_copy;
use crate::event::{JobEnd, JobExit, LogExtent, Outcome, Reason};
use crate::failpoint::{self, Point};
use crate::guest::ControlLine;
use crate::plan::record::PlannedJob;
use crate::state::{TemporaryFolder, write_json};

/// Runs one attempt at a job without a guest.
///
/// # Errors
/// When the infrastructure fails: folders, copies, processes.
pub(super) fn run(context: &HostContext<'_>, job: &PlannedJob) -> Result<JobEnd> {
    let folder = TemporaryFolder::make(context.local_folder)?;
    let end = run_in(folder.path(), context, job);
    let removed = folder.remove();
    let mut end = end?;
    if let Err(error) = removed {
        end.add_infra_failure(format!("{error:#}"));
    }
    Ok(end)
}

/// Runs the attempt in a temporary folder.
fn run_in(folder: &Path, context: &HostContext<'_>, job: &PlannedJob) -> Result<JobEnd> {
    let (workspace, temporary) = (folder.join("workspace"), folder.join("tmp"));
    failpoint::run_step(Point::PrivateCopy, || make_private_copy(context.snapshot_dir, &workspace, None))?;
    if job.git.is_some() {
        let repository = context.repository()?;
        repository.write(&workspace.join(".git"), repository.objects())?;
    }
    place_inputs(context.inputs, &workspace, Placement::Copy)?;
    let caches = LocalCaches::open(context.caches, job, &workspace)?;
    fs::create_dir(&temporary).with_context(|| format!("making {}", temporary.display()))?;
    let logs = AttemptLogs::of(context.layout);
    fs::write(&logs.guest, "").with_context(|| format!("making {}", logs.guest.display()))?;
    let secrets = LocalSecrets::make(context, job)?;
    let env = environment(context, folder, &temporary, job, &secrets);
    let mark = context.layout.root().to_string_lossy();
    let deadline = Instant::now() + Duration::from_secs(job.timeout_secs);
    let host = ServiceHost {
        env: &env,
        dir: &workspace.join(&job.workdir),
        folder,
        host_log: &logs.host,
        mark: &mark,
        quota: context.quota,
        masks: context.secrets.masks(),
        cancel: context.cancel,
        deadline,
        on_control: context.on_control,
    };
    let mut services = LocalServices::default();
    let unready = services.start(&host, job)?;
    let steps = match unready {
        Some(_) => StepsEnd::default(),
        None => run_steps(&host, job, &logs.guest)?,
    };
    let ended = services.end(&host, &logs.guest, steps.output.kept)?;
    let progress = JobProgress { unready_service: unready, ..steps.progress };
    let mut end = job_end(job, &steps, &progress);
    if unready.is_none() {
        for (service, service_end) in ended {
            let name = &job.services[usize::from(service)].name;
            end.warnings.push(format!("the service {name} {} while the job ran", service_end.text()));
            (context.on_control)(&ControlLine::ServiceEnd { service, end: service_end });
        }
    }
    if !job.artifacts.is_empty() {
        collect_artifacts(&mut end, &workspace, job, context);
    }
    end.caches = caches.finish(end.outcome);
    Ok(end)
}

/// Returns the end of a job from the ends of its steps.
fn job_end(job: &PlannedJob, steps: &StepsEnd, progress: &JobProgress) -> JobEnd {
    let code = steps.end.code();
    let message = |text: &str| Reason { message: Some(text.to_owned()), ..Reason::default() };
    let (outcome, exit_code, reason) = if steps.cancelled {
        (Outcome::Cancelled, Some(code), message("the run was cancelled"))
    } else if let Some(stopped) = progress.stopped(job, code) {
        stopped
    } else if steps.escaped {
        let escaped = "a process of the command left its process group and still holds its output open";
        let hint = "make the command wait for all processes that it starts";
        (Outcome::Errored, Some(code), Reason::new(escaped, hint))
    } else if code == 0 {
        (Outcome::Passed, Some(0), Reason::default())
    } else {
        (Outcome::Failed, Some(code), message(&progress.end(job, steps.end)))
    };
    JobEnd {
        log: LogExtent { guest_log_bytes: steps.output.kept, log_cut: steps.output.over_limit },
        ..JobEnd::without_output(outcome, JobExit { exit_code, reason })
    }
}

/// Returns the environment of a job. Git searches no folder above the job's own for a repository.
fn environment(
    context: &HostContext<'_>,
    folder: &Path,
    temporary: &Path,
    job: &PlannedJob,
    secrets: &LocalSecrets,
) -> BTreeMap<String, String> {
    let own = [
        ("CI", "true".into()),
        ("PIKACI", "1".into()),
        ("TERM", "xterm".into()),
        ("TMPDIR", temporary.to_string_lossy()),
        ("GIT_CEILING_DIRECTORIES", folder.to_string_lossy()),
    ];
    let mut env = context.env.clone();
    env.extend(own.map(|(name, value)| (name.to_owned(), value.into_owned())));
    env.extend(job.env.clone());
    env.extend(context.run_env.clone());
    env.extend(secrets.env.clone());
    env
}

/// Copies the artifacts and adds them, with their warnings, to the end of the job.
fn collect_artifacts(end: &mut JobEnd, workspace: &Path, job: &PlannedJob, context: &HostContext<'_>) {
    let (layout, quota) = (context.layout, context.quota);
    let gather = || gather_artifacts(workspace, &job.artifacts, &layout.artifacts(), job.artifacts_mib, quota);
    let gathered = failpoint::run_step(Point::LocalArtifacts, gather);
    let recorded = gathered.and_then(|manifest| {
        write_json(Point::Manifest, &layout.manifest(), &manifest)?;
        Ok(manifest)
    });
    match recorded {
        Ok(manifest) => add_artifacts(end, job, &manifest, layout),
        Err(error) => end.add_infra_failure(format!("the artifacts can't be collected: {error:#}")),
    }
}

//! One attempt at a job without a guest: copies the snapshot, runs the command, and collects verdict and artifacts.

#![expect(clippy::disallowed_methods, reason = "makes folders")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::attempt_logs::AttemptLogs;
use super::collect::gather_artifacts;
use super::host_context::HostContext;
use super::local_command::{LocalCommand, judge_command, run as run_command};
use super::private_copy::make_private_copy;
use crate::event::{ArtifactSummary, JobEnd, LogExtent};
use crate::failpoint::{self, Point};
use crate::plan::record::PlannedJob;
use crate::state::{TemporaryFolder, recorded_path, write_json};

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
    fs::create_dir(&temporary).with_context(|| format!("making {}", temporary.display()))?;
    let timeout = Duration::from_secs(job.timeout_secs);
    let command = LocalCommand {
        argv: &job.command,
        env: &environment(context.env, folder, &temporary, job),
        mark: &context.layout.root().to_string_lossy(),
        dir: &workspace.join(&job.workdir),
        timeout,
        logs: &AttemptLogs::of(context.layout),
        quota: context.quota,
    };
    let command_end = run_command(&command, context.cancel)?;
    let (outcome, exit_code, reason) = judge_command(&command_end, timeout);
    let mut end = JobEnd {
        exit_code: Some(exit_code),
        log: LogExtent { guest_log_bytes: command_end.output.kept, log_cut: command_end.output.over_limit },
        ..JobEnd::without_output(outcome, reason)
    };
    if !job.artifacts.is_empty() {
        collect_artifacts(&mut end, &workspace, &job.artifacts, context);
    }
    Ok(end)
}

/// Returns the environment of a job. Git searches no folder above the job's own for a repository.
fn environment(
    base: &BTreeMap<String, String>,
    folder: &Path,
    temporary: &Path,
    job: &PlannedJob,
) -> BTreeMap<String, String> {
    let own = [
        ("CI", "true".into()),
        ("PIKACI", "1".into()),
        ("TERM", "xterm".into()),
        ("TMPDIR", temporary.to_string_lossy()),
        ("GIT_CEILING_DIRECTORIES", folder.to_string_lossy()),
    ];
    let mut env = base.clone();
    env.extend(own.map(|(name, value)| (name.to_owned(), value.into_owned())));
    env.extend(job.env.clone());
    env
}

/// Copies the artifacts and adds them, with their warnings, to the end of the job.
fn collect_artifacts(end: &mut JobEnd, workspace: &Path, globs: &[String], context: &HostContext<'_>) {
    let (layout, quota) = (context.layout, context.quota);
    let gathered =
        failpoint::run_step(Point::LocalArtifacts, || gather_artifacts(workspace, globs, &layout.artifacts(), quota));
    let recorded = gathered.and_then(|manifest| {
        write_json(Point::Manifest, &layout.manifest(), &manifest)?;
        Ok(manifest)
    });
    match recorded {
        Ok(manifest) => {
            let count = manifest.files.len() as u64;
            let artifacts_dir = (count > 0).then(|| recorded_path(&layout.artifacts()));
            end.artifacts = ArtifactSummary { artifacts: count, artifacts_dir };
            end.warnings = manifest.warnings(globs);
        }
        Err(error) => end.add_infra_failure(format!("the artifacts can't be collected: {error:#}")),
    }
}

//! The glue around one job without a guest: a copy of the snapshot before, its verdict and artifacts after.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::ends::without_guest;
use super::job::trouble;
use crate::cancel::Cancel;
use crate::event::JobFinished;
use crate::execute::local::{Ended, LocalCommand, judge, run as run_command};
use crate::execute::private_copy::private_copy;
use crate::execute::{collect, vm};
use crate::failpoint::{self, Point};
use crate::plan::record::PlannedJob;
use crate::quota::Quota;
use crate::state::{AttemptLayout, TemporaryFolder, recorded_path, write_json};

/// What is around a job on this host.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The copy of the source tree.
    pub snapshot: &'a Path,
    /// The disk budget that the job uses up.
    pub quota: &'a Quota,
    /// The request to end.
    pub cancel: &'a Cancel,
    /// What of the environment jobs see.
    pub env: &'a BTreeMap<String, String>,
    /// The parent of the folders that jobs work in.
    pub folder: &'a Path,
}

/// Runs one attempt at a job to its end.
///
/// # Errors
/// When what is around the command fails: folders, copies, processes.
pub fn run(around: &Around<'_>, job: &PlannedJob, attempt: &AttemptLayout) -> Result<JobFinished> {
    attempt.root().make_folders().with_context(|| format!("making {}", attempt.root().display()))?;
    let folder = TemporaryFolder::make(around.folder)?;
    let finished = run_in(folder.path(), around, job, attempt);
    let removed = folder.remove();
    let mut finished = finished?;
    if let Err(error) = removed {
        trouble(&mut finished.outcome, &mut finished.reason, format!("{error:#}"));
    }
    Ok(finished)
}

fn run_in(folder: &Path, around: &Around<'_>, job: &PlannedJob, attempt: &AttemptLayout) -> Result<JobFinished> {
    let (workspace, temporary) = (folder.join("workspace"), folder.join("tmp"));
    failpoint::around(Point::PrivateCopy, || private_copy(around.snapshot, &workspace, None))?;
    fs::create_dir(&temporary).with_context(|| format!("making {}", temporary.display()))?;
    let logs = vm::Logs { host: attempt.host_log(), guest: attempt.guest_log(), console: attempt.console_log() };
    let timeout = Duration::from_secs(job.timeout_secs);
    let command = LocalCommand {
        argv: &job.command,
        env: &environment(around.env, folder, &temporary, job),
        mark: &attempt.root().to_string_lossy(),
        dir: &workspace.join(&job.workdir),
        timeout,
        logs: &logs,
        quota: around.quota,
    };
    let ended = run_command(&command, around.cancel)?;
    let mut finished = finished(job, &ended, timeout);
    if !job.artifacts.is_empty() {
        collect_artifacts(&mut finished, &workspace, &job.artifacts, attempt, around.quota);
    }
    Ok(finished)
}

/// Returns the environment of a job: git looks for a repository no further up than its folder.
fn environment(
    host: &BTreeMap<String, String>,
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
    let mut env = host.clone();
    env.extend(own.map(|(name, value)| (name.to_owned(), value.into_owned())));
    env.extend(job.env.clone());
    env
}

fn finished(job: &PlannedJob, ended: &Ended, timeout: Duration) -> JobFinished {
    let (outcome, exit_code, reason) = judge(ended, timeout);
    JobFinished {
        exit_code: Some(exit_code),
        guest_log_bytes: ended.output.kept,
        log_cut: ended.output.over_limit,
        ..without_guest(&job.job, outcome, reason)
    }
}

/// Copies the artifacts, and adds them to the end of the job.
fn collect_artifacts(
    finished: &mut JobFinished,
    workspace: &Path,
    globs: &[String],
    attempt: &AttemptLayout,
    quota: &Quota,
) {
    let gathered = failpoint::around(Point::Gather, || collect::gather(workspace, globs, &attempt.artifacts(), quota));
    let brought = gathered.and_then(|manifest| {
        write_json(Point::Manifest, &attempt.manifest(), &manifest)?;
        Ok(manifest)
    });
    match brought {
        Ok(manifest) => {
            let files = manifest.files.len() as u64;
            finished.artifacts = files;
            finished.warnings = manifest.warnings(globs);
            let folder = recorded_path(&attempt.artifacts());
            finished.artifacts_dir = (files > 0).then_some(folder);
        }
        Err(error) => trouble(
            &mut finished.outcome,
            &mut finished.reason,
            format!("its artifacts couldn't be brought back: {error:#}"),
        ),
    }
}

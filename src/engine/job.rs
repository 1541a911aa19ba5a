//! The glue around one job in a guest: its request and disks before, its verdict and artifacts after.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Host;
use crate::cancel::Cancel;
use crate::config::Network;
use crate::event::{JobFinished, Reason};
use crate::execute::console::Console;
use crate::execute::launch::Launcher;
use crate::execute::machine::{Disk, Machine};
use crate::execute::share::{Tree, Users};
use crate::execute::verdict::{Verdict, judge};
use crate::execute::{collect, vm};
use crate::failpoint::{self, Point};
use crate::guest::{Access, Control, Mount, Request, request};
use crate::plan::record::{Deadlines, PlannedJob, Share, ShareSource};
use crate::prepare::Runner;
use crate::quota::Quota;
use crate::record::Outcome;
use crate::state::{AttemptLayout, recorded_path, write_json};

/// The serial of the disk that the request goes in on.
const REQUEST_DISK: &str = "pikaci-request";
/// The serial of the disk that artifacts come out on.
const ARTIFACTS_DISK: &str = "pikaci-artifacts";
/// The serial of the disk of a guest's own store.
const STORE_DISK: &str = "pikaci-store";
/// The user of jobs where pikaci itself runs as root.
const UNPRIVILEGED: u32 = 1000;

/// What is around a job on this host.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The host.
    pub host: &'a Host,
    /// The disk budget that the guest uses up.
    pub quota: &'a Quota,
    /// The request to end.
    pub cancel: &'a Cancel,
    /// The copy of the source tree.
    pub snapshot: &'a Path,
}

/// What a guest is made of.
#[derive(Clone, Copy)]
pub struct Guest<'a> {
    /// What it boots.
    pub runner: &'a Runner,
    /// What boots it.
    pub launcher: Launcher<'a>,
    /// How long its parts may take.
    pub deadlines: Deadlines,
    /// What it sees of the host.
    pub shares: &'a [Share],
}

/// Runs one attempt at a job to its end, and returns with it whether its guest was lost.
///
/// # Errors
/// When what is around the guest fails: folders, disks, processes.
pub fn run(
    around: &Around<'_>,
    job: &PlannedJob,
    guest: Guest<'_>,
    attempt: &AttemptLayout,
    on_control: &mut dyn FnMut(&Control),
) -> Result<(JobFinished, bool)> {
    let Guest { runner, launcher, deadlines, shares } = guest;
    let made = failpoint::turn(Point::AttemptFolder).and_then(|()| attempt.root().make_folders());
    made.with_context(|| format!("making {}", attempt.root().display()))?;
    let disks = failpoint::around(Point::Disks, || Disks::make(attempt, around, job, shares))?;
    let logs = vm::Logs { host: attempt.host_log(), guest: attempt.guest_log(), console: attempt.console_log() };
    let tree = |share: &Share| Some((share.tag.clone(), tree(around, runner, &share.source)?));
    let trees: Vec<(String, Tree)> = shares.iter().filter_map(tree).collect();
    let disk = |serial, path, read_only| Disk { serial, path, read_only };
    let store = runner.store_disk();
    let machine_disks: Vec<Disk<'_>> =
        [disk(REQUEST_DISK, &disks.request, true), disk(ARTIFACTS_DISK, &disks.artifacts, false)]
            .into_iter()
            .chain(store.as_deref().map(|path| disk(STORE_DISK, path, true)))
            .collect();
    let guest = vm::Guest {
        launcher,
        machine: Machine {
            arch: &around.host.arch,
            vcpu: job.vcpu,
            memory_mib: job.memory_mib,
            kernel: &runner.kernel(),
            initrd: &runner.initrd(),
            cmdline: &runner.boot.cmdline,
            disks: &machine_disks,
            network: job.network,
        },
        shares: &trees,
        users: users(around.host, job),
        deadlines,
        logs: &logs,
        scratch: disks.folder.path(),
        artifacts: Some(&disks.artifact_disk),
        quota: around.quota,
    };
    let ended = vm::run(&guest, around.cancel, on_control)?;
    Ok(finished(job, attempt, &ended, &disks))
}

fn finished(job: &PlannedJob, attempt: &AttemptLayout, ended: &vm::Ended, disks: &Disks) -> (JobFinished, bool) {
    let mut verdict = judge(&ended.observed, ended.hypervisor, &job.job, job.timeout_secs);
    if verdict.show_console {
        match evidence(attempt) {
            Ok(lines) => verdict.reason.evidence = lines,
            Err(error) => trouble(&mut verdict.outcome, &mut verdict.reason, format!("{error:#}")),
        }
    }
    for text in &ended.troubles {
        trouble(&mut verdict.outcome, &mut verdict.reason, text.clone());
    }
    let (brought, mut warnings) = collect_artifacts(&job.artifacts, attempt, ended, disks, &mut verdict);
    if ended.observed.out_of_memory && verdict.outcome == Outcome::Passed {
        warnings.push("the guest's kernel ended a process of the job for lack of memory".to_owned());
    }
    let Verdict { outcome, exit_code, reason, lost, .. } = verdict;
    let finished = JobFinished {
        job: job.job.clone(),
        outcome,
        exit_code,
        reason,
        guest_log_bytes: ended.output.kept,
        log_cut: ended.output.over_limit || ended.observed.output.is_some_and(|told| told > ended.output.received),
        artifacts: brought,
        artifacts_dir: (brought > 0).then(|| recorded_path(&attempt.artifacts())),
        warnings,
    };
    (finished, lost)
}

/// Takes in what failed around a job: it doesn't pass with that, but how it ended otherwise stays.
pub fn trouble(outcome: &mut Outcome, reason: &mut Reason, text: String) {
    if *outcome == Outcome::Passed {
        *outcome = Outcome::Errored;
        *reason = Reason { message: Some(text), ..Reason::default() };
    } else {
        reason.evidence.push(text);
    }
}

/// Returns the ends of the console and of the host's log.
fn evidence(attempt: &AttemptLayout) -> Result<Vec<String>> {
    let mut lines = Console::read(&attempt.console_log())?.evidence();
    // Command lines are no news; what the programs said is.
    lines.extend(vm::tail(&attempt.host_log())?.into_iter().filter(|line| !line.starts_with("$ ")));
    Ok(lines)
}

/// Unpacks the artifacts, and returns their number and remarks on them.
fn collect_artifacts(
    globs: &[String],
    attempt: &AttemptLayout,
    ended: &vm::Ended,
    disks: &Disks,
    verdict: &mut Verdict,
) -> (u64, Vec<String>) {
    let Some(promised) = ended.observed.artifacts.filter(|_| !globs.is_empty()) else { return (0, Vec::new()) };
    let unpack = || disks.artifact_disk.unpack(promised, globs, &attempt.artifacts());
    match failpoint::around(Point::Unpack, unpack) {
        Ok((mut manifest, refused)) => {
            let brought = manifest.files.len() as u64;
            manifest.left_out = ended.observed.left_out.clone();
            if let Err(error) = write_json(Point::Manifest, &attempt.manifest(), &manifest) {
                trouble(&mut verdict.outcome, &mut verdict.reason, format!("{error:#}"));
            }
            for text in [refused.message(), missing(promised, brought + refused.count())].into_iter().flatten() {
                trouble(&mut verdict.outcome, &mut verdict.reason, text);
            }
            (brought, manifest.warnings(globs))
        }
        Err(error) => {
            trouble(
                &mut verdict.outcome,
                &mut verdict.reason,
                format!("its artifacts couldn't be brought back: {error:#}"),
            );
            (0, Vec::new())
        }
    }
}

/// Returns what is wrong when other files came than the guest packed.
fn missing(told: u64, brought: u64) -> Option<String> {
    (told != brought).then(|| format!("the guest packed {told} artifacts, but {brought} came back"))
}

/// The disks of an attempt; they are gone when it is over.
struct Disks {
    request: std::path::PathBuf,
    artifacts: std::path::PathBuf,
    artifact_disk: collect::ArtifactDisk,
    folder: tempfile::TempDir,
}

impl Disks {
    fn make(attempt: &AttemptLayout, around: &Around<'_>, job: &PlannedJob, shares: &[Share]) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(crate::state::TEMPORARY_PREFIX)
            .tempdir_in(attempt.root())
            .with_context(|| format!("making a folder in {}", attempt.root().display()))?;
        let (request, artifacts) = (folder.path().join("request"), folder.path().join("artifacts"));
        let tar = request::encode(&ask(around.host, job, shares)).context("encoding the guest's request")?;
        fs::write(&request, tar).with_context(|| format!("writing {}", request.display()))?;
        let artifact_disk = collect::ArtifactDisk::make(&artifacts, around.quota)?;
        Ok(Self { request, artifacts, artifact_disk, folder })
    }
}

fn ask(host: &Host, job: &PlannedJob, shares: &[Share]) -> Request {
    Request {
        command: job.command.clone(),
        env: job.env.clone(),
        workdir: job.workdir.clone(),
        uid: users(host, job).guest,
        timeout_secs: job.timeout_secs,
        artifacts: job.artifacts.clone(),
        shares: shares
            .iter()
            .map(|share| Mount {
                tag: share.tag.clone(),
                mount_point: share.mount_point.clone(),
                access: match share.source {
                    ShareSource::Snapshot(_) if job.writable_workspace => Access::Overlay,
                    ShareSource::StoreDisk => Access::Disk,
                    _ => Access::ReadOnly,
                },
            })
            .collect(),
        network: job.network != Network::None,
        epoch_secs: u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default(),
    }
}

fn users(host: &Host, job: &PlannedJob) -> Users {
    let guest = match (job.run_as_root, host.uid) {
        (true, _) => 0,
        (false, 0) => UNPRIVILEGED,
        (false, uid) => uid,
    };
    Users { host: host.uid, guest }
}

/// Returns the folder behind a share; a disk is none.
fn tree(around: &Around<'_>, runner: &Runner, source: &ShareSource) -> Option<Tree> {
    match source {
        ShareSource::Snapshot(_) => Some(Tree::Folder(around.snapshot.to_owned())),
        ShareSource::HostUserland => Some(Tree::HostUserland),
        ShareSource::HostStore => Some(Tree::Store(runner.store().to_owned(), runner.closure())),
        ShareSource::StoreDisk => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Reason, Verdict, missing, trouble};

    #[test]
    fn what_fails_around_a_job_takes_no_verdict_away() {
        let of = |outcome| {
            let mut verdict =
                Verdict { outcome, exit_code: Some(3), reason: Reason::default(), show_console: false, lost: false };
            trouble(&mut verdict.outcome, &mut verdict.reason, "no space".to_owned());
            verdict
        };
        let passed = of(Outcome::Passed);
        assert_eq!((passed.outcome, passed.reason.message.as_deref()), (Outcome::Errored, Some("no space")));
        for outcome in [Outcome::Failed, Outcome::TimedOut, Outcome::Errored, Outcome::Cancelled] {
            let verdict = of(outcome);
            assert_eq!((verdict.outcome, verdict.exit_code), (outcome, Some(3)));
            assert_eq!((verdict.reason.message, verdict.reason.evidence), (None, vec!["no space".to_owned()]));
        }
    }

    #[test]
    fn every_artifact_that_was_packed_has_to_come() {
        assert_eq!(missing(3, 3), None);
        assert_eq!(missing(3, 2).unwrap(), "the guest packed 3 artifacts, but 2 came back");
    }
}

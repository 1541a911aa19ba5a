//! One attempt at a job in a guest: prepares disks and shares, runs the guest, and collects verdict and artifacts.

#![expect(clippy::disallowed_methods, reason = "looks for the operator's folders, and makes a folder")]

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::add_artifacts::add_artifacts;
use super::attempt_disks::AttemptDisks;
use super::attempt_logs::AttemptLogs;
use super::console::{Console, tail};
use super::host_context::{GuestHost, HostContext};
use super::job_caches::GuestCaches;
use super::job_inputs::{Placement, place_inputs};
use super::job_request::build_request;
use super::machine_spec::{DiskImage, MachineSpec};
use super::observed::Observed;
use super::share::{ShareTree, ShareUsers};
use super::verdict::judge_guest;
use super::vm::{self, VmEnd};
use super::vm_spec::VmSpec;
use super::writable_disk::WritableDisk;
use crate::event::{JobEnd, LogExtent, Outcome};
use crate::failpoint::{self, Point};
use crate::guest::contract::{
    ARTIFACTS_DISK, INPUTS_TAG, MOUNT_LIMIT, OBJECTS_PATH, REQUEST_DISK, SCRATCH_DISK, STORE_DISK,
};
use crate::plan::record::{Deadlines, PlannedJob, Share, ShareSource};
use crate::state::{AttemptLayout, write_json};

/// User id of jobs if pikaci itself runs as root.
const UNPRIVILEGED: u32 = 1000;

/// Runs one attempt at a job in a guest.
///
/// # Errors
/// When the infrastructure fails: folders, disks, processes.
pub(super) fn run(
    context: &HostContext<'_>,
    job: &PlannedJob,
    deadlines: Deadlines,
    shares: &[Share],
) -> Result<JobEnd> {
    let host = context.guest_host.context("the plan has no Prepare node for the job's runner")?;
    let users = users(host.uid, job.run_as_root);
    let has_inputs = !context.inputs.is_empty();
    let mut caches = GuestCaches::open(context.caches, job)?;
    let request =
        build_request(job, context.run_env, shares, has_inputs, caches.mounts(), users.guest, context.secrets)?;
    let make_disks = || {
        let disks = AttemptDisks::make(context.layout, &request, job, context.quota)?;
        caches.make_disks(disks.folder.path(), context.quota)?;
        Ok::<_, anyhow::Error>(disks)
    };
    let disks = failpoint::run_step(Point::Disks, make_disks)?;
    check_host_folders(shares)?;
    let repository = disks.folder.path().join("git");
    if job.git.is_some() {
        context.repository()?.write(&repository, Path::new(OBJECTS_PATH))?;
    }
    let tree = |share: &Share| Some((share.tag.clone(), share_tree(context, host, &repository, &share.source)?));
    let mut trees: Vec<(String, ShareTree)> = shares.iter().filter_map(tree).collect();
    if has_inputs {
        trees.push((INPUTS_TAG.to_owned(), inputs_tree(context, disks.folder.path().join("inputs"))?));
    }
    let disk = |serial, path, read_only| DiskImage { serial, path, memory: None, read_only };
    let request_disk =
        DiskImage { memory: disks.request_in_memory(), ..disk(REQUEST_DISK, disks.request.as_path(), true) };
    let cache_disks = caches.disks();
    let store = host.runner.store_disk();
    let machine_disks: Vec<DiskImage<'_>> = [request_disk, disk(ARTIFACTS_DISK, disks.artifacts.as_path(), false)]
        .into_iter()
        .chain(store.as_deref().map(|path| disk(STORE_DISK, path, true)))
        .chain(disks.scratch.as_ref().map(|(path, _)| disk(SCRATCH_DISK, path, false)))
        .chain(cache_disks.iter().map(|(serial, path, read_only)| disk(serial, path, *read_only)))
        .collect();
    let merge_secs = if caches.merges() { MOUNT_LIMIT.as_secs() } else { 0 };
    let writable_disks: Vec<&WritableDisk> = disks.writable().into_iter().chain(caches.writable()).collect();
    let spec = VmSpec {
        machine: MachineSpec {
            arch: host.arch,
            vcpu: job.vcpu,
            memory_mib: job.memory_mib,
            kernel: &host.runner.kernel(),
            initrd: &host.runner.initrd(),
            cmdline: &host.runner.boot.cmdline,
            disks: &machine_disks,
            network: job.network,
        },
        shares: &trees,
        users,
        deadlines: Deadlines { job_secs: deadlines.job_secs + merge_secs, ..deadlines },
        logs: &AttemptLogs::of(context.layout),
        scratch: disks.folder.path(),
        writable_disks: &writable_disks,
        quota: context.quota,
        masks: context.secrets.masks(),
    };
    let vm_end = vm::run(&host.launcher, &spec, context.cancel, &mut |line| (context.on_control)(line))?;
    let mut end = job_end(job, context.layout, &vm_end, &disks);
    end.caches = caches.finish(end.outcome, &vm_end.observed);
    Ok(end)
}

/// Makes a folder with the inputs of the job.
fn inputs_tree(context: &HostContext<'_>, folder: PathBuf) -> Result<ShareTree> {
    fs::create_dir(&folder).with_context(|| format!("making {}", folder.display()))?;
    place_inputs(context.inputs, &folder, Placement::Link)?;
    Ok(ShareTree::Folder(folder))
}

/// Returns the end of the job: the verdict with evidence, artifacts and warnings.
fn job_end(job: &PlannedJob, attempt: &AttemptLayout, vm_end: &VmEnd, disks: &AttemptDisks) -> JobEnd {
    let observed = &vm_end.observed;
    let verdict = judge_guest(observed, vm_end.hypervisor, job);
    let log_cut = vm_end.output.over_limit || observed.output.is_some_and(|sent| sent > vm_end.output.received);
    let mut end = JobEnd {
        log: LogExtent { guest_log_bytes: job_bytes(observed, vm_end.output.kept), log_cut },
        retryable: verdict.lost,
        ..JobEnd::without_output(verdict.outcome, verdict.exit)
    };
    if verdict.show_console {
        match evidence(attempt) {
            Ok(lines) => end.exit.reason.evidence = lines,
            Err(error) => end.add_infra_failure(format!("{error:#}")),
        }
    }
    for failure in &vm_end.log_failures {
        end.add_infra_failure(failure.clone());
    }
    collect_artifacts(&mut end, job, attempt, vm_end, disks);
    if observed.out_of_memory && end.outcome == Outcome::Passed {
        end.warnings.push("the guest's kernel ended a process of the job for lack of memory".to_owned());
    }
    for (service, service_end) in &observed.ended_services {
        let is_ready = observed.ready_services.contains(service);
        if let Some(service) = job.services.get(usize::from(*service)).filter(|_| is_ready) {
            end.warnings.push(format!("the service {} {} while the job ran", service.name, service_end.text()));
        }
    }
    end
}

/// Returns the bytes of the log that are the job's own output; the logs of services follow it.
fn job_bytes(observed: &Observed, kept: u64) -> u64 {
    observed.step_output.map_or(kept, |output| output.min(kept))
}

/// Returns the ends of the console and of the host's log.
fn evidence(attempt: &AttemptLayout) -> Result<Vec<String>> {
    let mut lines = Console::read(&attempt.console_log())?.evidence();
    // The output of the programs is evidence, their command lines are not.
    lines.extend(tail(&attempt.host_log())?.into_iter().filter(|line| !line.starts_with("$ ")));
    Ok(lines)
}

/// Unpacks the artifacts and adds them, with their warnings, to the end of the job.
fn collect_artifacts(
    end: &mut JobEnd,
    job: &PlannedJob,
    attempt: &AttemptLayout,
    vm_end: &VmEnd,
    disks: &AttemptDisks,
) {
    let Some(packed) = vm_end.observed.artifacts.filter(|_| !job.artifacts.is_empty()) else { return };
    let unpack = || disks.artifact_disk.unpack(packed, &job.artifacts, &attempt.artifacts());
    match failpoint::run_step(Point::GuestArtifacts, unpack) {
        Ok((mut manifest, refused)) => {
            let count = (manifest.files.len() + manifest.links.len()) as u64;
            manifest.left_out = vm_end.observed.left_out.clone();
            if let Err(error) = write_json(Point::Manifest, &attempt.manifest(), &manifest) {
                end.add_infra_failure(format!("{error:#}"));
            }
            for failure in [refused.message(), missing_artifacts(packed, count + refused.count())].into_iter().flatten()
            {
                end.add_infra_failure(failure);
            }
            add_artifacts(end, job, &manifest, attempt);
        }
        Err(error) => end.add_infra_failure(format!("the artifacts can't be collected: {error:#}")),
    }
}

/// Returns the failure if the number of unpacked files isn't the number that the guest packed.
fn missing_artifacts(packed: u64, unpacked: u64) -> Option<String> {
    (packed != unpacked).then(|| format!("the guest packed {packed} artifacts, but {unpacked} arrived"))
}

/// Returns the user ids of an attempt, for a pikaci that runs as the user `uid`.
fn users(uid: u32, run_as_root: bool) -> ShareUsers {
    let guest = match (run_as_root, uid) {
        (true, _) => 0,
        (false, 0) => UNPRIVILEGED,
        (false, uid) => uid,
    };
    ShareUsers { host: uid, guest }
}

/// Refuses a folder of the host that doesn't exist.
fn check_host_folders(shares: &[Share]) -> Result<()> {
    for share in shares {
        if let ShareSource::HostFolder(folder) = &share.source {
            let metadata = fs::metadata(folder).with_context(|| format!("{folder} of `hostFolders`"))?;
            ensure!(metadata.is_dir(), "{folder} of `hostFolders` isn't a folder");
        }
    }
    Ok(())
}

/// Returns the files of a share; `None` for a disk.
fn share_tree(
    context: &HostContext<'_>,
    host: GuestHost<'_>,
    repository: &Path,
    source: &ShareSource,
) -> Option<ShareTree> {
    match source {
        ShareSource::Repository => Some(ShareTree::Folder(repository.to_owned())),
        ShareSource::RepositoryObjects => Some(ShareTree::Folder(context.repository?.objects().to_owned())),
        ShareSource::HostFolder(path) => Some(ShareTree::Folder(path.into())),
        ShareSource::Snapshot(_) => Some(ShareTree::Folder(context.snapshot_dir.to_owned())),
        ShareSource::HostUserland => Some(ShareTree::HostUserland),
        ShareSource::HostStore => Some(ShareTree::Store(host.runner.store().to_owned(), host.runner.closure())),
        ShareSource::StoreDisk => None,
    }
}

#[cfg(test)]
mod tests {
    use super::missing_artifacts;

    #[test]
    fn every_packed_artifact_has_to_arrive() {
        assert_eq!(missing_artifacts(3, 3), None);
        assert_eq!(missing_artifacts(3, 2).unwrap(), "the guest packed 3 artifacts, but 2 arrived");
    }
}

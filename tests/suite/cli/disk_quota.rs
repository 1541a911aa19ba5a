//! The quota of a run, for the attempts of a job without a guest.

use std::fs;
use std::path::Path;

use pikaci::event::Outcome;

use crate::support::project::Project;

/// Returns the bytes of all files in a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let size = |path: &Path| if path.is_dir() { size(path) } else { fs::metadata(path).unwrap().len() };
    entries.map(|entry| size(&entry.path())).sum()
}

#[test]
fn no_attempt_starts_after_the_quota_is_used_up() {
    let project = Project::new(
        r#"{
          guests.default.base = "none";
          jobs.flood = { command = "head -c 1000000 /dev/zero | tr '\\0' x; exit 3"; retries = 5; };
          jobs.next = { command = "true"; };
        }"#,
    );
    let args = ["run", "--allow-unisolated", "--jobs=1", "--keep-going", "--disk=3M"];
    let run = project.pikaci(&args).exits(102);
    let job = project.job("flood");
    assert_eq!((job.status.outcome(), job.attempt), (Some(Outcome::Errored), 4), "{run:?}");
    let message = "of the run's disk quota of 3145728 bytes 145728 are left, too few for another attempt";
    assert_eq!(job.exit.reason.message.as_deref(), Some(message));
    assert_eq!(job.exit.reason.hint.as_deref(), Some("raise the disk quota, for instance: pikaci run --disk 20G"));
    assert_eq!(project.job("next").status.outcome(), Some(Outcome::Errored));
    assert!(size(&project.last_run().join("jobs")) < 3 << 20);
}

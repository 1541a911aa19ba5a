//! Runs to cancel, and assertions about their records.

use pikaci::event::Outcome;

use crate::support::processes::Running;
use crate::support::project::{Project, Ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::nix;

/// A job that takes long, and a job that waits for it with `-j1`.
pub const JOBS: &str = r#"{
  jobs.a-long = {
    command = "trap 'echo asked to end >&2; echo kept >kept; exit 0' TERM; echo started; sleep 600 & wait";
    timeout = "10m"; artifacts = [ "kept" ];
  };
  jobs.b-next = { command = "echo next"; };
}"#;

/// Asserts that the run and each of its jobs was cancelled.
#[track_caller]
pub fn assert_cancelled(project: &Project, ran: Ran, code: i32, by: &str) {
    let ran = ran.exits(code);
    let record = project.record();
    assert_eq!(record.status.outcome(), Some(Outcome::Cancelled));
    assert_eq!(record.message.as_deref(), Some(format!("cancelled by {by}").as_str()));
    assert!(record.finished_at.is_some());
    assert!(ran.stdout.contains(&format!("run {} cancelled in ", record.run_id)), "{}", ran.stdout);
    for job in &record.jobs {
        let job = project.job(job.id.as_str());
        assert_eq!(job.status.outcome(), Some(Outcome::Cancelled), "{job:?}");
        assert_eq!(job.exit.reason.message.as_deref(), Some("the run was cancelled"));
        assert!(job.finished_at.is_some());
    }
}

/// Asserts that the running job got a polite request to end and could print its last words.
#[track_caller]
pub fn assert_ended_politely(project: &Project) {
    let job = project.job("a-long");
    assert_eq!((project.output("a-long").as_str(), job.artifacts.artifacts), ("started\nasked to end\n", 1), "{job:?}");
}

/// Returns the real Nix, with another build in the place of each build, which takes 10 minutes.
pub fn slow_builds(project: &Project) -> StandIns {
    let real = nix("oldest");
    let derivation = format!(
        r#"derivation {{ name = "slow"; system = "x86_64-linux"; builder = "/bin/sh";
        args = [ "-c" "sleep 600" "{}" ]; }}"#,
        project.path("").display()
    );
    let script = format!(
        "[ \"$1\" = build ] || exec {0} \"$@\"\nexec {0} build --no-link -L --impure --expr '{derivation}'",
        real.display()
    );
    StandIns::new().script("nix", &script)
}

/// Waits until the builder of [`slow_builds`] runs.
#[track_caller]
pub fn wait_for_builder(running: &mut Running) {
    // The sandbox gives busybox this name, and busybox is its `sleep` too.
    running.process("sh");
}

//! The phases of a job, each with a deadline and an outcome of its own, and the retries.

use pikaci::event::Outcome;

use crate::support::project::{Project, json, ran};
use crate::support::stand_in::StandIns;

#[test]
fn each_phase_has_its_own_deadline_and_outcome() {
    let project = Project::with_guests(
        r#"{
          guests.slow-to-boot = { bootTimeout = 1; };
          guests.slow-to-pack = { collectTimeout = 1; };
          jobs = {
            boot = { command = "true"; guest = "slow-to-boot"; };
            job = { command = "echo begun; sleep 100"; timeout = 1; artifacts = [ "pikaci.nix" ]; };
            collect = { command = "head -c 400000000 /dev/urandom >big"; artifacts = [ "big" ]; guest = "slow-to-pack"; };
            full = { command = "truncate -s 1100M big"; artifacts = { paths = [ "big" ]; size = 1024; }; };
          };
        }"#,
    );
    let mut command = project.command(&["run", "-j1"]);
    let ended = ran(command.env("PIKACI_INFRA_RETRIES", "1")).exits(102);
    let job = |name: &str| {
        let job = project.job(name);
        (job.status.outcome().unwrap(), job.attempt, job.exit.reason.message.unwrap())
    };
    // Only a lost guest is tried again, and not a failure of the job itself.
    assert_eq!(job("boot"), (Outcome::Errored, 2, "the guest wasn't ready within 1 s".to_owned()));
    assert!(ended.stderr.contains("boot: started again (attempt 2)"), "{}", ended.stderr);
    assert!(!project.job("boot").earlier_attempts[0].exit.reason.evidence.is_empty());
    let timed_out = "the command didn't end within its timeout of 1 s".to_owned();
    assert_eq!(job("job"), (Outcome::TimedOut, 1, timed_out));
    assert_eq!(project.job("job").artifacts.artifacts, 1);
    let late = "the guest didn't power off within 1 s after the command".to_owned();
    assert_eq!(job("collect"), (Outcome::Errored, 2, late));
    let full = project.job("full");
    let left_out = "artifacts were left out: \"big\" doesn't fit into the `size` of the artifacts";
    assert_eq!((full.status.outcome(), full.warnings), (Some(Outcome::Passed), vec![left_out.to_owned()]));
    let plan = json(&project.last_run().join("plan.json"));
    let nodes = plan["nodes"].as_array().unwrap();
    let boot = nodes.iter().find(|node| node["id"] == "execute:boot").unwrap();
    assert_eq!(boot["execute"]["deadlines"]["boot_secs"], 1);
    assert_eq!(nodes[0]["prepare"]["timeout_secs"], 1800);
}

#[test]
fn a_job_whose_share_broke_once_is_flaky() {
    let project = Project::with_guests(r#"{ jobs.a.command = "echo here"; }"#);
    let path = std::env::var_os("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|folder| folder.join("bwrap")).find(|file| file.exists()).unwrap();
    let breaks = format!(
        "case \"$*\" in *virtiofsd*) [ -e {0} ] || {{ : >{0}; echo broken >&2; exit 1; }} ;; esac\nexec {1} \"$@\"",
        project.path("mark").display(),
        real.display()
    );
    // If bubblewrap ends, the daemon in it ends too.
    let instead = StandIns::new().script("bwrap", &breaks);
    let mut command = instead.before(project.command(&["run"]));
    let ended = ran(command.env("PIKACI_INFRA_RETRIES", "1")).exits(0);
    let job = project.job("a");
    assert_eq!((job.status.outcome(), job.attempt, job.flaky), (Some(Outcome::Passed), 2, true), "{}", ended.stdout);
    let first = job.earlier_attempts[0].exit.reason.message.as_deref().unwrap();
    assert!(first.starts_with("the daemon that shares"), "{first}");
    assert_eq!(project.output("a"), "here\n");
}

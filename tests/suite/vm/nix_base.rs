//! Guests of base `nix`, on a nixpkgs of Debian packages.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pikaci::event::Outcome;
use pikaci::record::RunRecord;

use crate::support::fixture;
use crate::support::project::json;
use crate::support::tools::nix;

const JOBS: &str = r#"{
  guests.small = { base = "nix"; };
  guests.tools = { base = "nix"; packages = [ "hello" "unixtools.xxd" ]; devShell = "default"; };
  defaults.guest = "tools";
  jobs.passes = {
    command = ''
      hello
      printf pikaci | xxd -p
      make --version | head -n 1
      printf 'all:\n\t@echo made\n' >Makefile && make
      echo "$0 $(id -un) $(cat greeting)"
      ! touch /nix/store/x && ! test -e /usr/bin/gcc
      ! test -e "$(cat canary)"
      ls /nix/store | wc -l
      mkdir out && echo kept >out/file
    '';
    artifacts = [ "out/*" ];
  };
  jobs.fails = { command = "exit 3"; };
  jobs.slow = { command = "sleep 600"; timeout = "1s"; };
  jobs.without = { command = "! hello && busybox true"; guest = "small"; };
}"#;

#[test]
fn jobs_pass_fail_and_time_out_with_their_packages() {
    let project = fixture::project(JOBS).file("greeting", "hi\n");
    // A store path that the guest doesn't need.
    let canary =
        Command::new(nix("oldest").with_file_name("nix-store")).arg("--add").arg(project.path("greeting")).output();
    let canary = String::from_utf8(canary.unwrap().stdout).unwrap();
    assert!(fs::exists(canary.trim()).unwrap(), "{canary}");
    let project = project.file("canary", &canary);
    project.pikaci(&["run"]).exits(100);
    let outcome = |job: &str| project.job(job).status.outcome();
    let runner = |run: &RunRecord| {
        let paths = run.prepares.iter().map(|prepare| PathBuf::from(prepare.runner.clone().unwrap()).join("closure"));
        paths.map(|path| fs::read_to_string(path).unwrap().lines().count()).max().unwrap()
    };
    let closure = runner(&project.record());
    assert_eq!(
        project.output("passes").lines().collect::<Vec<_>>(),
        [
            "Hello, world!",
            "70696b616369",
            "GNU Make 4.3",
            "made",
            "/bin/sh job hi",
            "touch: /nix/store/x: Read-only file system",
            &closure.to_string(),
        ],
    );
    assert_eq!(outcome("passes"), Some(Outcome::Passed));
    assert_eq!((outcome("fails"), project.job("fails").exit.exit_code), (Some(Outcome::Failed), Some(3)));
    assert_eq!(outcome("slow"), Some(Outcome::TimedOut));
    assert_eq!(outcome("without"), Some(Outcome::Passed), "{}", project.output("without"));
    assert_eq!(project.job("passes").artifacts.artifacts, 1);
    let plan = json(&project.last_run().join("plan.json"));
    let prepares = plan["nodes"].as_array().unwrap().iter().filter(|node| node["kind"] == "prepare");
    assert_eq!(prepares.count(), 2, "equal guests share a runner");
    project.pikaci(&["run", "without"]).exits(0);
    let record = project.record();
    assert_eq!(record.prepares[0].status.outcome(), Some(Outcome::Cached), "a built runner isn't built again");
}

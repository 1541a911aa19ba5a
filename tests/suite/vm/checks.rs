//! The checks of a project's flake, built: each boots a guest in the sandbox of Nix.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::downstream::{Downstream, JOBS};
use crate::support::fixture::{self, nixpkgs_with_crates};
use crate::support::project::{json, ran};
use crate::support::repository::{self, Flake, NIXES};

/// A job in a NixOS.
const NIXOS_JOBS: &str = r#"{
  guests.default = { base = "nixos"; packages = [ "hello" ]; modules = [ "nix/module.nix" ]; };
  jobs.a = { command = "hello"; paths = [ "src/**" ]; };
}"#;
const MODULE: &str = r#"{ environment.etc."from-module".text = "here"; }"#;

#[test]
fn a_passed_check_has_its_artifacts_and_a_failed_one_a_reason() {
    let downstream = Downstream::new(JOBS);
    // The job sees this file, so that its check is never in the store already.
    let folder = downstream.folder.path().to_str().unwrap().to_owned();
    let downstream = downstream.file("src/folder", &folder);
    let passed = downstream.build("passes").exits(0);
    let nix_line = r#"> | @nix {"action":"msg","level":0,"msg":"forged"}"#;
    for line in ["> Hello, world!", "> 1000", "> src", "> /nix/store/", nix_line, "> pikaci: passes passed in "] {
        assert!(passed.stderr.contains(line), "{line}: {}", passed.stderr);
    }
    assert!(!passed.stderr.contains("> README"), "a file outside of `paths` is visible: {}", passed.stderr);
    let out = Path::new(passed.stdout.trim()).to_owned();
    assert_eq!(fs::read_to_string(out.join("artifacts/out/a")).unwrap(), "a\n");
    let record = json(&out.join("status.json"));
    assert_eq!((record["status"].as_str(), record["exit_code"].as_i64()), (Some("passed"), Some(0)));
    // The result refers to no guest and no hypervisor, and every build of it gives the same bytes.
    let log = fs::read_to_string(out.join("guest.log")).unwrap();
    assert!(log.contains("\n/nix/store/") && log.contains("\n@nix {"), "{log}");
    let closure = downstream.nix("oldest", &["path-info", "--recursive", out.to_str().unwrap()]).exits(0).stdout;
    assert_eq!(closure.trim(), out.to_str().unwrap());
    let fed = downstream.build("fed").exits(0).stderr;
    assert!(fed.contains(&format!("> {folder}a\n")) && fed.contains("> changed\n"), "{fed}");
    let again = ["build", "--no-link", "--rebuild", "path:.#checks.x86_64-linux.passes"];
    downstream.nix("oldest", &again).exits(0);

    let downstream = downstream.file("README", "another\n");
    let cached = downstream.build("passes").exits(0);
    assert_eq!(cached.stdout, passed.stdout, "an edit elsewhere changes nothing");
    assert!(!cached.stderr.contains("> "), "{}", cached.stderr);

    let failed = downstream.build("fails").exits(1);
    assert!(failed.stderr.contains("> about to fail"), "{}", failed.stderr);
    let why = "> pikaci: fails failed in ";
    assert!(
        failed.stderr.contains(why) && failed.stderr.contains("the command ended with exit code 3"),
        "{}",
        failed.stderr
    );
}

/// A job whose legs have steps and a service; a failure of one of the legs is allowed.
const LEGS: &str = r#"{
  guests.default.base = "nix";
  jobs.legs = {
    matrix.word = [ "one" "two" ];
    adjust = [ { "with".word = "two"; allowFailure = [ 7 ]; } ];
    env.FROM = { "inherit" = true; default = "default"; };
    services.db = { command = "echo up >/tmp/up; sleep 1000"; ready = "test -s /tmp/up"; };
    steps = [
      { name = "say"; command = "echo $word $FROM $PIKACI_JOB $PIKACI_ATTEMPT $PIKACI_NEEDS_STATUS \${PIKACI_RUN_ID-none}"; }
      { name = "fail"; command = "cat /tmp/up; exit 7"; }
      { name = "pass"; command = "echo not reached"; }
      { name = "report"; command = "echo report >report"; when = "always"; }
    ];
    artifacts = [ "report" ];
  };
}"#;

#[test]
fn a_leg_has_its_steps_and_its_service_and_an_allowed_failure_is_the_same_every_time() {
    let downstream = Downstream::new(LEGS);
    // So that the leg, which sees this file, never ran before.
    let folder = downstream.folder.path().to_str().unwrap().to_owned();
    let downstream = downstream.file("src/folder", &folder);
    let built = downstream.build("legs%5Bword=two%5D").exits(0);
    for line in ["> two default legs[word=two] 1 passed none", "> up", "> pikaci: legs[word=two] failed (allowed) in "]
    {
        assert!(built.stderr.contains(line), "{line}: {}", built.stderr);
    }
    let out = Path::new(built.stdout.trim());
    let record = json(&out.join("status.json"));
    assert_eq!((record["id"].as_str(), record["allowed"].as_bool()), (Some("legs[word=two]"), Some(true)));
    let steps = record["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| (step["name"].as_str().unwrap(), step["status"].as_str().unwrap())).collect();
    assert_eq!(steps, [("say", "passed"), ("fail", "failed"), ("pass", "skipped"), ("report", "passed")]);
    assert_eq!(record["services"][0]["name"], "db");
    assert_eq!(fs::read_to_string(out.join("artifacts/report")).unwrap(), "report\n");
    let again = ["build", "--no-link", "--rebuild", "path:.#checks.x86_64-linux.legs%5Bword=two%5D"];
    downstream.nix("oldest", &again).exits(0);
}

#[test]
fn the_template_makes_a_project_whose_job_runs() {
    let (flake, folder) = (Flake::new(), TempDir::with_prefix("pikaci-test-").unwrap());
    for version in NIXES {
        let project = folder.path().join(version);
        let new = ["flake", "new", "--template", &flake.reference()];
        ran(repository::command(version, &new).arg(&project)).exits(0);
        // The job sees this file, so that its check is never in the store already.
        fs::write(project.join("folder"), folder.path().to_str().unwrap()).unwrap();
        ran(flake.used(version, "flake check", &["path:."]).current_dir(&project)).exits(0);
        let check = ["--no-link", "--print-out-paths", "path:.#checks.x86_64-linux.greet"];
        let built = ran(flake.used(version, "build", &check).current_dir(&project)).exits(0).stdout;
        assert_eq!(fs::read_to_string(Path::new(built.trim()).join("guest.log")).unwrap(), "Hello, world!\n");
    }
}

/// Evaluates the check of a NixOS guest, before and after an edit of its module.
fn nixos_guest(inputs: [&str; 2], nixes: &[&str]) -> Downstream {
    let downstream = Downstream::on(NIXOS_JOBS, inputs, "inherit (inputs) microvm;");
    let downstream = downstream.file("nix/module.nix", MODULE);
    let made: Vec<Value> = nixes.iter().map(|version| downstream.derivations(version)).collect();
    assert!(made.iter().all(|one| one["a"].is_string() && *one == made[0]), "{made:?}");
    let downstream = downstream.file("README", "another\n");
    assert_eq!(downstream.derivations("oldest"), made[0], "an edit elsewhere changes nothing");
    let downstream = downstream.file("nix/module.nix", &MODULE.replace("here", "there"));
    assert_ne!(downstream.derivations("oldest"), made[0], "an edit of the module does");
    downstream
}

#[test]
fn a_nixos_guest_is_built_with_the_given_microvm_and_modules() {
    let downstream = nixos_guest([nixpkgs_with_crates().to_str().unwrap(), fixture::MICROVM], &NIXES);
    let runner = downstream.build("a.runner").exits(0).stdout;
    let runner = Path::new(runner.trim());
    assert_eq!(json(&runner.join("boot.json"))["schema_version"], 1);
    let toplevel = json(&runner.join("store.erofs"));
    let made_of = json(Path::new(toplevel.as_str().unwrap()));
    assert_eq!(made_of["extra"]["from-module"]["text"], "there");
    assert!(made_of["packages"][0].as_str().unwrap().ends_with("-hello"), "{made_of:#}");
}

#[cfg(feature = "real-inputs")]
#[test]
fn a_nixos_guest_evaluates_on_the_real_inputs() {
    let [nixpkgs, microvm] = [fixture::NIXPKGS, fixture::REAL_MICROVM].map(fixture::real);
    nixos_guest([&nixpkgs, &microvm], &["oldest"]);
}

//! What the operator leaves to a project, and what `--untrusted` leaves: nothing but a machine.

use std::fs;

use crate::local;
use crate::project::{Project, ran};

/// Jobs that each ask for one thing, and one that asks for nothing.
const JOBS: &str = r#"{
  guests.large.memory = "2G";
  guests.wide.vcpu = 2;
  jobs = {
    modest.command = "true";
    connected = { command = "true"; network = true; };
    root = { command = "true"; runAsRoot = true; };
    large = { command = "true"; guest = "large"; };
    wide = { command = "true"; guest = "wide"; };
  };
}"#;

#[test]
fn an_untrusted_change_gets_a_machine_and_nothing_besides() {
    let project = Project::new(JOBS);
    project.pikaci(&["plan", "--untrusted", "modest", "large"]).exits(0);
    for (job, asks) in [("connected", "asks for a network"), ("root", "runs as root of its guest")] {
        for command in ["plan", "run"] {
            let refused = project.pikaci(&[command, "--untrusted", job]).exits(2).stderr;
            let error = format!(
                "error: job {job} {asks}, which --untrusted doesn't leave to the project\n\
                 hint: if you trust this change, run it without --untrusted\n"
            );
            assert!(refused.contains(&error), "{refused}");
        }
        project.pikaci(&["plan", job]).exits(0);
    }
    assert_eq!(project.runs(), [""; 0]);
    let unisolated = local::project(r#"a.command = "true";"#);
    let refused = unisolated.pikaci(&["run", "--untrusted", "--allow-unisolated"]).exits(2).stderr;
    assert!(refused.contains("job a runs on this machine itself (base `none`), which --untrusted"), "{refused}");
}

#[test]
fn a_policy_limits_what_it_names() {
    let project = Project::new(JOBS);
    let policy = project.path("policy.json");
    let with = |text: &str, job: &str| {
        fs::write(&policy, text).unwrap();
        ran(project.command(&["plan", job]).env("PIKACI_POLICY", &policy))
    };
    for (text, job, asks, key) in [
        (r#"{ "network": false }"#, "connected", "asks for a network", "network"),
        (r#"{ "runAsRoot": false }"#, "root", "runs as root of its guest", "runAsRoot"),
        (r#"{ "memory": "1G" }"#, "large", "has 2048 MiB of memory, more than 1024 MiB", "memory"),
        (r#"{ "vcpu": 1 }"#, "wide", "has 2 CPUs, more than 1", "vcpu"),
        (r#"{ "bases": ["nix"] }"#, "modest", "has a guest of base `host`", "bases"),
    ] {
        let refused = with(text, job).exits(2).stderr;
        let by = policy.display();
        let error = format!(
            "error: job {job} {asks}, which {by} doesn't leave to the project\n\
             hint: if jobs may have it, set {key:?} in {by}\n"
        );
        assert_eq!(refused, error);
        with("{ }", job).exits(0);
    }
    let check = |text: &str| {
        fs::write(&policy, text).unwrap();
        ran(project.command(&["check", "--policy"]).arg(&policy))
    };
    check(r#"{ "version": 1, "bases": ["host"], "network": "host" }"#).exits(0);
    for (text, why) in [
        (r#"{ "netwrok": true }"#, "unknown field `netwrok`"),
        (r#"{ "version": 2 }"#, "has version 2, and this pikaci reads version 1"),
        (r#"{ "memory": "much" }"#, "memory can't be \"much\""),
    ] {
        let refused = check(text).exits(2).stderr;
        assert!(refused.contains(why) && refused.contains("pikaci schema policy"), "{refused}");
    }
    project.pikaci(&["check", "--policy", "/nonexistent"]).exits(2);
}

#[test]
fn a_recorded_plan_is_held_to_the_policy_of_today() {
    let project = local::project(r#"a.command = "true";"#);
    project.pikaci(&["run"]).exits(0);
    let refused = project.pikaci(&["rerun", "--untrusted"]).exits(2).stderr;
    assert!(refused.contains("job a runs on this machine itself (base `none`), which --untrusted"), "{refused}");
    assert_eq!(project.runs().len(), 1);
}

fn security() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md")).unwrap()
}

/// The keys are read from the errors that name them all.
#[test]
fn security_says_of_every_key_who_may_choose_it() {
    let security = security();
    let table = security.split("## Who may choose").nth(1).unwrap().split("\n## ").next().unwrap();
    let keys = include_str!("../../src/config/schema/keys.rs");
    let names = keys.split("key(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let missing: Vec<&str> = names.filter(|name| !table.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn security_names_tests_that_there_are() {
    let security = security();
    let shown = security.split("## Defences").nth(1).unwrap().split("\n## ").next().unwrap();
    let names: Vec<&str> = shown.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names.into_iter().filter(|name| !name.starts_with("prepare::")) {
        let (module, function) = name.split_once("::").unwrap();
        let file = format!("{}/tests/suite/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
        assert!(text.contains(&format!("fn {function}")), "{name}");
    }
}

//! The operator's policy for plans of a job file.

use std::fs;

use crate::support::project::{Project, ran};

/// A job for each kind of request, and `modest` without any.
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
fn an_untrusted_change_gets_a_guest_and_nothing_else() {
    let project = Project::with_nix(JOBS);
    project.pikaci(&["plan", "--untrusted", "modest", "large"]).exits(0);
    for (job, request) in [("connected", "requests a network"), ("root", "runs as root of its guest")] {
        for command in ["plan", "run"] {
            let refused = project.pikaci(&[command, "--untrusted", job]).exits(2).stderr;
            let error = format!(
                "error: job {job} {request}, which --untrusted doesn't allow\n\
                 hint: if you trust this change, run it without --untrusted\n"
            );
            assert!(refused.contains(&error), "{refused}");
        }
        project.pikaci(&["plan", job]).exits(0);
    }
    assert_eq!(project.runs(), [""; 0]);
    let unisolated = Project::without_guest(r#"a.command = "true";"#);
    let refused = unisolated.pikaci(&["run", "--untrusted", "--allow-unisolated"]).exits(2).stderr;
    assert!(refused.contains("job a runs on the host itself (base `none`), which --untrusted"), "{refused}");
}

#[test]
fn a_policy_refuses_only_the_requests_of_its_keys() {
    let project = Project::with_nix(JOBS);
    let policy = project.path("policy.json");
    let with = |text: &str, job: &str| {
        fs::write(&policy, text).unwrap();
        ran(project.command(&["plan", job]).env("PIKACI_POLICY", &policy))
    };
    for (text, job, request, key) in [
        (r#"{ "network": false }"#, "connected", "requests a network", "network"),
        (r#"{ "runAsRoot": false }"#, "root", "runs as root of its guest", "runAsRoot"),
        (r#"{ "memory": "1G" }"#, "large", "has 2048 MiB of memory, more than 1024 MiB", "memory"),
        (r#"{ "vcpu": 1 }"#, "wide", "has 2 CPUs, more than 1", "vcpu"),
        (r#"{ "bases": ["nix"] }"#, "modest", "has a guest of base `host`", "bases"),
    ] {
        let refused = with(text, job).exits(2).stderr;
        let by = policy.display();
        let error = format!(
            "error: job {job} {request}, which {by} doesn't allow\n\
             hint: to allow it, set {key:?} in {by}\n"
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

//! The language of jobs, on base `none`: steps, services, conditions, groups, variables and matrices.

use std::fs;
use std::process::Stdio;

use pikaci::event::Outcome;

use crate::support::flow::{FLOW, assert_flow};
use crate::support::project::{Project, ran};

#[test]
fn steps_run_by_their_conditions_beside_services() {
    let project = Project::without_guest(FLOW).file("sub/here", "here\n");
    fs::remove_file("/tmp/ready-flow").ok();
    project.pikaci(&["run"]).exits(0);
    assert_flow(&project);
}

#[test]
fn a_job_runs_after_failures_if_its_condition_says_so() {
    let project = Project::without_guest(
        r#"
        bad = { command = "exit 1"; };
        good = { command = "true"; };
        always = { command = "echo $PIKACI_NEEDS_STATUS"; needs = [ "bad" "good" ]; when = "always"; };
        failed = { command = "echo $PIKACI_NEEDS_STATUS"; needs = [ "bad" ]; when = "failed"; };
        unneeded = { command = "true"; needs = [ "good" ]; when = "failed"; };
        "#,
    );
    project.pikaci(&["run"]).exits(100);
    assert_eq!((project.output("always"), project.output("failed")), ("failed\n".to_owned(), "failed\n".to_owned()));
    let unneeded = project.job("unneeded");
    assert_eq!(unneeded.status.outcome(), Some(Outcome::Skipped));
    assert_eq!(unneeded.exit.reason.message.as_deref(), Some("it runs after a failure, and what it needs passed"));
}

#[test]
fn an_allowed_failure_fails_neither_the_run_nor_the_jobs_that_need_it() {
    let project = Project::without_guest(
        r#"
        flaky = { command = "exit 77"; allowFailure = [ 77 ]; retries = 2; };
        next = { command = "true"; needs = [ "flaky" ]; };
        "#,
    );
    let ended = project.pikaci(&["run"]).exits(0);
    assert!(ended.stdout.contains("1 passed, 1 failed (1 allowed)"), "{}", ended.stdout);
    assert_eq!(project.job("next").status.outcome(), Some(Outcome::Passed));
    assert_eq!(project.job("flaky").attempt, 1);
    assert_eq!(project.record().status.outcome(), Some(Outcome::Passed));
    let other = Project::without_guest(r#"flaky = { command = "exit 1"; allowFailure = [ 77 ]; };"#);
    other.pikaci(&["run"]).exits(100);
}

#[test]
fn a_job_that_prints_nothing_or_has_no_service_is_ended() {
    let project = Project::without_guest(
        r#"
        quiet = { command = "echo a; sleep 1000"; stall = 2; };
        late = { command = "echo never"; services.db = { command = "echo hello; sleep 1000"; ready = "false"; timeout = 1; }; };
        "#,
    );
    let ended = project.pikaci(&["run"]).exits(100);
    let message = |job: &str| project.job(job).exit.reason.message.unwrap();
    assert_eq!(project.job("quiet").status.outcome(), Some(Outcome::TimedOut));
    assert_eq!(message("quiet"), "the job printed nothing for 2 s");
    assert_eq!(message("late"), "the service db wasn't ready within 1 s");
    assert!(ended.stdout.contains("    hello\n"), "the log of the service is missing: {}", ended.stdout);
    assert!(ended.stdout.contains("pikaci logs --job late --service db"), "{}", ended.stdout);
}

#[test]
fn variables_of_the_caller_are_visible_in_the_plan() {
    let project = Project::without_guest(
        r#"a = { command = "echo $GIVEN,$FALLBACK,$SET"; env = {
            GIVEN = { "inherit" = true; }; FALLBACK = { "inherit" = true; default = "d"; };
        }; };"#,
    );
    let refused = ran(project.command(&["run"]).env_remove("GIVEN")).exits(2).stderr;
    assert!(refused.contains("job a inherits the variable GIVEN, which has no value"), "{refused}");
    assert!(refused.contains("hint: pikaci run --env GIVEN=…"), "{refused}");
    ran(project.command(&["run", "--env", "SET=s"]).env("GIVEN", "g")).exits(0);
    assert_eq!(project.output("a"), "g,d,s\n");
    let plan = fs::read_to_string(project.last_run().join("plan.json")).unwrap();
    assert!(plan.contains(r#""GIVEN": "g""#) && plan.contains(r#""inherited""#), "{plan}");
    // A stranger's project gets nothing of the environment.
    let untrusted = ran(project.command(&["plan", "--untrusted"]).env("GIVEN", "g")).exits(2).stderr;
    assert!(untrusted.contains("inherits the variable GIVEN, which has no value"), "{untrusted}");
}

#[test]
fn jobs_of_a_group_run_one_after_the_other_in_several_runs() {
    let jobs = r#"
        one = { command = "test ! -e busy && touch busy && sleep 1 && rm busy"; group = "g"; };
        two = { command = "test ! -e busy && touch busy && sleep 1 && rm busy"; group = "g"; };
    "#;
    let shared = tempfile::tempdir().unwrap();
    let jobs = jobs.replace("busy", &shared.path().join("busy").display().to_string());
    let project =
        Project::new(&format!(r#"{{ guests.default.base = "none"; groups.g.limit = 1; jobs = {{ {jobs} }}; }}"#));
    let start = || {
        let mut run = project.command(&["run", "--allow-unisolated"]);
        run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for mut run in [start(), start()] {
        assert!(run.wait().unwrap().success());
    }
}

#[test]
fn names_of_the_command_line_select_legs_by_values_and_patterns() {
    let project = Project::without_guest(
        r#"
        test = { matrix = { os = [ "a" "b" ]; cc = [ "gcc" "clang" ]; }; command = "echo $os-$cc"; };
        lint = { command = "true"; };
        "#,
    );
    let planned = |names: &[&str]| {
        let args = [&["plan", "--format=json", "--allow-unisolated"], names].concat();
        let plan: serde_json::Value = serde_json::from_str(&project.pikaci(&args).exits(0).stdout).unwrap();
        let nodes = plan["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["execute"]["job"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(planned(&["test[cc=gcc]"]), ["test[cc=gcc,os=a]", "test[cc=gcc,os=b]"]);
    assert_eq!(planned(&["test[os=a,cc=gcc]"]), ["test[cc=gcc,os=a]"]);
    assert_eq!(planned(&["test"]).len(), 4);
    assert_eq!(planned(&["t*", "lint"]).len(), 5);
    project.pikaci(&["plan", "test[cc=icc]"]).exits(4);
    project.pikaci(&["run", "--allow-unisolated", "test[cc=gcc,os=b]"]).exits(0);
    assert_eq!(project.output("test[cc=gcc,os=b]"), "b-gcc\n");
}

//! Results that jobs take from earlier runs, on base `none`.

use std::fs;

use pikaci::event::Outcome;

use crate::support::project::{Project, json};

/// Jobs that take earlier results: `test` needs `build`, and `lint` has two steps.
const JOBS: &str = r#"
    build = { command = "date +%N >out.txt; cat src/a; echo $CC"; artifacts = [ "out.txt" ]; paths = [ "src" ];
              cache = "trust"; env.CC = "gcc"; };
    test = { command = "echo $PIKACI_RUN_ID"; needs = [ "build" ]; paths = [ "tests" ]; cache = "trust"; };
    lint = { steps = [ { name = "one"; command = "echo 1"; } { name = "two"; command = "echo 2"; } ]; cache = "trust"; };
    each = { command = "true"; };
"#;

fn project() -> Project {
    Project::without_guest(JOBS).file("src/a", "a\n").file("tests/t", "t\n").file("README", "text\n")
}

/// Returns the outcomes of `build`, `test`, `lint` and `each` in the latest run.
fn outcomes(project: &Project) -> [Outcome; 4] {
    ["build", "test", "lint", "each"].map(|job| project.job(job).status.outcome().unwrap())
}

#[test]
fn a_job_takes_the_result_of_a_run_with_the_same_input() {
    use Outcome::{Cached, Passed};
    let project = project();
    project.pikaci(&["run", "--all"]).exits(0);
    assert_eq!(outcomes(&project), [Passed; 4]);
    let first = project.runs().pop().unwrap();
    let output = project.output("test");
    let artifacts = project.pikaci(&["artifacts", "--job", "build"]).exits(0).stdout;
    assert!(artifacts.contains("out.txt"), "{artifacts}");

    let again = project.pikaci(&["run", "--all"]).exits(0);
    assert_eq!(outcomes(&project), [Cached, Cached, Cached, Passed]);
    assert!(again.stdout.contains("1 passed, 3 cached"), "{}", again.stdout);
    assert!(again.stdout.contains(&format!("the result of run {first}")), "{}", again.stdout);
    assert_eq!(project.job("test").taken_from.unwrap().as_str(), first);
    assert_eq!(project.output("test"), output);
    assert_eq!(project.pikaci(&["logs", "--job", "lint", "--step", "two"]).exits(0).stdout, "2\n");
    assert_eq!(project.pikaci(&["artifacts", "--job", "build"]).exits(0).stdout, artifacts);
    let status = project.pikaci(&["status"]).exits(0).stdout;
    assert!(status.contains(&format!("the result of run {first}")), "{status}");
    let explained = project.pikaci(&["plan", "--all", "--explain"]).exits(0).stdout;
    assert!(
        explained.contains(&format!("  cached    build: it passed in run {first} with the same input")),
        "{explained}"
    );
    assert!(explained.contains("  runs      each: "), "{explained}");

    project.pikaci(&["run", "--all", "--force"]).exits(0);
    assert_eq!(outcomes(&project), [Passed; 4]);
    let forced = project.runs().pop().unwrap();
    project.pikaci(&["run", "--all"]).exits(0);
    assert_eq!(project.job("build").taken_from.unwrap().as_str(), forced);
    // A rerun runs its jobs, and keeps no results.
    project.pikaci(&["rerun"]).exits(0);
    assert_eq!(outcomes(&project), [Passed; 4]);
}

#[test]
fn a_changed_input_makes_a_job_run_and_why_names_it() {
    use Outcome::{Cached, Passed};
    let project = project();
    project.pikaci(&["run", "--all"]).exits(0);
    let first = project.runs().pop().unwrap();
    let run = |args: &[&str]| {
        project.pikaci(&[&["run", "--all"], args].concat()).exits(0);
        outcomes(&project)
    };
    // Only the job without `paths` depends on the file.
    let project_file = project.path("README");
    fs::write(project_file, "other\n").unwrap();
    assert_eq!(run(&[]), [Cached, Cached, Passed, Passed]);

    fs::write(project.path("src/a"), "b\n").unwrap();
    fs::write(project.path("src/new"), "").unwrap();
    let why = project.pikaci(&["why", "--all", "--env", "CC=clang", "test"]).exits(0).stdout;
    let second = project.runs().pop().unwrap();
    let expected = format!(
        "build runs: since run {second}, in which it passed, changed\n  2 files:\n    src/a\n    src/new\n  \
         variable CC: gcc -> clang\ntest runs: since run {second}, in which it passed, changed\n  \
         job build, which it needs\n  variable CC: (none) -> clang\n"
    );
    assert_eq!(why, expected);
    assert_eq!(run(&[]), [Passed, Passed, Passed, Passed]);
    let last = project.pikaci(&["why", "--run", "latest", "build", "each"]).exits(0).stdout;
    assert!(
        last.starts_with(&format!("build runs: since run {second}, in which it passed, changed\n  2 files:")),
        "{last}"
    );
    assert!(last.ends_with("each runs each time: it took no earlier results\n"), "{last}");
    // The files of the first run are there again, and so is its result.
    fs::write(project.path("src/a"), "a\n").unwrap();
    fs::remove_file(project.path("src/new")).unwrap();
    assert_eq!(run(&[])[..2], [Cached, Cached]);
    assert_eq!(project.job("build").taken_from.unwrap().as_str(), first);
    assert_eq!(run(&["--env", "CC=clang"]), [Passed, Passed, Passed, Passed]);
    let why = project.pikaci(&["why", "--all", "each", "build"]).exits(0).stdout;
    assert!(why.contains(&format!("build takes the result of run {first}: its input is the same\n")), "{why}");
    assert!(why.contains("each runs each time: `cache` is off\n"), "{why}");
}

#[test]
fn only_a_pass_at_the_first_attempt_is_kept() {
    let project = Project::without_guest(
        r#"
        bad = { command = "exit 3"; allowFailure = true; cache = "trust"; };
        flaky = { command = "[ -e $MARK ] || { : >$MARK; exit 3; }"; retries = 1; cache = "trust"; };
        network = { command = "true"; cache = true; };
        always = { command = "true"; when = "always"; cache = "trust"; };
        skipped = { command = "true"; needs = [ "network" ]; cache = "trust"; };
        "#,
    );
    let mark = project.path(".git/mark");
    fs::create_dir_all(mark.parent().unwrap()).unwrap();
    let env = format!("MARK={}", mark.display());
    for _ in 0..2 {
        fs::remove_file(&mark).ok();
        project.pikaci(&["run", "--env", &env]).exits(0);
        for job in ["bad", "flaky", "network", "always"] {
            assert_ne!(project.job(job).status.outcome(), Some(Outcome::Cached), "{job}");
        }
    }
    assert_eq!(project.job("skipped").status.outcome(), Some(Outcome::Cached));
    let why = project.pikaci(&["why"]).exits(0).stdout;
    for line in [
        "always runs each time: it also runs after failures",
        "network runs each time: it runs on this machine itself, which takes `cache = \"trust\"`",
    ] {
        assert!(why.contains(line), "{why}");
    }
    // Without the job that it needs, the job has another input than with it.
    project.pikaci(&["run", "--only", "skipped"]).exits(0);
    assert_eq!(project.job("skipped").status.outcome(), Some(Outcome::Passed));
}

#[test]
fn gc_keeps_the_run_whose_result_another_run_took() {
    let project = Project::without_guest(r#"a = { command = "echo a"; cache = "trust"; };"#);
    for _ in 0..3 {
        project.pikaci(&["run"]).exits(0);
    }
    let runs = project.runs();
    let done = project.pikaci(&["gc", "--keep-runs=1"]).exits(0).stdout;
    assert!(done.contains("kept 2 runs: 1 among the newest, 1 with results that newer runs took"), "{done}");
    assert_eq!(project.runs(), [runs[0].clone(), runs[2].clone()]);
    assert_eq!(project.pikaci(&["logs"]).exits(0).stdout, "a\n");
    project.pikaci(&["gc", "--keep-runs=0"]).exits(0);
    assert_eq!(fs::read_dir(project.state("results")).unwrap().count(), 0);
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.job("a").status.outcome(), Some(Outcome::Passed));
}

#[test]
fn a_result_whose_run_is_damaged_is_not_taken() {
    let project = Project::without_guest(r#"a = { command = "echo a"; cache = "trust"; };"#);
    project.pikaci(&["run"]).exits(0);
    let log = project.state(project.job("a").logs.guest_log_path.unwrap().as_str());
    fs::remove_file(log).unwrap();
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.job("a").status.outcome(), Some(Outcome::Passed));
    // The record of the run decides, not the file that names the run.
    let status = project.last_run().join("jobs/a/status.json");
    let text = json(&status).to_string().replace("\"passed\"", "\"failed\"");
    fs::write(status, text).unwrap();
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.job("a").status.outcome(), Some(Outcome::Passed));
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.job("a").status.outcome(), Some(Outcome::Cached));
}

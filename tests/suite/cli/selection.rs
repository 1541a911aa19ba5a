//! Jobs that the options of `pikaci run` select, on base `none`.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::plans::{jobs, plan};
use crate::support::project::{Project, Ran, ran};

const JOBS: &str = r#"{
  guests.default.base = "none";
  jobs.build.command = "true";
  jobs.test = { command = "[ -e mended ]"; needs = [ "build" ]; paths = [ "src" ]; };
  jobs.late = { command = "true"; needs = [ "test" ]; paths = [ "src" ]; };
  jobs.docs = { command = "true"; paths = [ "docs" ]; };
}"#;

fn project() -> Project {
    Project::new(JOBS).file("src/a.c", "int a;\n").file("docs/a.md", "a\n").committed()
}

fn ended(project: &Project) -> Vec<String> {
    project.record().jobs.iter().map(|job| format!("{} {}", job.id, job.status.word())).collect()
}

/// Runs pikaci with a text as its standard input.
fn with_input(project: &Project, args: &[&str], input: &[u8]) -> Ran {
    let file = project.path("input");
    fs::File::create(&file).unwrap().write_all(input).unwrap();
    ran(project.command(args).stdin(Stdio::from(fs::File::open(file).unwrap())))
}

#[test]
fn skipped_and_needed_jobs_stay_out_on_request() {
    let project = project();
    let skipped = project.pikaci(&["run", "--skip", "t*", "--skip", "docs"]).exits(0);
    assert_eq!(ended(&project), ["build passed", "late passed"]);
    assert!(skipped.stdout.contains("\n  left out   test           --skip t*\n"), "{}", skipped.stdout);
    assert!(!skipped.stdout.contains("hint:"), "{}", skipped.stdout);
    project.pikaci(&["run", "--only", "late"]).exits(0);
    assert_eq!(ended(&project), ["late passed"]);
    let unknown = project.pikaci(&["run", "--skip", "tset"]).exits(4).stderr;
    assert_eq!(unknown, "error: no target or job is named \"tset\"\nhint: did you mean \"test\"?\n");
    let plan = ran(project.command(&["plan", "--format", "json"]).env("PIKACI_SKIP", "test")).exits(0).stdout;
    assert!(plan.contains("--skip test"), "{plan}");
}

#[test]
fn failed_jobs_run_again_on_the_files_of_today() {
    let project = project();
    let early = project.pikaci(&["run", "--failed"]).exits(4).stderr;
    assert!(early.contains("no run has ended yet in ") && early.ends_with("hint: pikaci run\n"), "{early}");
    project.pikaci(&["run"]).exits(100);
    let first = project.record().run_id;
    let project = project.file("mended", "");
    let explained = project.pikaci(&["plan", "--failed", "--explain"]).exits(0).stdout;
    let reason = format!("it didn't pass in run {first}");
    assert_eq!(
        explained,
        format!(
            "all (what didn't pass in run {first})\n  runs      build: test needs it\n  runs      late: {reason}\n  \
             runs      test: {reason}\n"
        )
    );
    project.pikaci(&["run", "--failed", "--only"]).exits(0);
    assert_eq!(ended(&project), ["test passed", "late passed"]);
    let nothing = project.pikaci(&["run", "--failed"]).exits(0).stderr;
    assert_eq!(nothing, format!("nothing to do: no selected job failed in run {}\n", project.record().run_id));
    let project = project.file("pikaci.nix", &JOBS.replace("jobs.late", "jobs.later"));
    project.pikaci(&["rerun", first.as_str(), "test"]).exits(100);
    fs::remove_file(project.path("mended")).unwrap();
    project.pikaci(&["run", "later"]).exits(100);
    let project = project.file("pikaci.nix", JOBS);
    let note = project.pikaci(&["plan", "--failed"]).exits(0).stderr;
    assert_eq!(note, format!("note: later of run {} is no longer in pikaci.nix\n", project.record().run_id));
}

#[test]
fn only_affected_jobs_run_on_request() {
    let project = project();
    let clean = project.pikaci(&["run", "--affected", "build", "docs"]).exits(0).stderr;
    assert!(clean.contains("build: left out: no file changed against HEAD\n"), "{clean}");
    assert!(clean.ends_with("\nnothing ran: 2 jobs left out\n"), "{clean}");
    let project = project.file("docs/a.md", "b\n");
    // A job without `paths` depends on every file, and the jobs that need it depend on it.
    assert_eq!(jobs(&plan(&project, &["--affected"])), ["build", "docs", "test", "late"]);
    let project = project.file(
        "pikaci.nix",
        &JOBS.replace("jobs.build.command", "jobs.build.paths = [ \"Makefile\" ];\n  jobs.build.command"),
    );
    project.git(&["commit", "--quiet", "--all", "--message=paths"]);
    assert_eq!(jobs(&plan(&project, &["--affected", "docs", "late"])), Vec::<String>::new());
    let project = project.file("docs/a.md", "c\n");
    assert_eq!(jobs(&plan(&project, &["--affected", "docs", "late"])), ["docs"]);
    // Of a changed job file only the changed jobs count.
    let text = fs::read_to_string(project.path("pikaci.nix")).unwrap();
    let project =
        project.file("pikaci.nix", &text.replace("[ -e mended ]", "[ -e Makefile ]")).file("docs/a.md", "c\n");
    project.git(&["add", "docs"]);
    project.git(&["commit", "--quiet", "--message=docs"]);
    let explained = project.pikaci(&["plan", "--affected", "--explain"]).exits(0).stdout;
    for line in [
        "  runs      test: pikaci.nix defines it differently\n",
        "  runs      late: test, which it needs, is affected\n",
        "  left out  docs: no file of its paths changed against HEAD\n",
    ] {
        assert!(explained.contains(line), "{explained}");
    }
}

#[test]
fn a_list_replaces_the_comparison_by_git() {
    let project = project();
    let explain = |list: &[u8]| with_input(&project, &["plan", "--explain", "--changed-files", "-"], list);
    let listed = explain(b"./docs/a.md\n\nREADME\n").exits(0).stdout;
    let left_out = "no file of its paths changed according to --changed-files";
    assert_eq!(
        listed,
        format!(
            "all (2 files changed according to --changed-files)\n  runs      build: it has no paths\n  runs      docs: \
             its paths match docs/a.md\n  left out  late: {left_out}\n  left out  test: {left_out}\n"
        )
    );
    assert!(explain(b"src/a\nb\0").exits(0).stdout.contains("test: its paths match src/a"));
    let refused = explain(b"a\n../b\n").exits(2).stderr;
    assert_eq!(
        refused,
        "error: standard input:2: this name leads out of the project\nhint: write names relative to the folder of \
         pikaci.nix\n"
    );
    fs::write(project.path("list"), "src/a.c\n").unwrap();
    assert_eq!(jobs(&plan(&project, &["--changed-files", "list"])), ["build", "test", "late"]);
    project.pikaci(&["plan", "--changed-files", "missing"]).exits(2);
    project.pikaci(&["plan", "--changed-files", "list", "--base", "HEAD"]).exits(2);
}

#[test]
fn a_name_that_nothing_uses_is_reported() {
    let project = Project::new(
        r#"{ guests.defualt.base = "none"; guests.here.base = "none"; jobs.a = { command = "true"; guest = "here"; }; }"#,
    );
    let message = "nothing uses guest `defualt`; did you mean `default`?\n";
    for command in ["check", "plan", "run"] {
        let warned = project.pikaci(&[command]).exits(0).stderr;
        assert!(warned.starts_with(&format!("warning: {message}")), "{warned}");
        let refused = project.pikaci(&[command, "--strict"]).exits(2).stderr;
        assert!(refused.starts_with(&format!("error: {message}hint: ")), "{refused}");
    }
}

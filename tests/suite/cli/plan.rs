//! Jobs that `pikaci plan` selects.

use std::{env, fs};

use serde_json::Value;

use crate::support::plans::{jobs, plan, with_files};
use crate::support::project::{Project, json};

/// The picture of the README, and its job file.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pictures");
/// Jobs whose plan needs no facts about the host.
const LOCAL_JOBS: &str = r#"{
  guests.default.base = "none";
  jobs.lint = { command = "make lint"; description = "Style"; };
  jobs.test = { command = [ "make" "test" ]; needs = [ "lint" ]; };
  jobs.docs = { command = "make docs"; paths = [ "docs/**" "*.md" ]; };
  targets.pre-merge = { jobs = [ "test" ]; description = "Before a merge"; };
}"#;

fn local_project() -> Project {
    with_files(LOCAL_JOBS)
}

#[test]
fn changed_files_select_jobs_by_their_paths() {
    let project = local_project();
    let clean = project.pikaci(&["plan"]).exits(0).stdout;
    assert!(clean.starts_with("all (all: the working tree has no changes)\n"), "{clean}");
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"]);

    let project = project.file("src/a.c", "int changed;\n");
    let changed = plan(&project, &[]);
    assert_eq!((jobs(&changed), &changed["left_out"][0]["id"]), (vec!["lint", "test"], &Value::from("docs")));
    assert_eq!(jobs(&plan(&project, &["--all"])), ["docs", "lint", "test"]);
    assert_eq!(jobs(&plan(&project, &["docs"])), ["docs"], "a named job runs");

    project.git(&["checkout", "--quiet", "src/a.c"]);
    let project = project.file("docs/deep/new.md", "untracked\n");
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"], "untracked");
    project.git(&["add", "docs"]);
    fs::remove_file(project.path("docs/deep/new.md")).unwrap();
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"], "a change only in the index counts");
    project.git(&["reset", "--quiet", "--hard"]);
    fs::remove_file(project.path("docs/deep/b.md")).unwrap();
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"], "removed");
    project.git(&["reset", "--quiet", "--hard"]);

    let project = project.file("pikaci.nix", &LOCAL_JOBS.replace("make docs", "make other-docs"));
    let own = plan(&project, &[]);
    assert_eq!(jobs(&own), ["docs", "lint", "test"], "the job file says what each job does");
    assert_eq!(own["scope"], "1 file changed against HEAD, pikaci.nix among them");
    let project = project.file("sub/pikaci.nix", "not the project's");
    project.git(&["checkout", "--quiet", "pikaci.nix"]);
    assert_eq!(jobs(&plan(&project, &[])), ["lint", "test"], "another folder's");
    fs::remove_dir_all(project.path("sub")).unwrap();

    project.git(&["checkout", "--quiet", "-b", "feature"]);
    let project = project.file("src/a.c", "int feature;\n");
    project.git(&["commit", "--quiet", "--all", "--message=feature"]);
    assert_eq!(jobs(&plan(&project, &["--base", "main"])), ["lint", "test"]);
    let project = project.file("top.md", "in the working tree\n");
    assert_eq!(
        jobs(&plan(&project, &["--base", "main"])),
        ["docs", "lint", "test"],
        "changes since the base and in the working tree count"
    );
    let unknown = project.pikaci(&["plan", "--base", "nowhere"]).exits(2);
    assert!(unknown.stderr.contains("nowhere") && unknown.stderr.contains("\nhint: git fetch"), "{}", unknown.stderr);
}

#[test]
fn an_empty_selection_has_a_reason() {
    let project = Project::new(
        r#"{ jobs.docs = { command = "true"; paths = [ "docs/**" ]; }; targets.all-docs = { jobs = [ "docs" ]; }; }"#,
    )
    .file("src/a.c", "int a;\n")
    .committed()
    .file("src/a.c", "int b;\n");
    let why = "docs: no file of its paths changed against HEAD";
    let planned = project.pikaci(&["plan", "all-docs"]).exits(0);
    assert!(planned.stdout.contains(why), "{}", planned.stdout);
    let run = project.pikaci(&["run"]).exits(0);
    let lines = "docs: left out: no file of its paths changed against HEAD\nhint: pikaci run --all\n";
    let warning = "warning: `docs/**` in `jobs.docs.paths` matches no file of the project\n";
    assert_eq!(run.stderr, format!("{warning}{lines}nothing ran: 1 job left out\n"));
    let skipped = project.pikaci(&["run", "--skip", "docs", "--skip", "all-docs"]).exits(0);
    assert_eq!(skipped.stderr, format!("{warning}docs: left out: --skip all-docs\nnothing ran: 1 job left out\n"));
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn every_command_warns_about_a_glob_without_a_match() {
    let project = Project::new(
        r#"{
          guests.default.base = "none";
          jobs.code = { command = "true"; paths = [ "./src" "app/[id].js" "srcs/**" ]; };
          jobs.docs = { command = "true"; paths = [ "doc/" ]; };
        }"#,
    )
    .file("src/a.c", "int a;\n")
    .file("app/[id].js", "a\n")
    .committed();
    let line = |job, glob| format!("`{glob}` in `jobs.{job}.paths` matches no file of the project\n");
    let warning = |job, glob| format!("warning: {}", line(job, glob));
    let both = warning("docs", "doc/") + &warning("code", "srcs/**");
    let refused = format!(
        "error: {}  {}hint: correct the globs, or remove them\n",
        line("docs", "doc/"),
        line("code", "srcs/**")
    );
    assert_eq!(project.pikaci(&["check"]).exits(2).stderr, refused);
    assert_eq!(project.pikaci(&["run", "--strict"]).exits(2).stderr, refused);
    assert_eq!(project.pikaci(&["plan"]).exits(0).stderr, both);
    assert_eq!(project.pikaci(&["plan", "code"]).exits(0).stderr, warning("code", "srcs/**"));
    let project = project.file("app/[id].js", "b\n");
    assert_eq!(jobs(&plan(&project, &[])), ["code"]);
    let project = project.file("app/[id].js", "a\n").file("README.md", "new\n");
    assert!(project.pikaci(&["run"]).exits(0).stderr.starts_with(&(both + "code: left out: ")));
}

#[test]
fn jobs_that_are_left_out_are_reported_while_others_run() {
    let jobs = r#"{
      guests.default.base = "none";
      jobs.docs = { command = "true"; paths = [ "docs/**" ]; };
      jobs.code = { command = "true"; paths = [ "src/**" ]; };
      targets."pre merge" = { jobs = [ "docs" "code" ]; };
    }"#;
    let project = Project::new(jobs).file("src/a.c", "int a;\n").committed().file("src/a.c", "int b;\n");
    let run = project.pikaci(&["run", "pre merge"]).exits(0);
    let why = "no file of its paths changed against HEAD";
    assert!(run.stderr.contains(&format!(": 1 job\ndocs: left out: {why}\n")), "{}", run.stderr);
    let line = format!("\n  left out   docs          {why}\n");
    let hint = "\nhint: pikaci run --all 'pre merge'\n";
    assert!(run.stdout.contains(&line) && run.stdout.ends_with(hint), "{}", run.stdout);
    let status = project.pikaci(&["status"]).exits(0).stdout;
    assert!(status.contains("\n  left out   docs ") && status.ends_with(hint), "{status}");
    assert_eq!(json(&project.last_run().join("run.json"))["left_out"][0]["id"], "docs");
}

#[test]
fn an_unknown_name_exits_with_4_and_names_the_nearest() {
    let project = local_project();
    for command in ["plan", "run"] {
        let near = project.pikaci(&[command, "tset"]).exits(4);
        assert_eq!(near.stderr, "error: no target or job is named \"tset\"\nhint: did you mean \"test\"?\n");
        let far = project.pikaci(&[command, "something-else"]).exits(4);
        assert!(far.stderr.ends_with("hint: pikaci.nix has pre-merge, docs, lint, test\n"), "{}", far.stderr);
    }
    let target = plan(&project, &["pre-merge"]);
    assert_eq!((jobs(&target), &target["target_description"]), (vec!["lint", "test"], &Value::from("Before a merge")));
}

#[test]
fn a_plan_is_printed_as_a_graph() {
    let project = Project::without_guest(
        r#"
        "<b>uild" = { command = "true"; };
        test = { matrix = { cc = [ "gcc" "clang" ]; }; command = "true"; needs = [ "<b>uild" ]; };
        "#,
    );
    let graph = |language| project.pikaci(&["plan", "--graph", language]).exits(0).stdout;
    assert!(graph("dot").contains("\n  n0 -> n1;\n"), "{}", graph("dot"));
    assert!(graph("mermaid").contains("\n  n0 --> n1\n"), "{}", graph("mermaid"));
    let text = "\n  <b>uild: not isolated\n      test [cc=clang; cc=gcc]: after <b>uild; not isolated\n";
    assert!(graph("text").ends_with(text), "{}", graph("text"));
    let picture = graph("svg");
    assert!(picture.contains(">&lt;b&gt;uild</text>") && !picture.contains("<b>"), "{picture}");
    assert_eq!(picture, graph("svg"), "the same plan gives the same bytes");
    project.pikaci(&["plan", "--graph=svg", "--format=json"]).exits(2);
    assert!(!project.path(".pikaci").exists());
}

#[test]
fn the_picture_of_the_readme_is_the_graph_of_its_job_file() {
    let project = Project::new(&fs::read_to_string(format!("{PICTURES}/graph.nix")).unwrap());
    let picture = project.pikaci(&["plan", "--graph=svg"]).exits(0).stdout;
    let file = format!("{PICTURES}/graph.svg");
    // As for the goldens.
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&file, &picture).unwrap();
    }
    let command = "INSTA_UPDATE=always cargo test --features failpoints --test suite cli::plan";
    assert!(fs::read_to_string(&file).is_ok_and(|written| written == picture), "{file} is old: {command}");
}

//! Ten thousand old runs: only those that are shown are read.

use std::fs;

use crate::support::project::{Project, ran};
use crate::support::records::Run;
use crate::support::tools::tool_command;

const RUNS: usize = 10_000;

#[test]
fn only_runs_that_are_shown_are_read() {
    let project = Project::with_nix("{ jobs.a.command = \"true\"; }");
    let model = Run::passed(&project, "20261101-000000000-0000");
    let record = fs::read(model.layout().record()).unwrap();
    for number in 1..RUNS {
        let folder = project.state(&format!("runs/20261101-{number:09}-0000"));
        fs::create_dir(&folder).unwrap();
        // Only the newest records can be read.
        fs::write(folder.join("run.json"), if number + 20 < RUNS { b"{" } else { record.as_slice() }).unwrap();
    }
    let list = project.pikaci(&["list"]).exits(0);
    assert_eq!(list.stdout.matches(" passed ").count(), 20, "{}", list.stdout);
    assert!(list.stdout.ends_with("\n9980 older; all: pikaci list --limit 10000\n"), "{}", list.stdout);
    let whole = "20261101-000009999-0000";
    for args in [&["status", whole][..], &["status", "20261101-00000999", "--format=json"]] {
        let code = if args.len() == 2 { 0 } else { 4 };
        project.pikaci(args).exits(code);
    }
    assert_eq!(opened(&project, &["list", "--limit=7"]), 7);
    assert_eq!(opened(&project, &["status"]), 4, "to select the run, to read it, its job, and its plan for hints");
}

/// Returns the number of opened files of runs, after asserting that no run costs more than a few file accesses.
#[track_caller]
fn opened(project: &Project, args: &[&str]) -> usize {
    let trace = project.path("trace");
    let pikaci = project.command(args);
    let mut strace = tool_command("strace");
    strace.args(["-f", "-qq", "-e", "trace=%file", "-o"]).arg(&trace).arg(pikaci.get_program());
    ran(strace.args(pikaci.get_args()).current_dir(project.path("."))).exits(0);
    let trace = fs::read_to_string(trace).unwrap();
    let of_runs: Vec<&str> = trace.lines().filter(|line| line.contains("runs/2026")).collect();
    assert!(of_runs.len() <= 3 * RUNS, "{} lists {RUNS} runs", of_runs.len());
    of_runs.into_iter().filter(|line| line.contains(" open") && line.contains(".json\"")).count()
}

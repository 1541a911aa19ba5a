//! `pikaci list` in a trace of system calls and in a read-only state folder.

use std::fs;

use crate::support::project::{Project, ran};
use crate::support::records::Run;
use crate::support::tools::tool_command;

fn project() -> Project {
    Project::with_nix("{ jobs.test.command = \"true\"; }")
}

/// Only the runs that are shown are read, whatever the number of runs.
#[test]
fn a_list_reads_only_the_runs_that_it_shows() {
    let project = project();
    let model = Run::passed(&project, "20261101-000000-000000");
    let record = fs::read(model.layout().record()).unwrap();
    for number in 1..300 {
        let folder = project.state(&format!("runs/20261101-000000-{number:06}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("run.json"), &record).unwrap();
    }
    let trace = project.path("trace");
    let pikaci = project.command(&["list", "--limit=7"]);
    let mut strace = tool_command("strace");
    strace.args(["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"]).arg(&trace).arg(pikaci.get_program());
    strace.args(pikaci.get_args()).current_dir(project.path("."));
    let list = ran(&mut strace).exits(0).stdout;
    assert!(list.ends_with("\n293 older; all: pikaci list --limit 300\n"), "{list}");
    let trace = fs::read_to_string(trace).unwrap();
    let of_runs = |line: &&str| line.contains("runs/2026") && line.contains(".json\"");
    assert_eq!(trace.lines().filter(of_runs).count(), 7, "{trace}");
}

/// The end of a killed run can't be recorded in a read-only folder, so it is only shown.
#[test]
fn runs_in_a_read_only_state_folder_are_shown() {
    let project = project();
    Run::passed(&project, "1");
    let mut killed = Run::begin(&project, "2", &["a", "b"]);
    killed.start("a");
    fs::write(killed.attempt("a").guest_log(), "a\n").unwrap();
    killed.is_killed();
    let output_of = |args: &[&str]| {
        let pikaci = project.command(args);
        let mut bwrap = tool_command("bwrap");
        bwrap.args(["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--chdir"]).arg(project.path("."));
        ran(bwrap.arg(pikaci.get_program()).args(pikaci.get_args())).exits(0).stdout
    };
    assert!(output_of(&["list"]).contains("1 errored, 1 cancelled\n1 "), "{}", output_of(&["list"]));
    let status = output_of(&["status"]);
    assert!(status.contains("2 errored: 1 errored, 1 cancelled\n"), "{status}");
    assert!(status.contains("\nmessage  interrupted: pikaci was killed or the machine went down\n"), "{status}");
    assert_eq!(output_of(&["logs", "--job=a", "--follow"]), "a\n");
    assert_eq!(output_of(&["artifacts"]), "");
    let list = project.pikaci(&["list"]).exits(0);
    assert_eq!(list.stderr, "run 2 was interrupted; its end is now recorded\n");
}

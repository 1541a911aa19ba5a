//! `pikaci list`, `status`, `logs` and `artifacts` on runs made by hand.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use pikaci::event::Outcome;
use pikaci::failpoint::Point;
use pikaci::record::{Artifact, Manifest};
use pikaci::state::write_json;
use serde_json::Value;

use crate::support::project::{Project, json, ran};
use crate::support::records::Run;

fn project() -> Project {
    Project::new("{ jobs.test.command = \"true\"; }")
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns the first word of each line except the first line.
fn ids(list: &str) -> Vec<&str> {
    list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}

/// Creates four runs; the second one is broken.
fn four() -> (Project, Vec<Run>) {
    let project = project();
    let runs = (1..=4).map(|day| Run::passed(&project, &format!("2026112{day}-101500-abcdef"))).collect::<Vec<_>>();
    fs::write(runs[1].layout().record(), "{").unwrap();
    (project, runs)
}

#[test]
fn a_missing_state_folder_has_no_runs() {
    let project = project();
    let list = project.pikaci(&["list"]).exits(0);
    assert_eq!((list.stdout.as_str(), list.stderr.as_str()), ("", "no runs yet\nhint: pikaci run\n"));
    let list = parse(&project.pikaci(&["list", "--format=json"]).exits(0).stdout);
    assert_eq!((&list["runs"], &list["older"]), (&Value::Array(Vec::new()), &0.into()));
    for command in ["status", "logs", "artifacts"] {
        let ran = project.pikaci(&[command]).exits(4);
        assert!(ran.stderr.starts_with("error: there are no runs yet in ") && ran.stdout.is_empty(), "{}", ran.stderr);
        assert!(ran.stderr.ends_with("\nhint: pikaci run\n"), "{}", ran.stderr);
    }
    assert!(!project.path(".pikaci").exists());
}

#[test]
fn the_list_is_newest_first_with_broken_records() {
    let (project, runs) = four();
    // A crash may leave a folder, and others may leave any file.
    fs::create_dir(project.state("runs/20261120-101500-abcdef")).unwrap();
    fs::create_dir(project.state("runs/.tmp-1")).unwrap();
    fs::write(project.state("runs/a.txt"), "").unwrap();
    let later = runs[0].layout().record();
    let mut value = json(&later);
    value["schema_version"] = 2.into();
    write_json(Point::RunRecord, &later, &value).unwrap();

    let list = project.pikaci(&["list"]).exits(0).stdout;
    let days = ["24", "23", "22", "21", "20"].map(|day| format!("202611{day}-101500-abcdef"));
    assert_eq!(ids(&list), days);
    let lines: Vec<&str> = list.lines().skip(1).collect();
    assert!(lines[0].contains("passed") && lines[0].ends_with("4.0s  all     1 passed"), "{list}");
    let wrong = ["decoding ", "has version 2, and this pikaci supports version 1", "No such file or directory"];
    for (line, wrong) in lines[2..].iter().zip(wrong) {
        assert!(line.contains("broken") && line.contains("run.json") && line.contains(wrong), "{list}");
    }
    // A state folder that is named needs no project around it.
    let mut elsewhere = project.command(&["list", "--format=json", "--limit=3", "--state-root"]);
    let list = parse(&ran(elsewhere.arg(project.path(".pikaci")).current_dir("/")).exits(0).stdout);
    assert_eq!(list["runs"][1]["run_id"], days[1].as_str());
    assert_eq!((&list["broken"][0]["run_id"], &list["older"]), (&days[2].as_str().into(), &2.into()));
}

#[test]
fn latest_is_the_newest_readable_run() {
    let (project, runs) = four();
    fs::write(runs[3].layout().record(), "{").unwrap();
    for command in ["status", "logs", "artifacts"] {
        let ran = project.pikaci(&[command]).exits(0);
        assert!(ran.stderr.starts_with("run 20261124-101500-abcdef is broken: decoding "), "{}", ran.stderr);
        assert!(command != "status" || ran.stdout.contains("20261123-101500-abcdef passed"), "{}", ran.stdout);
    }
}

#[test]
fn a_run_is_selected_by_latest_its_id_or_a_prefix() {
    let (project, _runs) = four();
    let select = |word: &str| parse(&project.pikaci(&["status", word, "--format=json"]).exits(0).stdout);
    for (word, day) in [("latest", "24"), ("20261121-101500-abcdef", "21"), ("20261123", "23")] {
        assert_eq!(select(word)["run"]["run_id"], format!("202611{day}-101500-abcdef"), "{word}");
    }
    let newest = "20261124-101500-abcdef, 20261123-101500-abcdef";
    for (word, error) in [("2026", "4 runs begin with \"2026\""), ("nope", "no run \"nope\""), ("../runs", "no run")] {
        for command in ["status", "logs", "artifacts"] {
            let ran = project.pikaci(&[command, word]).exits(4);
            assert!(ran.stderr.contains(error) && ran.stdout.is_empty(), "{}", ran.stderr);
            assert!(ran.stderr.lines().last().unwrap().starts_with("hint: the newest"), "{}", ran.stderr);
            assert!(ran.stderr.contains(newest), "{}", ran.stderr);
        }
    }
    let broken = project.pikaci(&["status", "20261122"]).exits(1);
    assert!(
        broken.stderr.contains("run.json: ") && broken.stderr.ends_with("hint: pikaci list\n"),
        "{}",
        broken.stderr
    );
}

#[test]
fn status_reports_a_run_from_its_records() {
    let project = project();
    let mut run = Run::begin(&project, "20261122-101500-abcdef", &["build", "test", "deploy"]);
    run.start("build");
    run.finish("build", Outcome::Passed, None);
    run.start("test");
    let text = project.pikaci(&["status"]).exits(0).stdout;
    assert!(text.contains("abcdef running: 1 passed, 1 running, 1 queued\n"), "{text}");
    assert!(text.ends_with("\nhint: pikaci logs 20261122-101500-abcdef --job test --follow\n"), "{text}");
    run.finish("test", Outcome::Failed, Some("the command ended with exit code 2"));
    run.finish("deploy", Outcome::Skipped, Some("it needs test, which didn't pass"));
    run.end(Outcome::Failed);
    // If records are missing, the other records still give a status.
    fs::remove_dir_all(run.layout().job(&pikaci::id::JobId::new("build")).root()).unwrap();
    let text = project.pikaci(&["status"]).exits(0).stdout;
    assert!(text.contains("abcdef failed: 1 passed, 1 failed, 1 skipped\n"), "{text}");
    assert!(text.contains("  failed     test      0.0s  the command ended with exit code 2\n"), "{text}");
    let log = run.attempt("test").guest_log();
    assert!(text.contains(&format!("             {}, host.log, console.log\n", log.display())), "{text}");
    assert!(text.ends_with("\nhint: pikaci logs 20261122-101500-abcdef --job test\n"), "{text}");
}

#[test]
fn logs_are_printed_byte_for_byte() {
    let project = project();
    let mut run = Run::begin(&project, "1", &["a", "b", "c"]);
    let bytes = b"\xff\x00one\r\n\x1b[31mtwo".as_slice();
    run.start("a");
    fs::write(run.attempt("a").guest_log(), bytes).unwrap();
    fs::write(run.attempt("a").host_log(), "host of a\n").unwrap();
    fs::write(run.attempt("a").console_log(), "console of a\n").unwrap();
    run.finish("a", Outcome::Passed, None);
    run.start("b");
    fs::write(run.attempt("b").guest_log(), "b\n").unwrap();
    run.finish("b", Outcome::Failed, None);
    run.finish("c", Outcome::Skipped, Some("it needs b, which didn't pass"));
    run.end(Outcome::Failed);
    let output = |args: &[&str]| project.command(args).output().unwrap();
    assert_eq!(output(&["logs", "--job=a"]).stdout, bytes);
    assert_eq!(output(&["logs", "--job=a", "--kind=host"]).stdout, b"host of a\n");
    assert_eq!(output(&["logs", "--job=a", "--kind=console", "--follow"]).stdout, b"console of a\n");
    let all = output(&["logs"]);
    assert_eq!(all.stdout, [bytes, b"b\n"].concat());
    let headlines = "==> a <==\n\n==> b <==\njob c is skipped (it needs b, which didn't pass) and has no such log\n";
    assert_eq!(String::from_utf8(all.stderr).unwrap(), headlines);
    assert!(project.pikaci(&["logs", "--job=d"]).exits(4).stderr.ends_with("hint: it has a, b, c\n"));
    assert!(project.pikaci(&["logs", "--job=c"]).exits(4).stderr.starts_with("error: job c is skipped"));
    assert_eq!(project.pikaci(&["logs", "--job=b", "--kind=host"]).exits(4).stdout, "");
}

#[test]
fn a_single_job_needs_no_name_and_a_reader_may_close() {
    let project = project();
    let run = Run::passed(&project, "1");
    fs::write(run.attempt("test").guest_log(), vec![b'x'; 1 << 20]).unwrap();
    let mut logs = project.command(&["logs"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    logs.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    let output = logs.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn artifacts_are_listed_with_their_folder() {
    let project = project();
    let mut run = Run::begin(&project, "1", &["a", "b"]);
    for (job, path) in [("a", "./build/log"), ("b", "report.xml")] {
        run.start(job);
        fs::create_dir_all(run.attempt(job).artifacts()).unwrap();
        let files = vec![Artifact { path: path.to_owned(), len: 2048, ..Artifact::default() }];
        write_json(Point::Manifest, &run.attempt(job).manifest(), &Manifest::new(files)).unwrap();
        run.finish(job, Outcome::Passed, None);
    }
    run.end(Outcome::Passed);
    let folder = |job: &str| run.attempt(job).artifacts().display().to_string();
    let text = project.pikaci(&["artifacts"]).exits(0).stdout;
    let expected = format!("a: {}\n    2.0 KiB  build/log\nb: {}\n    2.0 KiB  report.xml\n", folder("a"), folder("b"));
    assert_eq!(text, expected);
    let value = parse(&project.pikaci(&["artifacts", "--job=b", "--format=json"]).exits(0).stdout);
    assert_eq!((&value["jobs"][0]["folder"], &value["jobs"][1]), (&folder("b").into(), &Value::Null));
    assert_eq!(value["jobs"][0]["files"][0]["len"], 2048);
    Run::passed(&project, "2");
    let none = project.pikaci(&["artifacts"]).exits(0);
    assert!(none.stdout.is_empty() && none.stderr.starts_with("run 2 has no artifacts\nhint: "), "{}", none.stderr);
}

#[test]
fn an_unusable_state_folder_is_reported_with_a_remedy() {
    let commands = ["list", "status", "logs", "artifacts", "run"];
    let file = project().file(".pikaci", "");
    for command in commands {
        let ran = file.pikaci(&[command]).exits(1);
        assert!(ran.stderr.contains(" is not a folder") && ran.stderr.contains("\nhint: move "), "{}", ran.stderr);
    }
    let later = project();
    Run::passed(&later, "1");
    fs::write(later.state("version"), "99\n").unwrap();
    for command in commands {
        let ran = later.pikaci(&[command]).exits(1);
        assert!(ran.stderr.contains(" has version \"99\"") && ran.stderr.contains("\nhint: use "), "{}", ran.stderr);
    }
    // A run can't continue without the version, but commands that only read can.
    fs::remove_file(later.state("version")).unwrap();
    later.pikaci(&["list"]).exits(0);
    let lost = later.pikaci(&["run"]).exits(1);
    assert!(lost.stderr.contains("its file `version` was lost: echo 1 > "), "{}", lost.stderr);
}

/// A closed reader ends neither `logs` nor a run.
#[test]
fn closed_outputs_change_no_exit_code() {
    let project = Project::without_guest("test.command = \"true\";");
    let exit_code = |command: &mut Command| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(writer.try_clone().unwrap()).stderr(writer).status().unwrap().code()
    };
    assert_eq!(exit_code(&mut project.command(&["run"])), Some(0));
    assert_eq!(project.record().status.outcome(), Some(Outcome::Passed));
    let mut run = Run::begin(&project, "3", &["a", "b"]);
    run.start("a");
    fs::write(run.attempt("a").guest_log(), "a\n").unwrap();
    run.end(Outcome::Passed);
    assert_eq!(exit_code(&mut project.command(&["logs"])), Some(0));
    assert_eq!(exit_code(&mut project.command(&["status", "nope"])), Some(4));
}

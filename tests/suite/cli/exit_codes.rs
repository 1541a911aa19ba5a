//! Exit codes of commands that start no guest.

use crate::support::project::{Project, ran};

const JOB_FILE: &str = r#"{ jobs.one = { command = "true"; }; }"#;

#[test]
fn a_command_with_nothing_to_do_exits_with_0() {
    let project = Project::new("{ }");
    let ran = project.pikaci(&["run"]).exits(0);
    assert_eq!(ran.stderr, "nothing to do: pikaci.nix has no jobs\n");
    for args in [&["--help"][..], &["--version"], &["check"], &["plan"]] {
        project.pikaci(args).exits(0);
    }
    assert_eq!(
        project.pikaci(&["check"]).stdout,
        "pikaci.nix is valid: 0 jobs, 0 targets\nread by pikaci, without Nix\n"
    );
    let one = Project::new(JOB_FILE).pikaci(&["check"]).exits(0);
    assert_eq!(one.stdout, "pikaci.nix is valid: 1 job, 0 targets\nread by pikaci, without Nix\n");
}

/// A reader may close the pipe at any time, but a full disk loses output.
#[test]
fn a_closed_reader_is_no_error_and_a_full_disk_is_one() {
    let project = Project::new(JOB_FILE);
    for args in [&["completions", "bash"][..], &["man"], &["man", "run"], &["check"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        assert_eq!(project.command(args).stdout(writer).status().unwrap().code(), Some(0), "{args:?}");
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = project.command(args).stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.starts_with("error: writing to stan"), "{args:?}: {stderr}");
    }
}

#[test]
fn manual_pages_that_cannot_be_written_are_an_error_with_a_remedy() {
    let refused = Project::new(JOB_FILE).pikaci(&["man", "--to", "pikaci.nix/pages"]).exits(1).stderr;
    let error = "error: writing manual pages to pikaci.nix/pages: Not a directory (os error 20)";
    assert_eq!(refused, format!("{error}\nhint: name a folder that you may write to\n"));
}

#[test]
fn a_wrong_command_line_or_job_file_exits_with_2() {
    let project = Project::new(JOB_FILE);
    for args in [
        &["run", "--no-such-option"][..],
        &["no-such-command"],
        &["man", "no-such-command"],
        &["man", "run", "--to", "folder"],
        &[],
        &["run", "--jobs", "0"],
        &["plan", "--all", "--base", "HEAD"],
        &["plan", "--base", ""],
    ] {
        let ran = project.pikaci(args).exits(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    let project = project.file("pikaci.nix", "{ jobs.one = { comand = \"true\"; }; }");
    for command in ["check", "plan", "run"] {
        let ran = project.pikaci(&[command]).exits(2);
        assert!(ran.stderr.contains("pikaci.nix:1") && ran.stderr.contains("did you mean"), "{}", ran.stderr);
    }
    let empty = tempfile::tempdir().unwrap();
    let elsewhere = project.pikaci(&["run", "-C", empty.path().to_str().unwrap()]).exits(2);
    assert!(elsewhere.stderr.contains("has a pikaci.nix\nhint: "), "{}", elsewhere.stderr);
    assert!(!project.state("").exists(), "no run started");
    let nowhere = project.pikaci(&["run", "-C", "/nonexistent"]).exits(2);
    assert!(
        nowhere.stderr.ends_with("\nhint: go to your project, or name it: pikaci -C DIR …\n"),
        "{}",
        nowhere.stderr
    );
}

/// pikaci neither uses a job file of a parent folder instead nor reads the pipe.
#[test]
fn a_job_file_that_is_no_regular_file_exits_with_2() {
    let project = Project::new(JOB_FILE);
    for name in ["folder/pikaci.nix", "pipe", "link"] {
        std::fs::create_dir_all(project.path(name)).unwrap();
    }
    let pipe = project.path("pipe/pikaci.nix");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("nowhere", project.path("link/pikaci.nix")).unwrap();
    for (name, problem) in [
        ("folder", "it is a folder, not a regular file"),
        ("pipe", "it is a pipe, not a regular file"),
        ("link", "it is a symbolic link or lies behind one"),
    ] {
        let ran = project.pikaci(&["check", "-C", name]).exits(2);
        let error = format!("{name}/pikaci.nix: {problem}\nhint: ");
        assert!(ran.stderr.contains(&error), "{}", ran.stderr);
    }
    std::fs::create_dir(project.path("deep")).unwrap();
    std::os::unix::fs::symlink("../pikaci.nix", project.path("deep/pikaci.nix")).unwrap();
    project.pikaci(&["check", "-C", "deep"]).exits(2);
}

#[test]
fn the_command_line_overrides_the_environment() {
    let project =
        Project::new(r#"{ guests.default.base = "none"; jobs.one = { command = "true"; paths = [ "src/**" ]; }; }"#)
            .committed();
    let exits = |code: i32, args: &[&str], variables: &[(&str, &str)]| {
        ran(project.command(args).envs(variables.iter().copied())).exits(code)
    };
    exits(0, &["plan", "--all"], &[("PIKACI_BASE", "nowhere")]);
    exits(2, &["plan"], &[("PIKACI_BASE", "nowhere")]);
    exits(2, &["plan"], &[("PIKACI_BASE", "HEAD"), ("PIKACI_ALL", "1")]);
    let typed = exits(0, &["plan", "--base=HEAD"], &[("PIKACI_ALL", "1")]);
    assert!(typed.stdout.starts_with("all (0 files changed against HEAD)\n"), "{}", typed.stdout);
    for yes in ["1", "true", "yes"] {
        let plan = exits(0, &["plan"], &[("PIKACI_ALL", yes)]);
        assert!(plan.stdout.starts_with("all (all: --all)\n"), "{}", plan.stdout);
    }
    for no in ["", "0", "false"] {
        let plan = exits(0, &["plan"], &[("PIKACI_ALL", no), ("PIKACI_BASE", "HEAD")]);
        assert!(plan.stdout.starts_with("all (0 files changed against HEAD)\n"), "{}", plan.stdout);
    }
    // Nothing matches, so that these runs end before any guest.
    let none = Project::new("{ }");
    for (option, variable) in [("--keep-going", "PIKACI_FAIL_FAST"), ("--fail-fast", "PIKACI_KEEP_GOING")] {
        ran(none.command(&["run", option]).env(variable, "true")).exits(0);
        none.pikaci(&["run", "--keep-going", "--fail-fast"]).exits(2);
    }
    let empty = ["DIRECTORY", "STATE_ROOT", "BASE", "ALL", "JOBS", "KEEP_GOING", "FAIL_FAST", "ACCEL"];
    let empty = empty.map(|name| (format!("PIKACI_{name}"), ""));
    ran(none.command(&["run"]).envs(empty)).exits(0);
    ran(none.command(&["list"]).env("PIKACI_LIMIT", "").env("PIKACI_FORMAT", "")).exits(0);
}

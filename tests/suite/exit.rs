//! Exit codes. That of a failed build (101) is in `prepare`, those of broken guests (102) and of signals are elsewhere.

use crate::project::{Project, Ran, ran};
use crate::stand_in::StandIns;

const JOB_FILE: &str = r#"{ jobs.one = { command = "true"; }; }"#;

#[test]
fn where_there_is_nothing_to_do_it_is_0() {
    let project = Project::new("{ }");
    let ran = project.pikaci(&["run"]).exits(0);
    assert_eq!(ran.stderr, "nothing to do: pikaci.nix has no jobs\n");
    for args in [&["--help"][..], &["--version"], &["check"], &["plan"]] {
        project.pikaci(args).exits(0);
    }
    assert_eq!(project.pikaci(&["check"]).stdout, "pikaci.nix is fine: 0 jobs, 0 targets\n");
    let one = Project::new(JOB_FILE).pikaci(&["check"]).exits(0);
    assert_eq!(one.stdout, "pikaci.nix is fine: 1 job, 0 targets\n");
}

/// A reader that goes away is no error; a disk that is full is one, and no panic.
#[test]
fn a_completion_script_and_a_manual_page_end_as_all_that_is_printed() {
    let project = Project::new(JOB_FILE);
    for args in [&["completions", "bash"][..], &["man"], &["check"]] {
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
fn a_wrong_command_line_or_job_file_is_2() {
    let project = Project::new(JOB_FILE);
    for args in [
        &["run", "--no-such-option"][..],
        &["no-such-command"],
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
    assert!(!project.state("").exists(), "nothing was begun");
    let nowhere = project.pikaci(&["run", "-C", "/nonexistent"]).exits(2);
    assert!(
        nowhere.stderr.ends_with("\nhint: go to your project, or name it: pikaci -C DIR …\n"),
        "{}",
        nowhere.stderr
    );
}

/// It isn't passed over for one further up, and a pipe isn't read.
#[test]
fn a_job_file_that_is_no_file_is_2() {
    let project = Project::new(JOB_FILE);
    for name in ["folder/pikaci.nix", "pipe", "link"] {
        std::fs::create_dir_all(project.path(name)).unwrap();
    }
    let pipe = project.path("pipe/pikaci.nix");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("nowhere", project.path("link/pikaci.nix")).unwrap();
    for (name, what) in [
        ("folder", "it is a folder, and no file"),
        ("pipe", "it is a pipe, and no file"),
        ("link", "a symbolic link is in its place or on the way to it"),
    ] {
        let ran = project.pikaci(&["check", "-C", name]).exits(2);
        let error = format!("{name}/pikaci.nix: {what}\nhint: ");
        assert!(ran.stderr.contains(&error), "{}", ran.stderr);
    }
    std::fs::create_dir(project.path("deep")).unwrap();
    std::os::unix::fs::symlink("../pikaci.nix", project.path("deep/pikaci.nix")).unwrap();
    project.pikaci(&["check", "-C", "deep"]).exits(2);
}

#[test]
fn a_source_tree_that_cannot_be_read_says_what_to_do() {
    let broken = Project::new(JOB_FILE).committed();
    std::fs::write(broken.path(".git/index"), "no index").unwrap();
    let seen = broken.pikaci(&["plan"]).exits(1);
    let hint = format!("\nhint: see what git says: git -C {} status\n", broken.path("").display());
    assert!(seen.stderr.ends_with(&hint.replace("/ status", " status")), "{}", seen.stderr);

    let large = Project::new(JOB_FILE).file("large", &"x".repeat(5 << 20)).file("disk/.keep", "");
    let pikaci = large.command(&["run", "--state-root=disk/state"]);
    let mut bwrap = std::process::Command::new("bwrap");
    bwrap.args(["--dev-bind", "/", "/", "--size", "1048576", "--tmpfs"]).arg(large.path("disk"));
    bwrap.arg(pikaci.get_program()).args(pikaci.get_args()).current_dir(large.path("."));
    let ran = ran(bwrap.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))))).exits(1);
    assert!(ran.stderr.contains("No space left") && ran.stderr.contains("\nhint: make room in "), "{}", ran.stderr);
}

#[test]
fn what_is_typed_goes_before_the_environment() {
    let project = Project::new(r#"{ jobs.one = { command = "true"; paths = [ "src/**" ]; }; }"#).committed();
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
    // Nothing is left to run, so that these end before any guest.
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

#[test]
fn where_no_machine_can_run_it_is_69_and_says_what_to_install() {
    let project = Project::new(JOB_FILE);
    // virtiofsd is also found where packages put it.
    let programs = ["qemu-system-x86_64", "bwrap", "nix"];
    for missing in programs {
        let mut there = StandIns::new().own("git");
        for program in programs.into_iter().filter(|program| *program != missing) {
            there = there.own(program);
        }
        let ran = ran(&mut there.alone(project.command(&["run"]))).exits(69);
        let error = format!("error: no virtual machine can run here: there is no {missing}\nhint: install it");
        assert!(ran.stderr.starts_with(&error), "{}", ran.stderr);
    }
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_virtiofsd_that_is_too_old_is_69() {
    let project = Project::new(JOB_FILE);
    let old = StandIns::new().script("virtiofsd", "echo virtiofsd 1.10.1");
    let ran = ran(&mut old.before(project.command(&["run"]))).exits(69);
    let error = "/virtiofsd is version 1.10.1, and virtiofsd 1.13 or newer is needed\nhint: install it";
    assert!(ran.stderr.contains(error), "{}", ran.stderr);
}

#[test]
fn a_kernel_that_cannot_be_read_is_69() {
    let with = |kernel: &str| {
        Project::new(&format!("{{ guests.default.kernel = \"{kernel}\"; jobs.one = {{ command = \"true\"; }}; }}"))
    };
    let asserted = |ran: Ran, what: &str| {
        assert!(ran.stderr.contains(what) && ran.stderr.contains("\nhint: "), "{}", ran.stderr);
    };
    for command in ["plan", "run"] {
        asserted(with("/no/such/kernel").pikaci(&[command]).exits(69), "/no/such/kernel can't be read: No such file");
        asserted(with("/etc/passwd").pikaci(&[command]).exits(69), "/etc/passwd is no Linux kernel");
        asserted(with("/dev/null").pikaci(&[command]).exits(69), "/dev/null can't be read: not a regular file");
    }
}

#[test]
fn more_memory_than_there_is_is_69() {
    let project = Project::new(r#"{ guests.default.memory = "4000G"; jobs.one = { command = "true"; }; }"#);
    let ran = project.pikaci(&["run"]).exits(69);
    assert!(ran.stderr.ends_with("hint: lower the guest's `memory` in pikaci.nix\n"), "{}", ran.stderr);
}

//! `pikaci plan` for guests: equal to the plan of the run, without any write.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::plans::{jobs, nodes, plan, project};
use crate::support::project::{Project, json, ran};
use crate::support::stand_in::{FAILING_NIX, StandIns};
use crate::support::tools::{inside, tool_command};

fn digest(plan: &Value) -> &str {
    plan["nodes"][0]["prepare"]["flake_digest"].as_str().unwrap()
}

#[test]
fn a_plan_has_the_same_bytes_each_time_and_in_the_run() {
    let project = project();
    let text = |project: &Project| project.pikaci(&["plan", "--format", "json"]).exits(0).stdout;
    let cold = text(&project);
    assert_eq!(cold, text(&project));
    assert!(!project.state("").exists(), "a plan makes no state folder");
    let nix = StandIns::new().script("nix", FAILING_NIX);
    ran(&mut nix.before(project.command(&["run"]))).exits(101);
    assert_eq!(cold, text(&project), "the plan is the same with a warm cache");
    let written = fs::read_to_string(project.last_run().join("plan.json")).unwrap();
    let recorded = json(&project.last_run().join("plan.json"));
    let unset =
        |text: String, key: &str| text.replace(&format!("\"{key}\": {}", recorded[key]), &format!("\"{key}\": null"));
    assert!(recorded["run_id"].is_string() && recorded["created_at"].is_string(), "{written}");
    assert_eq!(unset(unset(written, "run_id"), "created_at").trim_end(), cold.trim_end());
}

#[test]
fn planning_writes_nothing_and_starts_nothing_but_git() {
    let project = project().file("untracked", "new\n");
    assert_only_reads(&project, "cold");
    assert!(!project.state("").exists());
    let nix = StandIns::new().script("nix", FAILING_NIX);
    ran(&mut nix.before(project.command(&["run"]))).exits(101);
    assert_only_reads(&project, "warm");
    // A changed file is read again, which git would record in its index.
    let project = project.file("src/a.c", "int b;\n");
    assert_only_reads(&project, "changed");
}

#[track_caller]
fn assert_only_reads(project: &Project, when: &str) {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let planned = project.command(&["plan", "--base", "HEAD", "--format", "json"]);
    let mut command = tool_command("strace");
    command.args(["-f", "-qq", "-s", "200", "-e", "trace=%file,%network,%desc,%process,%ipc", "-o"]).arg(&trace);
    ran(&mut inside(command, &planned)).exits(0);
    let text = fs::read_to_string(&trace).unwrap();
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        // The form is `PID call(arguments) = result`; other lines report signals, ends and continued calls.
        let call = line.split_once(' ').map_or(line, |(_, rest)| rest.trim_start());
        if call.starts_with("<... ") || call.starts_with("+++ ") || call.starts_with("--- ") {
            continue;
        }
        let (name, arguments) = call.split_once('(').unwrap_or_else(|| panic!("{when}: {line}"));
        assert!(may(name, arguments), "{when}: {line}");
        *calls.entry(name).or_default() += 1;
    }
    assert!(calls["openat"] > 10 && calls["execve"] > 1, "{when}: the trace is incomplete: {calls:?}");
}

/// System calls that change nothing: they write only to files that were open before, or to a pipe.
const HARMLESS: &str = "access arch_prctl chdir clone clone3 close close_range dup dup2 dup3 epoll_create1 epoll_ctl \
    epoll_wait eventfd2 exit exit_group faccessat faccessat2 fadvise64 fcntl fork fstat fstatfs getcwd \
    getdents64 getxattr ioctl lgetxattr lseek lstat mmap newfstatat pidfd_open pipe pipe2 poll ppoll \
    pread64 read readlink readlinkat readv recvfrom recvmsg select sendto socketpair stat statfs statx vfork \
    wait4 waitid write writev";

/// Returns true if a system call changes nothing.
fn may(name: &str, arguments: &str) -> bool {
    let path = || Path::new(arguments.split('"').nth(1).unwrap());
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_TMPFILE"];
    match name {
        "open" | "openat" | "openat2" if writes.iter().any(|flag| arguments.contains(flag)) => {
            ["/dev/null", "/dev/tty"].map(Path::new).contains(&path())
        }
        "open" | "openat" | "openat2" => true,
        "execve" => path().ends_with("git") || path() == Path::new(env!("CARGO_BIN_EXE_pikaci")),
        name => HARMLESS.split(' ').any(|harmless| harmless == name),
    }
}

#[test]
fn jobs_with_equal_guests_share_a_runner_whatever_their_files_and_commands() {
    let project = project();
    let before = plan(&project, &["--all"]);
    assert_eq!(nodes(&before, "prepare").len(), 1, "guests of another size have the same runner");
    let prepare = &nodes(&before, "prepare")[0]["id"];
    let after: BTreeMap<&str, Vec<&Value>> = nodes(&before, "execute")
        .iter()
        .map(|node| (node["execute"]["job"].as_str().unwrap(), node["depends_on"].as_array().unwrap().iter().collect()))
        .collect();
    let lint = Value::from("execute:lint");
    assert_eq!(
        after,
        BTreeMap::from([("docs", vec![prepare]), ("lint", vec![prepare]), ("test", vec![prepare, &lint])])
    );
    assert_eq!(jobs(&before), ["docs", "lint", "test"], "each node comes after the nodes that it needs");

    let snapshot = |plan: &Value| nodes(plan, "execute")[0]["execute"]["shares"][1].to_string();
    let changed = project.file("src/a.c", "int other;\n");
    let edited = plan(&changed, &["--all"]);
    assert_eq!(digest(&edited), digest(&before));
    assert_ne!(snapshot(&edited), snapshot(&before));
    let other = r#"{ guests.default.memory = "512M"; jobs.new = { command = "true"; timeout = "1m"; env.A = "b"; runAsRoot = true; }; }"#;
    assert_eq!(digest(&plan(&changed.file("pikaci.nix", other), &["--all"])), digest(&before));
}

#[test]
fn another_kernel_or_busybox_gives_another_runner() {
    let project = Project::with_nix(r#"{ jobs.a = { command = "true"; }; }"#);
    let own = StandIns::new().own_busybox();
    let text = ran(&mut own.before(project.command(&["plan", "--format", "json"]))).exits(0).stdout;
    assert_ne!(digest(&serde_json::from_str(&text).unwrap()), digest(&plan(&project, &[])));
}

//! `pikaci plan`: pure, equal to what `pikaci run` writes, and what it selects.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::project::{Project, json, ran};
use crate::stand_in::{FAILING_NIX, StandIns};

const JOBS: &str = r#"{
  guests.big = { vcpu = 2; memory = "2G"; };
  jobs.lint = { command = "make lint"; description = "Style"; };
  jobs.test = { command = [ "make" "test" ]; needs = [ "lint" ]; guest = "big"; env.MODE = "a\nb"; artifacts = [ "out/**" ]; };
  jobs.docs = { command = "make docs"; paths = [ "docs/**" "*.md" ]; };
  targets.pre-merge = { jobs = [ "test" ]; description = "Before a merge"; };
}"#;

fn project() -> Project {
    Project::new(JOBS).file("src/a.c", "int a;\n").file("docs/deep/b.md", "b\n").file("Makefile", "all:\n").committed()
}

/// Returns the plan that `pikaci plan ARGS` prints.
#[track_caller]
fn plan(project: &Project, args: &[&str]) -> Value {
    let args = [&["plan", "--format", "json"], args].concat();
    serde_json::from_str(&project.pikaci(&args).exits(0).stdout).unwrap()
}

/// Returns the ids of the jobs that a plan runs.
fn jobs(plan: &Value) -> Vec<&str> {
    nodes(plan, "execute").iter().map(|node| node["execute"]["job"].as_str().unwrap()).collect()
}

fn nodes<'a>(plan: &'a Value, kind: &str) -> Vec<&'a Value> {
    plan["nodes"].as_array().unwrap().iter().filter(|node| node["kind"] == kind).collect()
}

fn digest(plan: &Value) -> &str {
    plan["nodes"][0]["prepare"]["flake_digest"].as_str().unwrap()
}

#[test]
fn a_plan_is_the_same_bytes_each_time_and_those_of_the_run() {
    let project = project();
    let text = |project: &Project| project.pikaci(&["plan", "--format", "json"]).exits(0).stdout;
    let cold = text(&project);
    assert_eq!(cold, text(&project));
    assert!(!project.state("").exists(), "a plan makes no state folder");
    let nix = StandIns::new().script("nix", FAILING_NIX);
    ran(&mut nix.before(project.command(&["run"]))).exits(101);
    assert_eq!(cold, text(&project), "with a warm state");
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
    // What changed since is read anew, which git would note in its index.
    let project = project.file("src/a.c", "int b;\n");
    assert_only_reads(&project, "changed");
}

#[track_caller]
fn assert_only_reads(project: &Project, when: &str) {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let planned = project.command(&["plan", "--base", "HEAD", "--format", "json"]);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-s", "200", "-e", "trace=%file,%network,%desc,%process,%ipc", "-o"]).arg(&trace);
    command.arg(planned.get_program()).args(planned.get_args());
    command.current_dir(planned.get_current_dir().unwrap());
    command.envs(planned.get_envs().filter_map(|(name, value)| Some((name, value?))));
    ran(&mut command).exits(0);
    let text = fs::read_to_string(&trace).unwrap();
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        // `PID call(arguments) = result`; what else there is tells of signals, ends and calls gone on with.
        let call = line.split_once(' ').map_or(line, |(_, rest)| rest.trim_start());
        if call.starts_with("<... ") || call.starts_with("+++ ") || call.starts_with("--- ") {
            continue;
        }
        let (name, arguments) = call.split_once('(').unwrap_or_else(|| panic!("{when}: {line}"));
        assert!(may(name, arguments), "{when}: {line}");
        *calls.entry(name).or_default() += 1;
    }
    assert!(calls["openat"] > 10 && calls["execve"] > 1, "{when}: the trace is whole: {calls:?}");
}

/// The system calls that leave everything as it is: what they write to was open before, or is a pipe.
const HARMLESS: &str = "access arch_prctl chdir clone clone3 close close_range dup dup2 dup3 epoll_create1 epoll_ctl \
    epoll_wait eventfd2 exit exit_group faccessat faccessat2 fadvise64 fcntl fork fstat fstatfs getcwd \
    getdents64 getxattr ioctl lgetxattr lseek lstat mmap newfstatat pidfd_open pipe pipe2 poll ppoll \
    pread64 read readlink readlinkat readv recvfrom recvmsg select sendto socketpair stat statfs statx vfork \
    wait4 waitid write writev";

/// Returns whether a system call leaves everything as it is.
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
fn jobs_with_equal_guests_share_a_runner_that_no_source_file_and_no_command_changes() {
    let project = project();
    let before = plan(&project, &["--all"]);
    assert_eq!(nodes(&before, "prepare").len(), 1, "guests of another size are of the same make");
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
    assert_eq!(jobs(&before), ["docs", "lint", "test"], "each comes after what it needs");

    let snapshot = |plan: &Value| nodes(plan, "execute")[0]["execute"]["shares"][1].to_string();
    let changed = project.file("src/a.c", "int other;\n");
    let edited = plan(&changed, &["--all"]);
    assert_eq!(digest(&edited), digest(&before));
    assert_ne!(snapshot(&edited), snapshot(&before));
    let other = r#"{ guests.default.memory = "512M"; jobs.new = { command = "true"; timeout = "1m"; env.A = "b"; runAsRoot = true; }; }"#;
    assert_eq!(digest(&plan(&changed.file("pikaci.nix", other), &["--all"])), digest(&before));
}

#[test]
fn another_kernel_or_busybox_is_another_runner() {
    let project = Project::new(r#"{ jobs.a = { command = "true"; }; }"#);
    let own = StandIns::new().own_busybox();
    let text = ran(&mut own.before(project.command(&["plan", "--format", "json"]))).exits(0).stdout;
    assert_ne!(digest(&serde_json::from_str(&text).unwrap()), digest(&plan(&project, &[])));
}

#[test]
fn changed_files_choose_the_jobs_whose_paths_they_match() {
    let project = project();
    let clean = project.pikaci(&["plan"]).exits(0).stdout;
    assert!(clean.starts_with("all (all: the working tree has no changes)\n"), "{clean}");
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"]);

    let project = project.file("src/a.c", "int changed;\n");
    let changed = plan(&project, &[]);
    assert_eq!((jobs(&changed), &changed["left_out"][0]["id"]), (vec!["lint", "test"], &Value::from("docs")));
    assert_eq!(jobs(&plan(&project, &["--all"])), ["docs", "lint", "test"]);
    assert_eq!(jobs(&plan(&project, &["docs"])), ["docs"], "a job that is named runs");

    project.git(&["checkout", "--quiet", "src/a.c"]);
    let project = project.file("docs/deep/new.md", "untracked\n");
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"], "untracked");
    project.git(&["add", "docs"]);
    fs::remove_file(project.path("docs/deep/new.md")).unwrap();
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"], "only in the index");
    project.git(&["reset", "--quiet", "--hard"]);
    fs::remove_file(project.path("docs/deep/b.md")).unwrap();
    assert_eq!(jobs(&plan(&project, &[])), ["docs", "lint", "test"], "removed");
    project.git(&["reset", "--quiet", "--hard"]);

    let project = project.file("pikaci.nix", &JOBS.replace("make docs", "make other-docs"));
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
    assert_eq!(jobs(&plan(&project, &["--base", "main"])), ["docs", "lint", "test"], "the base and the working tree");
    let unknown = project.pikaci(&["plan", "--base", "nowhere"]).exits(2);
    assert!(unknown.stderr.contains("nowhere") && unknown.stderr.contains("\nhint: git fetch"), "{}", unknown.stderr);
}

#[test]
fn where_nothing_matches_it_says_why() {
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
    assert!(
        run.stderr.contains("nothing to do: left out docs (no file of its paths changed against HEAD)"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.ends_with("hint: pikaci run --all\n"), "{}", run.stderr);
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_glob_without_a_file_is_named_at_each_command() {
    let project = Project::new(
        r#"{
          jobs.code = { command = "true"; paths = [ "./src" "app/[id].js" "srcs/**" ]; };
          jobs.docs = { command = "true"; paths = [ "doc/" ]; };
        }"#,
    )
    .file("src/a.c", "int a;\n")
    .file("app/[id].js", "a\n")
    .committed();
    let note = |job, glob| format!("note: `{glob}` in `jobs.{job}.paths` matches no file of the project\n");
    let both = note("docs", "doc/") + &note("code", "srcs/**");
    assert_eq!(project.pikaci(&["check"]).exits(0).stderr, both);
    assert_eq!(project.pikaci(&["plan"]).exits(0).stderr, both);
    assert_eq!(project.pikaci(&["plan", "code"]).exits(0).stderr, note("code", "srcs/**"));
    let project = project.file("app/[id].js", "b\n");
    assert_eq!(jobs(&plan(&project, &[])), ["code"]);
    let project = project.file("app/[id].js", "a\n").file("README.md", "new\n");
    assert!(project.pikaci(&["run"]).exits(0).stderr.starts_with(&(both + "nothing to do: ")));
}

#[test]
fn what_is_left_out_is_told_while_other_jobs_run() {
    let jobs = r#"{
      jobs.docs = { command = "true"; paths = [ "docs/**" ]; };
      jobs.code = { command = "true"; paths = [ "src/**" ]; };
      targets."pre merge" = { jobs = [ "docs" "code" ]; };
    }"#;
    let project = Project::new(jobs).file("src/a.c", "int a;\n").committed().file("src/a.c", "int b;\n");
    let nix = StandIns::new().script("nix", FAILING_NIX);
    let run = ran(&mut nix.before(project.command(&["run", "pre merge"]))).exits(101);
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
    let project = project();
    for command in ["plan", "run"] {
        let near = project.pikaci(&[command, "tset"]).exits(4);
        assert_eq!(near.stderr, "error: no target or job is named \"tset\"\nhint: did you mean \"test\"?\n");
        let far = project.pikaci(&[command, "something-else"]).exits(4);
        assert!(far.stderr.ends_with("hint: pikaci.nix has pre-merge, docs, lint, test\n"), "{}", far.stderr);
    }
    let target = plan(&project, &["pre-merge"]);
    assert_eq!((jobs(&target), &target["target_description"]), (vec!["lint", "test"], &Value::from("Before a merge")));
}

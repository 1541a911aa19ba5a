//! Jobs on the host itself: base `none`.

use std::time::{Duration, Instant};

use pikaci::event::Outcome;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::processes::{MARK, Running, new_mark};
use crate::support::project::{Project, json, ran};
use crate::support::terminal::at_terminal;

#[test]
fn a_job_has_its_own_copy_of_the_tree_and_its_own_environment() {
    let project = Project::without_guest(
        r#"
        one = { command = "cat file; echo changed >file; cp file out.txt; pwd; env"; artifacts = [ "*.txt" ]; env.OWN = "1"; };
        two = { command = [ "cat" "file" ]; needs = [ "one" ]; };
        three = { command = [ "no-such-program" ]; };
        "#,
    )
    .file("file", "as it was\n");
    let ended = ran(project.command(&["run"]).env("SECRET", "x").env("LANG", "C.UTF-8")).exits(100);
    let summary = "3 jobs ran on this machine itself, not isolated (base `none`)";
    assert!(ended.stdout.contains(summary), "{}", ended.stdout);

    let output = project.output("one");
    assert!(output.starts_with("as it was\n") && output.contains("\nOWN=1\n"), "{output}");
    assert!(output.contains("\nLANG=C.UTF-8\n") && !output.contains("SECRET"), "{output}");
    assert_eq!(project.output("two"), "as it was\n");
    assert!(project.output("three").contains("no-such-program: not found"));
    assert_eq!(project.job("three").exit.exit_code, Some(127));

    let job = project.job("one");
    assert_eq!((job.executor.as_str(), job.artifacts.artifacts, job.logs.console_log_path), ("local", 1, None));
    let artifact = project.state(job.artifacts.artifacts_dir.as_ref().unwrap()).join("out.txt");
    assert_eq!(std::fs::read_to_string(artifact).unwrap(), "changed\n");
    let to = TempDir::new().unwrap();
    let [all, one] = ["all", "one"].map(|name| to.path().join(name));
    project.pikaci(&["artifacts", "--to", all.to_str().unwrap()]).exits(0);
    assert_eq!(std::fs::read_to_string(all.join("one/out.txt")).unwrap(), "changed\n");
    let copy = ["artifacts", "--job", "one", "--to", one.to_str().unwrap()];
    assert_eq!(project.pikaci(&copy).exits(0).stdout, format!("one: 1 file in {}\n", one.display()));
    assert!(one.join("out.txt").exists());
    let refused = project.pikaci(&copy).exits(2).stderr;
    assert!(refused.contains("exists already, and artifacts overwrite nothing"), "{refused}");
    assert_eq!(std::fs::read_to_string(project.path("file")).unwrap(), "as it was\n");
    let attempt = project.last_run().join("jobs/one/attempts/1");
    let names = std::fs::read_dir(attempt).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().starts_with(".tmp")));
}

#[test]
fn a_job_file_cannot_choose_the_host() {
    let mark = TempDir::with_prefix("pikaci-test-").unwrap();
    let job = format!(r#"command = "touch {}/ran"; network = true; runAsRoot = true;"#, mark.path().display());
    let project = Project::new(&format!(r#"{{ guests.default.base = "none"; jobs.a = {{ {job} }}; }}"#));
    let ran_on_the_host = || mark.path().join("ran").exists();
    let settings = project.path("settings.json");
    std::fs::write(&settings, r#"{ "allow-unisolated": true }"#).unwrap();
    let line =
        "error: job a requests to run on this machine itself (base `none`), outside of a virtual machine\nhint: ";
    let refuses = |args: &[&str]| {
        let refused = ran(project.command(args).env_remove("PIKACI_ALLOW_UNISOLATED")).exits(69).stderr;
        assert!(refused.starts_with(line) && refused.contains("--allow-unisolated"), "{args:?}: {refused}");
        assert!(!ran_on_the_host(), "{args:?}");
    };
    refuses(&["plan"]);
    refuses(&["run"]);
    assert_eq!(project.runs(), [""; 0]);
    let mut set = project.command(&["run"]);
    ran(set.env_remove("PIKACI_ALLOW_UNISOLATED").env("PIKACI_SETTINGS", &settings)).exits(0);
    assert!(ran_on_the_host());
    std::fs::remove_file(mark.path().join("ran")).unwrap();
    // A recorded plan can't choose the host either.
    refuses(&["rerun"]);
    refuses(&["rerun", "latest", "a"]);
    let mut rerun = project.command(&["rerun", "--allow-unisolated"]);
    ran(rerun.env_remove("PIKACI_ALLOW_UNISOLATED")).exits(0);
    assert!(ran_on_the_host());
    let plan = project.pikaci(&["plan"]).exits(0).stdout;
    assert!(plan.contains("(on this machine itself, not isolated; 1 vcpu"), "{plan}");
}

#[test]
fn a_command_beyond_its_timeout_is_terminated_and_then_killed() {
    let project = Project::without_guest(
        r#"
        polite = { artifacts = [ "kept" ]; command = "echo kept >kept; trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done"; timeout = 1; };
        stubborn = { command = "trap \"\" TERM; echo up; while :; do sleep 0.1; done"; timeout = 1; };
        "#,
    );
    let began = Instant::now();
    project.pikaci(&["run", "--cpus=2"]).exits(100);
    assert!(began.elapsed() > Duration::from_secs(6), "{:?}", began.elapsed());
    let (polite, stubborn) = (project.job("polite"), project.job("stubborn"));
    assert_eq!((polite.status.outcome(), polite.artifacts.artifacts), (Some(Outcome::TimedOut), 1));
    assert_eq!((stubborn.status.outcome(), stubborn.exit.exit_code), (Some(Outcome::TimedOut), Some(137)));
    assert!(project.output("polite").ends_with("bye\n"));
}

#[test]
fn background_processes_end_with_their_job() {
    let project = Project::without_guest(
        r#"
        a.command = ''
          sleep 1111 & echo $!
          setsid -f sh -c 'echo $$; exec sleep 2222 >/dev/null 2>&1'
          setsid -f sh -c 'echo $$; setsid -f sh -c "echo \$\$; exec sleep 3333"; exec sleep 4444 >/dev/null 2>&1'
          sleep 1
        '';
        "#,
    );
    project.pikaci(&["run"]).exits(0);
    let output = project.output("a");
    let pids: Vec<&str> = output.lines().collect();
    assert_eq!(pids.len(), 4, "{output}");
    for pid in pids {
        let alive = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("sleep"));
        assert!(!alive, "process {pid} is still there");
    }
}

#[test]
fn detached_processes_end_even_if_pikaci_is_killed() {
    let mark = new_mark();
    let project = Project::without_guest(&format!(
        r#"a = {{
          command = "setsid -f sh -c 'setsid -f sleep 5555; exec sleep 6666 >/dev/null 2>&1'; sleep 0.2; echo up; sleep 600";
          env.{MARK} = "{mark}";
        }};"#
    ));
    let mut running = Running::marked(&project.command(&["run"]), mark);
    running.prints(&project, "a", "up\n");
    running.signal(Signal::KILL);
    // `ends` returns after every process with the mark has ended.
    assert_eq!(running.ends("SIGKILL").code, None);
}

#[test]
fn a_job_that_prints_forever_does_not_fill_the_disk() {
    let project = Project::without_guest(r#"a.command = "head -c 80000000 /dev/zero";"#);
    project.pikaci(&["run"]).exits(0);
    let job = project.job("a");
    let len = std::fs::metadata(project.state(job.logs.guest_log_path.as_ref().unwrap())).unwrap().len();
    assert!(job.log_cut && (64 << 20..(64 << 20) + 200).contains(&len), "{len}");
}

#[test]
fn a_failed_job_that_passes_on_a_retry_is_flaky() {
    let project = Project::without_guest(
        r#"
        once = { command = "echo try; [ -e $MARK ] || { : >$MARK; exit 3; }"; retries = 2; };
        never = { command = "echo try; exit 4"; retries = 1; };
        "#,
    );
    let mark = project.path("mark").display().to_string();
    let job_file = std::fs::read_to_string(project.path("pikaci.nix")).unwrap();
    let project = project.file("pikaci.nix", &job_file.replace("$MARK", &mark));
    let ended = project.pikaci(&["run", "--jobs=99", "--cpus=2"]).exits(100);
    let note = "note: --jobs=99 has no effect beyond the 2 CPUs that jobs may use; --cpus=99 lets them share\n";
    assert!(ended.stderr.contains(note), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("flaky: attempt 2") && ended.stdout.contains("1 passed (1 flaky)"),
        "{}",
        ended.stdout
    );
    assert!(ended.stderr.contains("once: started again (attempt 2)"), "{}", ended.stderr);

    let once = project.job("once");
    assert_eq!((once.status.outcome(), once.attempt, once.flaky), (Some(Outcome::Passed), 2, true));
    let first = &once.earlier_attempts[0];
    assert_eq!((first.attempt, first.outcome, first.exit.exit_code), (1, Outcome::Failed, Some(3)));
    for log in [first.logs.guest_log_path.as_ref(), once.logs.guest_log_path.as_ref()] {
        assert_eq!(std::fs::read_to_string(project.state(log.unwrap())).unwrap(), "try\n");
    }
    let never = project.job("never");
    assert_eq!((never.status.outcome(), never.attempt, never.flaky), (Some(Outcome::Failed), 2, false));
    assert!(json(&project.last_run().join("run.json"))["jobs"][1]["flaky"].as_bool().unwrap());
    let status = project.pikaci(&["status"]).exits(0).stdout;
    assert!(status.contains("attempt 2, flaky"), "{status}");
    let list = project.pikaci(&["list"]).exits(0).stdout;
    assert!(list.contains("1 passed (1 flaky)"), "{list}");
}

#[test]
fn the_live_line_shows_the_number_of_the_attempt() {
    let project = Project::without_guest(r#"a = { command = "sleep 1; exit 4"; retries = 1; };"#);
    let screen = at_terminal(project.command(&["run"]).env("TERM", "xterm")).exits(100).stdout;
    assert!(screen.contains("attempt 2: starting") && !screen.contains("attempt 1"), "{screen:?}");
}

#[test]
fn a_job_that_can_never_fit_is_an_error_in_the_plan() {
    let project = Project::without_guest(r#"a.command = "true";"#);
    for command in ["plan", "run"] {
        let small = project.pikaci(&[command, "--memory=512M"]).exits(69).stderr;
        assert!(small.contains("requests 1024 MiB of memory, but jobs may use 512 MiB"), "{small}");
    }
    let wide = Project::new(r#"{ guests.default = { base = "none"; vcpu = 250; }; jobs.a.command = "true"; }"#);
    let refused = wide.pikaci(&["plan", "--allow-unisolated"]).exits(69).stderr;
    assert!(refused.contains("requests 250 CPUs") && refused.contains("--cpus=250"), "{refused}");
    wide.pikaci(&["run", "--allow-unisolated", "--cpus=250"]).exits(0);
    project.pikaci(&["run", "--memory=nonsense"]).exits(2);
}

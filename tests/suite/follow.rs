//! `pikaci logs --follow`, and what a terminal shows of a run.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pikaci::guest::quote;
use pikaci::record::Outcome;
use serde_json::Value;

use crate::project::{Project, ran};
use crate::records::Run;

/// How long anything here may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// A command of pikaci whose output is read while it runs.
struct Following {
    child: Child,
    bytes: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Following {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer)
                && sender.send(buffer[..count].to_vec()).is_ok()
            {}
        });
        Self { child, bytes, seen: Vec::new() }
    }

    /// Waits until the output so far ends so.
    #[track_caller]
    fn shows(&mut self, end: &[u8]) {
        self.until(|seen| seen.ends_with(end));
    }

    /// Waits until the output so far is as it shall be.
    #[track_caller]
    fn until(&mut self, done: impl Fn(&[u8]) -> bool) {
        let start = Instant::now();
        while !done(&self.seen) {
            let more = self.bytes.recv_timeout(DEADLINE.saturating_sub(start.elapsed()));
            self.seen.extend(more.unwrap_or_else(|_| panic!("after {:?}", String::from_utf8_lossy(&self.seen))));
        }
    }

    /// Waits for the end, and returns all output.
    #[track_caller]
    fn ends(&mut self) -> (ExitStatus, Vec<u8>) {
        let status = ended(&mut self.child);
        self.seen.extend(self.bytes.iter().flatten());
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Following {
    /// A test that fails leaves nothing running.
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

#[track_caller]
fn ended(child: &mut Child) -> ExitStatus {
    let status = wait(|| child.try_wait().unwrap());
    status.unwrap_or_else(|| {
        child.kill().unwrap();
        panic!("it didn't end within {DEADLINE:?}")
    })
}

/// Returns what `look` finds before the deadline.
fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn project() -> Project {
    Project::new("{ jobs.test.command = \"true\"; }")
}

#[test]
fn a_log_is_followed_from_before_it_is_there_to_the_end_of_its_job() {
    let project = project();
    let mut run = Run::begin(&project, "1", &["a", "b", "c"]);
    let mut one = Following::start(&mut project.command(&["logs", "--follow", "--job=b"]));
    let mut all = Following::start(project.command(&["logs", "--follow"]).stderr(Stdio::null()));
    run.start("a");
    append(&run.attempt("a").guest_log(), b"a begins\n");
    all.shows(b"a begins\n");
    run.start("b");
    append(&run.attempt("b").guest_log(), b"half a \xff");
    one.shows(b"half a \xff");
    all.shows(b"half a \xff");
    append(&run.attempt("b").guest_log(), b" line\n");
    one.shows(b" line\n");
    append(&run.attempt("b").guest_log(), b"the end");
    run.finish("b", Outcome::Passed, None);
    // The run goes on, and with it who follows all of it.
    let (status, output) = one.ends();
    assert_eq!((status.code(), output.as_slice()), (Some(0), b"half a \xff line\nthe end".as_slice()));
    all.shows(b"the end");
    append(&run.attempt("a").guest_log(), b"a ends\n");
    run.finish("a", Outcome::Passed, None);
    run.finish("c", Outcome::Skipped, None);
    run.end(Outcome::Passed);
    let (status, output) = all.ends();
    assert_eq!(status.code(), Some(0));
    assert_eq!(output, b"a begins\nhalf a \xff line\nthe enda ends\n");
}

#[test]
fn following_ends_when_the_run_is_killed() {
    let project = project();
    let mut run = Run::begin(&project, "1", &["a", "b"]);
    run.start("a");
    let mut following = Following::start(project.command(&["logs", "-f", "--job=a"]).stderr(Stdio::piped()));
    append(&run.attempt("a").guest_log(), b"begins\n");
    following.shows(b"begins\n");
    let stderr = following.child.stderr.take();
    run.is_killed();
    assert_eq!(following.ends().0.code(), Some(0));
    let mut told = String::new();
    stderr.unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told, "run 1 was interrupted; its record says so now\n");
    assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
}

#[test]
fn following_ends_when_its_reader_goes_away_though_nothing_is_printed() {
    let project = project();
    let mut run = Run::begin(&project, "1", &["a"]);
    run.start("a");
    fs::write(run.attempt("a").guest_log(), "silence\n").unwrap();
    let mut logs = project.command(&["logs", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    logs.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    assert_eq!(ended(&mut logs).code(), Some(0));
}

/// Returns the command `pikaci ARGS` on a terminal of its own.
fn on_terminal(project: &Project, args: &str) -> Command {
    let pikaci = project.command(&[]);
    let mut script = Command::new("script");
    let line = format!("{} {args}", quote(pikaci.get_program().to_str().unwrap()));
    script.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    script.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").env_remove("NO_COLOR").current_dir(project.path("."));
    script
}

#[test]
fn colors_are_for_terminals_and_not_for_those_who_want_none() {
    let project = project();
    Run::passed(&project, "1");
    for command in ["list", "status"] {
        assert!(ran(&mut on_terminal(&project, command)).exits(0).stdout.contains("\u{1b}[32mpassed"));
        let without = ran(on_terminal(&project, command).env("NO_COLOR", "1")).exits(0).stdout;
        assert!(without.contains("passed") && !without.contains('\u{1b}'), "{without:?}");
        assert!(!project.pikaci(&[command]).exits(0).stdout.contains('\u{1b}'));
    }
}

/// A job in a real virtual machine, looked at while it runs, and ended by Ctrl-C on a real terminal.
#[test]
fn a_terminal_shows_live_lines_and_who_looks_meanwhile_sees_the_same() {
    let project = Project::new(
        r#"{
          jobs.quick = { command = "echo quick"; artifacts = [ "*.nix" ]; };
          jobs.slow = { command = "printf 'one\\377\\n'; sleep 600"; needs = [ "quick" ]; };
        }"#,
    );
    let mut terminal = Following::start(on_terminal(&project, "run").stdin(Stdio::piped()));

    wait(|| project.runs().last().filter(|id| project.state(&format!("runs/{id}/run.json")).exists()).cloned())
        .expect("the run begins");
    let mut following = Following::start(&mut project.command(&["logs", "--follow", "--job=slow"]));
    following.shows(b"one\xff\n");
    assert_eq!(project.pikaci(&["logs", "--job=quick"]).exits(0).stdout, "quick\n");
    assert!(project.pikaci(&["artifacts"]).exits(0).stdout.ends_with(" B  pikaci.nix\n"));
    assert!(project.pikaci(&["logs", "--job=quick", "--kind=host"]).exits(0).stdout.contains("qemu-system"));
    assert!(project.pikaci(&["list"]).exits(0).stdout.contains("1 passed, 1 running\n"));
    let status: Value = serde_json::from_str(&project.pikaci(&["status", "--format=json"]).stdout).unwrap();
    assert_eq!((&status["jobs"][1]["status"], &status["jobs"][1]["phase"]), (&"running".into(), &"job".into()));
    terminal.until(|seen| {
        let screen = String::from_utf8_lossy(seen);
        screen.split('\r').any(|line| line.contains(" slow ") && line.contains("s  running its command "))
    });

    terminal.child.stdin.take().unwrap().write_all(b"\x03").unwrap();
    assert_eq!(following.ends().0.code(), Some(0));
    let (status, screen) = terminal.ends();
    let screen = String::from_utf8(screen).unwrap();
    assert_eq!(status.code(), Some(130), "{screen}");
    let id = project.runs().pop().unwrap();
    for expected in
        ["quick: \u{1b}[32mpassed\u{1b}[0m in ", "\u{1b}[33mcancelled\u{1b}[0m  slow", "(cancelled by SIGINT)"]
    {
        assert!(screen.contains(expected), "{screen}");
    }
    assert!(screen.lines().any(|line| line.starts_with(&format!("run {id} "))), "{screen}");
    assert!(project.pikaci(&["list"]).exits(0).stdout.contains("1 passed, 1 cancelled\n"));
}

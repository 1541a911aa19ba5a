//! Names, paths, records and logs with control characters: none of these characters reaches a terminal.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use pikaci::event::Outcome;
use pikaci::failpoint::Point;
use pikaci::state::write_json;
use pikaci::text::is_shown;

use crate::support::project::{Project, Ran, json, ran};
use crate::support::records::Run;
use crate::support::terminal::terminal;

/// Text that sets a title, the clipboard and a color, moves the cursor, reverses and hides text, and begins a line.
const HOSTILE: &str = "evil\u{1b}]0;title\u{7}\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[31m\u{1b}[2J\u{9b}1A\u{202e}\u{200b}\u{7f}\r\nhint: rm -rf evil";

#[track_caller]
fn assert_shown(text: &str) {
    let hidden: Vec<char> = text.chars().filter(|c| !is_shown(*c) && *c != '\n' && *c != '\t').collect();
    assert!(hidden.is_empty(), "{hidden:?} in {text:?}");
}

#[track_caller]
fn assert_clean(text: &str) {
    assert_shown(text);
    assert!(!text.lines().any(|line| line.starts_with("hint: rm")), "{text}");
}

/// Asserts the exit code, and that the whole output is clean.
#[track_caller]
fn is_clean(ran: Ran, code: i32) -> Ran {
    let ran = ran.exits(code);
    assert_clean(&ran.stdout);
    assert_clean(&ran.stderr);
    assert!(ran.stdout.contains("evil") || ran.stderr.contains("evil"), "{ran:?}");
    ran
}

/// Runs a command with a terminal as its standard output, and returns the terminal's text.
fn at_terminal(mut command: Command) -> String {
    command.env_remove("NO_COLOR");
    at_gray_terminal(command)
}

/// Does the same as [`at_terminal`], without changing the environment.
fn at_gray_terminal(mut command: Command) -> String {
    let (end, mut terminal) = terminal();
    let mut child = command.env("TERM", "xterm").stdout(end).spawn().unwrap();
    // The command holds the other end of the terminal.
    drop(command);
    let mut bytes = Vec::new();
    // Reading at the end of a terminal is an error on Linux.
    while let Ok(1..) = terminal.by_ref().take(4096).read_to_end(&mut bytes) {}
    assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&bytes));
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

#[test]
fn hostile_names_and_arguments_are_escaped() {
    let project = Project::new("{ guests.default.base = \"none\"; }");
    let folder = project.path(HOSTILE);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("pikaci.nix"), "{ jobs.a.comand = \"true\"; }").unwrap();
    let pikaci = |args: &[&str]| ran(project.command(args).current_dir(&folder));
    is_clean(pikaci(&["status"]), 4);
    is_clean(pikaci(&["-C", HOSTILE, "check"]), 2);
    is_clean(pikaci(&["check", "--settings", HOSTILE]), 2);
    assert_shown(&pikaci(&["check", HOSTILE]).exits(2).stderr);
    is_clean(pikaci(&["status", HOSTILE]), 4);
    fs::write(folder.join("pikaci.nix"), "{ jobs.a.command = 1; }").unwrap();
    assert_clean(&pikaci(&["check"]).exits(2).stderr);
    let described = |text: &str| {
        let text = format!(
            "{{ guests.default.base = \"none\"; jobs.a = {{ command = \"true\"; description = \"{text}\"; }}; }}"
        );
        fs::write(folder.join("pikaci.nix"), text).unwrap();
    };
    described(HOSTILE);
    is_clean(pikaci(&["check"]), 2);
    described("evil \u{202e}live\u{200b}");
    let plan = is_clean(pikaci(&["plan"]), 0).stdout;
    assert!(plan.contains("evil \\u{202e}live\\u{200b}"), "{plan}");
    // A tree with a folder of this name is refused or copied; the message is clean in both cases.
    assert_clean(&project.pikaci(&["plan"]).stderr);
    fs::write(folder.join("pikaci.nix"), format!("{{ jobs.\"{HOSTILE}\".command = true; }}")).unwrap();
    is_clean(pikaci(&["check"]), 2);
}

#[test]
fn a_panic_message_is_escaped() {
    let project = Project::new("{ jobs.evil.command = \"true\"; }").committed();
    let panic = format!("spawn.capture.before=panic({})", HOSTILE.replace(';', ":"));
    let stderr =
        is_clean(ran(project.command(&["plan"]).env("FAILPOINTS", panic).env("RUST_BACKTRACE", "0")), 101).stderr;
    assert!(
        stderr.starts_with("error: pikaci itself panicked at ") && stderr.contains("\nhint: this is a bug"),
        "{stderr}"
    );
}

/// Creates a run whose records contain hostile text.
fn forged() -> (Project, Run) {
    let project = Project::new("{ jobs.test.command = \"true\"; }");
    let mut run = Run::begin(&project, "20261122-101500-abcdef", &["test"]);
    run.start("test");
    fs::write(run.attempt("test").guest_log(), format!("\u{1b}[32mgreen\u{1b}[0m {HOSTILE}\u{1b}[33mleft on\n"))
        .unwrap();
    run.finish("test", Outcome::Failed, Some(HOSTILE));
    run.end(Outcome::Failed);
    let record = run.layout().record();
    let mut value = json(&record);
    for key in ["target_description", "source_root", "git_head", "message", "target_id"] {
        value[key] = HOSTILE.into();
    }
    write_json(Point::RunRecord, &record, &value).unwrap();
    (project, run)
}

#[test]
fn forged_records_are_escaped_for_people_and_unchanged_for_programs() {
    let (project, run) = forged();
    is_clean(project.pikaci(&["status"]), 0);
    is_clean(project.pikaci(&["list"]), 0);
    let text = project.pikaci(&["status", "--format=json"]).exits(0).stdout;
    assert!(text.contains('\u{202e}') && text.contains('\u{7f}'), "{text}");
    let shown = at_terminal(project.command(&["status", "--format=json"]));
    assert_clean(&shown);
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(parsed(&text)["run"]["message"], HOSTILE);
    assert_eq!(parsed(&shown), parsed(&text));
    // The words of a status have colors; equal words in the record have none.
    let shown = at_terminal(project.command(&["status"]));
    assert!(shown.contains("\u{1b}[31mfailed\u{1b}[0m"), "{shown:?}");
    assert_clean(&shown.replace("\u{1b}[31mfailed\u{1b}[0m", ""));
    fs::write(run.layout().record(), format!("{{\"schema_version\": 1, \"{HOSTILE}\"")).unwrap();
    assert_clean(&project.pikaci(&["list"]).exits(0).stdout);
    fs::write(project.state("version"), "1\n").unwrap();
    assert_clean(&project.pikaci(&["gc", "--dry-run"]).exits(0).stdout);
}

#[test]
fn a_log_at_a_terminal_keeps_only_its_text_and_colors() {
    let (project, run) = forged();
    let log = fs::read(run.attempt("test").guest_log()).unwrap();
    let clean = "\u{1b}[32mgreen\u{1b}[0m evil\u{1b}[31m\nhint: rm -rf evil\u{1b}[33mleft on\n\u{1b}[0m";
    assert_eq!(at_terminal(project.command(&["logs"])), clean);
    assert_eq!(at_terminal(project.command(&["logs", "--follow"])), clean);
    let mut gray = project.command(&["logs"]);
    gray.env("NO_COLOR", "1");
    assert_eq!(at_gray_terminal(gray), "green evil\nhint: rm -rf evilleft on\n");
    let text = String::from_utf8(log.clone()).unwrap().replace("\r\n", "\n");
    assert_eq!(at_terminal(project.command(&["logs", "--raw"])).replace('\r', ""), text);
    let file = project.path("log");
    let status = project.command(&["logs"]).stdout(File::create(&file).unwrap()).status().unwrap();
    assert!(status.success() && fs::read(Path::new(&file)).unwrap() == log);
}

//! `pikaci logs --follow`, and colors at a terminal.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use pikaci::event::Outcome;

use crate::support::following::{Following, append, ended, project};
use crate::support::records::Run;
use crate::support::terminal::at_terminal;

#[test]
fn a_log_is_followed_from_before_its_creation_to_the_end_of_its_job() {
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
    // The run continues, and so does the command that follows the whole run.
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
    let mut message = String::new();
    stderr.unwrap().read_to_string(&mut message).unwrap();
    assert_eq!(message, "run 1 was interrupted; its end is now recorded\n");
    assert_eq!(project.record().status.outcome(), Some(Outcome::Errored));
}

#[test]
fn following_ends_when_its_reader_closes_even_without_output() {
    let project = project();
    let mut run = Run::begin(&project, "1", &["a"]);
    run.start("a");
    fs::write(run.attempt("a").guest_log(), "silence\n").unwrap();
    let mut logs = project.command(&["logs", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    logs.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    assert_eq!(ended(&mut logs).code(), Some(0));
}

#[test]
fn only_a_terminal_without_no_color_gets_colors() {
    let project = project();
    Run::passed(&project, "1");
    for command in ["list", "status"] {
        assert!(
            at_terminal(project.command(&[command]).env("TERM", "xterm").env_remove("NO_COLOR"))
                .exits(0)
                .stdout
                .contains("\u{1b}[32mpassed")
        );
        let without = at_terminal(project.command(&[command]).env("NO_COLOR", "1")).exits(0).stdout;
        assert!(without.contains("passed") && !without.contains('\u{1b}'), "{without:?}");
        assert!(!project.pikaci(&[command]).exits(0).stdout.contains('\u{1b}'));
    }
}

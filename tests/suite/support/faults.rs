//! Jobs that are errored, and assertions about their records.

use pikaci::event::Outcome;
use pikaci::record::JobRecord;

use crate::support::processes::Running;
use crate::support::project::{Project, Ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::tool;

/// A job that would run for its whole timeout.
pub const LONG: &str = r#"{ jobs.sick = { command = "echo started; sleep 600"; timeout = "10m"; }; }"#;

/// Asserts that the job is errored with this message and hint, in the records and on the screen, and returns its
/// record.
#[track_caller]
pub fn assert_errored(project: &Project, ran: Ran, message: &str, hint: &str) -> JobRecord {
    let ran = ran.exits(102);
    let job = project.job("sick");
    assert_eq!(job.status.outcome(), Some(Outcome::Errored));
    let recorded = job.exit.reason.message.as_deref().unwrap();
    // Any of several shares may be the first to end.
    assert_eq!(recorded.replace("\"usr\"", "\"workspace\""), message, "{}", ran.stdout);
    assert_eq!(job.exit.reason.hint.as_deref(), Some(hint));
    let screen = format!("--- sick errored: {recorded}\n");
    assert!(ran.stdout.contains(&screen) && ran.stdout.contains(&format!("hint: {hint}\n")), "{}", ran.stdout);
    let record = project.record();
    assert!(
        record.status.outcome() == Some(Outcome::Errored) && record.finished_at.is_some() && job.finished_at.is_some()
    );
    for line in &job.exit.reason.evidence {
        // A long line is cut.
        let line: String = line.chars().take(190).collect();
        assert!(ran.stdout.contains(&format!("    {line}")), "{line:?} isn't shown:\n{}", ran.stdout);
    }
    job
}

#[track_caller]
pub fn shows(job: &JobRecord, text: &str) {
    assert!(
        job.exit.reason.evidence.iter().any(|line| line.contains(text)),
        "no {text:?} in {:#?}",
        job.exit.reason.evidence
    );
}

/// Runs with a program that prints why it can't start.
pub fn cannot_start(name: &str) -> (Project, Ran) {
    let project = Project::with_guests(LONG);
    // On a machine without Landlock no run starts if bubblewrap can't start at all.
    let bwrap = tool("bwrap");
    let works = format!(r#"case "$*" in *virtiofsd*) ;; *) exec {} "$@" ;; esac; "#, bwrap.display());
    let works = if name == "bwrap" { works } else { String::new() };
    let instead = StandIns::new().script(name, &format!("{works}echo no room for {name} >&2; exit 1"));
    let running = Running::start(&instead.before(project.command(&["run"])));
    let ran = running.ends(&format!("{name} that can't start"));
    (project, ran)
}

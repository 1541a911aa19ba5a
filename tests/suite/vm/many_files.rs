//! More files than virtiofsd can hold open.

use pikaci::event::Outcome;

use crate::support::project::{Project, ran};
use crate::support::tools::{inside, tool_command};

#[test]
fn a_job_that_may_have_missed_files_does_not_pass() {
    // The pipe hides that `cat` fails.
    let mut project = Project::with_guests(r#"{ jobs.a.command = "find files -type f -exec cat {} + | wc -l"; }"#);
    for number in 0..1500 {
        project = project.file(&format!("files/{number}"), "line\n");
    }
    let pikaci = project.command(&["run"]);
    // A user who can't raise the limit.
    let mut limited = tool_command("setpriv");
    limited.args(["--bounding-set=-sys_resource", "sh", "-c", r#"ulimit -n 1024 && exec "$0" "$@""#]);
    let ran = ran(&mut inside(limited, &pikaci)).exits(102);
    assert!(ran.stdout.contains("hint: raise the hard limit: LimitNOFILE="), "{}", ran.stdout);
    let job = project.job("a");
    assert_eq!((job.status.outcome(), job.attempt), (Some(Outcome::Errored), 1));
    assert!(
        job.exit.reason.message.unwrap().contains("more files of a shared folder than a process of this machine may")
    );
}

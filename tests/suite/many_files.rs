//! More files than the daemon of a share may hold open.

use std::process::Command;

use pikaci::record::Outcome;

use crate::project::{Project, ran};

#[test]
fn a_job_that_can_have_missed_files_does_not_pass() {
    // The pipe hides that `cat` fails.
    let mut project = Project::new(r#"{ jobs.a.command = "find files -type f -exec cat {} + | wc -l"; }"#);
    for number in 0..1500 {
        project = project.file(&format!("files/{number}"), "line\n");
    }
    let pikaci = project.command(&["run"]);
    // A user who can't raise the limit.
    let mut limited = Command::new("setpriv");
    limited.args(["--bounding-set=-sys_resource", "sh", "-c", r#"ulimit -n 1024 && exec "$0" "$@""#]);
    limited.arg(pikaci.get_program()).args(pikaci.get_args()).current_dir(project.path(""));
    limited.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = ran(&mut limited).exits(102);
    assert!(ran.stdout.contains("hint: raise the hard limit: LimitNOFILE="), "{}", ran.stdout);
    let job = project.job("a");
    assert_eq!((job.status.outcome(), job.attempt), (Some(Outcome::Errored), 1));
    assert!(job.reason.message.unwrap().contains("more files of a shared folder than this machine lets"));
}

//! Secrets in a guest.

use rustix::process::Signal;

use crate::support::processes::Running;
use crate::support::project::{Project, ran};
use crate::support::secret_leaks::SecretLeaks;

#[test]
fn the_secrets_of_a_guest_are_in_its_memory_alone_and_masked_in_all_output() {
    let leaks = SecretLeaks::new();
    let project = SecretLeaks::with_scripts(Project::with_guests(&format!(
        r#"{{
          {}
          jobs.leak = {{
            secrets = [ "TOKEN" "KEY" "PASSWORD" ];
            services.shout = {{ command = "sh forms.sh; sleep 1000"; }};
            steps = [
              {{ name = "show"; command = "sh forms.sh; sh facts.sh"; }}
              {{ name = "console"; command = "cat /proc/cmdline; echo end of it; while :; do sleep 0.1; done"; }}
            ];
          }};
        }}"#,
        leaks.job_file_keys()
    )));
    let mut running = Running::start(&leaks.command(&project, &["run", "--format=json"]));
    running.prints(&project, "leak", "end of it\n");
    leaks.assert_nowhere(&project.state(""), running.pid().as_raw_nonzero().get().unsigned_abs());
    running.signal(Signal::TERM);
    let ended = running.ends("a job with secrets");
    leaks.assert_absent("the events", &ended.stdout);
    leaks.assert_absent("the messages", &ended.stderr);
    let logs = |part: &str| project.pikaci(&["logs", "--job=leak", part]).exits(0).stdout;
    leaks.assert_masked(&logs("--step=show"));
    let console = logs("--step=console");
    assert!(console.contains("console=") && console.ends_with("end of it\n"), "{console}");
    let service = logs("--service=shout");
    assert!(service.starts_with("***TOKEN***\n") && service.lines().all(|line| line.contains("***")), "{service}");
    leaks.assert_absent("the service", &service);
    for args in [&["why", "leak"][..], &["status", "--format=json"], &["plan", "--format=json"], &["logs"]] {
        let shown = ran(&mut leaks.command(&project, args));
        leaks.assert_absent(args[0], &(shown.stdout + &shown.stderr));
    }
}

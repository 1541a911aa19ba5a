//! The verdict on a job, from the host's observations of its guest: a pure function.

use super::job_progress::JobProgress;
use super::observed::{EndCause, Observed};
use crate::event::{JobExit, Outcome, Reason};
use crate::guest::CommandEnd;
use crate::id::JobId;
use crate::plan::record::PlannedJob;
use crate::quota::DISK_QUOTA_HINT;
use crate::text::quote;
use crate::tools::MORE_FILES;

/// The hint for a job that needs more memory than its guest has.
const MORE_MEMORY: &str = "raise the guest's `memory` in pikaci.nix";

/// The verdict on a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Outcome of the job.
    pub outcome: Outcome,
    /// Exit of the command, with a reason that has no evidence.
    pub exit: JobExit,
    /// True if the end of the console is the evidence.
    pub show_console: bool,
    /// True if the guest was lost by a fault that another attempt may not have.
    pub lost: bool,
}

/// Returns the verdict on a job whose guest has ended. The job passes only if the guest reported a success and reached
/// its end.
#[must_use]
pub fn judge_guest(observed: &Observed, hypervisor: &str, job: &PlannedJob) -> Verdict {
    if observed.cause == Some(EndCause::Cancelled) {
        let message = Some("the run was cancelled".to_owned());
        return verdict(Outcome::Cancelled, None, Reason { message, ..Reason::default() });
    }
    // A failure that the host observed outranks anything that the guest reports later.
    let is_broken = matches!(
        observed.cause,
        Some(
            EndCause::ShareEnded(..)
                | EndCause::NetworkEnded(_)
                | EndCause::Flood
                | EndCause::Restarted
                | EndCause::DiskQuota(_)
                | EndCause::OutOfFiles
                | EndCause::Unkillable
        )
    );
    let Some(exit) = observed.exit.filter(|_| !is_broken && observed.end) else {
        return errored(observed, hypervisor, &job.job);
    };
    let code = exit.code();
    let progress = JobProgress {
        deadline: observed.deadline,
        stalled: observed.stalled,
        failed_step: observed.failed_step.map(|(step, end)| (step, end, observed.late_steps.contains(&step))),
        unready_service: unready_service(observed),
    };
    if let Some((outcome, exit_code, reason)) = progress.stopped(job, code) {
        return verdict(outcome, exit_code, reason);
    }
    let end = progress.end(job, exit);
    if let Some(error) = &observed.error {
        let message = format!("{end}, but then the guest failed: {error}");
        return verdict(Outcome::Errored, Some(code), Reason { message: Some(message), ..Reason::default() });
    }
    if code == 0 {
        return verdict(Outcome::Passed, Some(0), Reason::default());
    }
    if observed.out_of_memory {
        let message = format!("{end}, after the guest's kernel ended a process of the job for lack of memory");
        return verdict(Outcome::Failed, Some(code), Reason::new(message, MORE_MEMORY));
    }
    let hint = (code == 137).then(|| format!("signal 9 often means a lack of memory: {MORE_MEMORY}"));
    verdict(Outcome::Failed, Some(code), Reason { message: Some(end), hint, evidence: Vec::new() })
}

/// Returns the service because of which no step ran, with its end unless it was late.
fn unready_service(observed: &Observed) -> Option<(u8, Option<CommandEnd>)> {
    let is_unready = |(service, _): &&(u8, CommandEnd)| !observed.ready_services.contains(service);
    let ended = observed.ended_services.iter().find(is_unready).map(|(service, end)| (*service, Some(*end)));
    observed.late_service.map(|service| (service, None)).or(ended)
}

/// Returns the verdict on a job without a result of its own.
fn errored(observed: &Observed, hypervisor: &str, job: &JobId) -> Verdict {
    let logs = |kind: &str| format!("pikaci logs --job {} --kind {kind}", quote(job.as_str()));
    let (console, host) = (logs("console"), logs("host"));
    let (message, hint) = match (&observed.cause, &observed.error) {
        (Some(EndCause::ShareEnded(tag, exit)), _) => {
            (format!("the daemon that shares {tag:?} with the guest {exit}"), host)
        }
        (Some(EndCause::NetworkEnded(exit)), _) => (format!("the guest's network {exit}"), host),
        (Some(EndCause::Flood), _) => {
            ("the guest sent more lines on its control channel than an agent sends".into(), logs("guest"))
        }
        (Some(EndCause::Restarted), _) => ("the guest restarted by itself".to_owned(), console),
        (Some(EndCause::DiskQuota(bytes)), _) => {
            (format!("the run used up its disk quota of {bytes} bytes"), DISK_QUOTA_HINT.into())
        }
        (Some(EndCause::OutOfFiles), _) => (
            "the job used more files of a shared folder than a process of this machine may hold open".into(),
            MORE_FILES.into(),
        ),
        (Some(EndCause::Unkillable), _) => {
            (format!("the guest was killed, but {hypervisor} or the daemon of a share is still running"), host)
        }
        (_, Some(error)) => (format!("the guest failed: {error}"), console),
        _ if observed.panic
            || observed.cause == Some(EndCause::Panicked)
            || observed.shutdown.as_deref() == Some("guest-reset") =>
        {
            let phase = if observed.ready { "while the job ran" } else { "while it booted" };
            (
                format!("the guest's kernel panicked {phase}"),
                format!("{console}; a larger `memory` for the guest may help"),
            )
        }
        (Some(EndCause::BootDeadline(secs)), _) => (format!("the guest wasn't ready within {secs} s"), console),
        (Some(EndCause::JobDeadline(secs)), _) => {
            (format!("the guest didn't report the end of its command within {secs} s"), console)
        }
        (Some(EndCause::CollectDeadline(secs)), _) => {
            (format!("the guest didn't power off within {secs} s after the command"), console)
        }
        _ => {
            let exit = observed.hypervisor.as_deref().unwrap_or("ended");
            let time = match (observed.ready, observed.exit.is_some()) {
                (false, _) => "before the guest was ready",
                (true, false) => "before the command ended",
                (true, true) => "before the guest had reported everything",
            };
            if observed.ready && observed.shutdown.as_deref() == Some("guest-shutdown") {
                let time = time.replace("the guest", "it");
                return errored_with_console(format!("the guest powered off by itself {time}"), logs("guest"));
            }
            (format!("{hypervisor} {exit} {time}"), host)
        }
    };
    // The job would reach these limits in every attempt.
    let lost = !matches!(observed.cause, Some(EndCause::Flood | EndCause::DiskQuota(_) | EndCause::OutOfFiles));
    Verdict { lost, ..errored_with_console(message, hint) }
}

/// Returns the verdict of an errored job with the console as evidence.
fn errored_with_console(message: String, hint: String) -> Verdict {
    Verdict { show_console: true, ..verdict(Outcome::Errored, None, Reason::new(message, hint)) }
}

fn verdict(outcome: Outcome, exit_code: Option<i32>, reason: Reason) -> Verdict {
    Verdict { outcome, exit: JobExit { exit_code, reason }, show_console: false, lost: false }
}

#[cfg(test)]
mod tests {
    use super::{EndCause, JobExit, Observed, Verdict, judge_guest};
    use crate::event::Outcome;
    use crate::guest::CommandEnd;
    use crate::plan::fixture::job;
    use crate::plan::record::PlannedJob;
    use crate::quota::DISK_QUOTA_HINT;

    fn planned_job() -> PlannedJob {
        PlannedJob { timeout_secs: 60, ..job("j") }
    }

    fn ended(exit: CommandEnd) -> Observed {
        Observed { ready: true, exit: Some(exit), end: true, ..Observed::default() }
    }

    fn outcome_of(observed: &Observed) -> (Outcome, Option<i32>) {
        let Verdict { outcome, exit: JobExit { exit_code, .. }, .. } = judge_guest(observed, "QEMU", &planned_job());
        (outcome, exit_code)
    }

    #[test]
    fn the_outcome_follows_from_the_observations() {
        let observed = ended(CommandEnd::Exit(0));
        assert_eq!(outcome_of(&observed), (Outcome::Passed, Some(0)));
        assert_eq!(outcome_of(&ended(CommandEnd::Exit(3))), (Outcome::Failed, Some(3)));
        assert_eq!(outcome_of(&ended(CommandEnd::Signal(9))), (Outcome::Failed, Some(137)));
        assert_eq!(
            outcome_of(&Observed { deadline: true, ..ended(CommandEnd::Signal(15)) }),
            (Outcome::TimedOut, Some(143))
        );
        assert_eq!(
            outcome_of(&Observed { deadline: true, ..ended(CommandEnd::Exit(0)) }),
            (Outcome::TimedOut, Some(0))
        );
        assert_eq!(
            outcome_of(&Observed { error: Some("no room".into()), ..observed.clone() }),
            (Outcome::Errored, Some(0))
        );
        assert_eq!(outcome_of(&Observed { end: false, ..observed.clone() }), (Outcome::Errored, None));
        assert_eq!(outcome_of(&Observed { exit: None, ..observed.clone() }), (Outcome::Errored, None));
        for cause in [
            EndCause::ShareEnded("usr".into(), "ended".into()),
            EndCause::Flood,
            EndCause::OutOfFiles,
            EndCause::Unkillable,
        ] {
            for exit in [CommandEnd::Exit(0), CommandEnd::Exit(3)] {
                assert_eq!(
                    outcome_of(&Observed { cause: Some(cause.clone()), ..ended(exit) }),
                    (Outcome::Errored, None)
                );
            }
        }
        // The guest reported everything, and only the power stays on.
        assert_eq!(
            outcome_of(&Observed { cause: Some(EndCause::CollectDeadline(9)), ..observed.clone() }),
            (Outcome::Passed, Some(0))
        );
        assert_eq!(outcome_of(&Observed { cause: Some(EndCause::Cancelled), ..observed }), (Outcome::Cancelled, None));
        assert_eq!(outcome_of(&Observed::default()), (Outcome::Errored, None));
    }

    #[test]
    fn a_lack_of_memory_is_named_for_any_ended_process() {
        let observed = Observed { out_of_memory: true, ..ended(CommandEnd::Exit(2)) };
        let Verdict { outcome, exit: JobExit { exit_code, reason }, .. } =
            judge_guest(&observed, "QEMU", &planned_job());
        assert_eq!((outcome, exit_code), (Outcome::Failed, Some(2)));
        let message = "the command ended with exit code 2, after the guest's kernel ended a process of the job for lack \
            of memory";
        assert_eq!(reason.message.as_deref(), Some(message));
        assert_eq!(reason.hint.as_deref(), Some("raise the guest's `memory` in pikaci.nix"));
    }

    #[test]
    fn the_message_names_the_fault() {
        let message = |observed: &Observed| judge_guest(observed, "QEMU", &planned_job()).exit.reason.message.unwrap();
        let booted = Observed { ready: true, ..Observed::default() };
        let reset = Observed { shutdown: Some("guest-reset".into()), ..Observed::default() };
        assert_eq!(message(&reset), "the guest's kernel panicked while it booted");
        let killed = Observed { hypervisor: Some("was ended by signal 9".into()), ..booted.clone() };
        assert_eq!(message(&killed), "QEMU was ended by signal 9 before the command ended");
        let share = EndCause::ShareEnded("workspace".into(), "was ended by signal 9".into());
        let share = Observed { cause: Some(share), ..booted };
        assert_eq!(message(&share), "the daemon that shares \"workspace\" with the guest was ended by signal 9");
    }

    #[test]
    fn each_fault_has_a_message_and_a_hint() {
        let (boots, runs) = (Observed::default(), Observed { ready: true, ..Observed::default() });
        let cause = |cause| Observed { cause: Some(cause), ..runs.clone() };
        let half = Observed { exit: Some(CommandEnd::Exit(0)), ..runs.clone() };
        let ended =
            |observed: &Observed| Observed { hypervisor: Some("ended with exit code 1".into()), ..observed.clone() };
        let error = |observed: &Observed| Observed { error: Some("no room".into()), ..observed.clone() };
        let (console, host) = ("pikaci logs --job j --kind console", "pikaci logs --job j --kind host");
        let off = |observed: &Observed| Observed { shutdown: Some("guest-shutdown".into()), ..ended(observed) };
        let guest = "pikaci logs --job j --kind guest";
        let panic = "pikaci logs --job j --kind console; a larger `memory` for the guest may help";
        for (observed, message, hint) in [
            (ended(&boots), "QEMU ended with exit code 1 before the guest was ready", host),
            (ended(&half), "QEMU ended with exit code 1 before the guest had reported everything", host),
            (off(&runs), "the guest powered off by itself before the command ended", guest),
            (off(&half), "the guest powered off by itself before it had reported everything", guest),
            (cause(EndCause::Restarted), "the guest restarted by itself", console),
            (cause(EndCause::Panicked), "the guest's kernel panicked while the job ran", panic),
            (cause(EndCause::Flood), "the guest sent more lines on its control channel than an agent sends", guest),
            (cause(EndCause::DiskQuota(9)), "the run used up its disk quota of 9 bytes", DISK_QUOTA_HINT),
            (
                cause(EndCause::Unkillable),
                "the guest was killed, but QEMU or the daemon of a share is still running",
                host,
            ),
            (error(&boots), "the guest failed: no room", console),
            (error(&half), "the guest failed: no room", console),
            (Observed { end: true, ..runs.clone() }, "QEMU ended before the command ended", host),
            (Observed { panic: true, ..runs.clone() }, "the guest's kernel panicked while the job ran", panic),
            (cause(EndCause::BootDeadline(9)), "the guest wasn't ready within 9 s", console),
            (cause(EndCause::JobDeadline(9)), "the guest didn't report the end of its command within 9 s", console),
            (cause(EndCause::CollectDeadline(9)), "the guest didn't power off within 9 s after the command", console),
        ] {
            let verdict = judge_guest(&observed, "QEMU", &planned_job());
            assert_eq!((verdict.outcome, verdict.exit.exit_code, verdict.show_console), (Outcome::Errored, None, true));
            assert_eq!(verdict.exit.reason.message.as_deref(), Some(message), "{observed:?}");
            assert_eq!(verdict.exit.reason.hint.as_deref(), Some(hint), "{observed:?}");
        }
    }
}

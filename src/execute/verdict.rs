//! What was seen of a guest to how its job ended: a pure function.

use super::observed::{Cause, Observed};
use crate::doctor::MORE_FILES;
use crate::event::Reason;
use crate::guest::{Control, quote};
use crate::id::JobId;
use crate::quota::MORE;
use crate::record::Outcome;

/// The hint for a job that needs more memory than its guest has.
const MORE_MEMORY: &str = "raise the guest's `memory` in pikaci.nix";

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How.
    pub outcome: Outcome,
    /// The exit code of its command.
    pub exit_code: Option<i32>,
    /// Why it didn't pass; without the evidence.
    pub reason: Reason,
    /// Whether the console's end is the evidence.
    pub show_console: bool,
    /// Whether the guest was lost, which another one may not be.
    pub lost: bool,
}

/// Judges the guest of a job that has ended; the job passes only when its guest said so and came to its end.
#[must_use]
pub fn judge(seen: &Observed, hypervisor: &str, job: &JobId, timeout_secs: u64) -> Verdict {
    if seen.cause == Some(Cause::Cancelled) {
        let message = Some("the run was cancelled".to_owned());
        return verdict(Outcome::Cancelled, None, Reason { message, ..Reason::default() });
    }
    // What the host itself saw break stands above what the guest then said.
    let broke = matches!(
        seen.cause,
        Some(
            Cause::ShareEnded(..)
                | Cause::NetworkEnded(_)
                | Cause::Flood
                | Cause::Restarted
                | Cause::DiskBudget(_)
                | Cause::OutOfFiles
                | Cause::Undying
        )
    );
    if broke || seen.exit.is_none() || !seen.end {
        return errored(seen, hypervisor, job);
    }
    let (code, said) = match seen.exit {
        Some(Control::Signal(signal)) => (128 + i32::from(signal), format!("the command was ended by signal {signal}")),
        Some(Control::Exit(code)) => (i32::from(code), format!("the command ended with exit code {code}")),
        _ => return errored(seen, hypervisor, job),
    };
    if seen.deadline {
        let message = format!("the command didn't end within its timeout of {timeout_secs} s");
        let hint = "raise the job's `timeout` in pikaci.nix, or find out in its log what it waited for";
        return verdict(Outcome::TimedOut, Some(code), Reason::new(message, hint));
    }
    if let Some(error) = &seen.error {
        let message = format!("{said}, but then the guest failed: {error}");
        return verdict(Outcome::Errored, Some(code), Reason { message: Some(message), ..Reason::default() });
    }
    if code == 0 {
        return verdict(Outcome::Passed, Some(0), Reason::default());
    }
    if seen.out_of_memory {
        let message = format!("{said}, after the guest's kernel ended a process of it for lack of memory");
        return verdict(Outcome::Failed, Some(code), Reason::new(message, MORE_MEMORY));
    }
    let hint = (code == 137).then(|| format!("signal 9 is often the end of memory: {MORE_MEMORY}"));
    verdict(Outcome::Failed, Some(code), Reason { message: Some(said), hint, evidence: Vec::new() })
}

fn errored(seen: &Observed, hypervisor: &str, job: &JobId) -> Verdict {
    let logs = |kind: &str| format!("pikaci logs --job {} --kind {kind}", quote(job.as_str()));
    let (console, host) = (logs("console"), logs("host"));
    let (message, hint) = match (&seen.cause, &seen.error) {
        (Some(Cause::ShareEnded(tag, ending)), _) => {
            (format!("the daemon that shares {tag:?} with the guest {ending}"), host)
        }
        (Some(Cause::NetworkEnded(ending)), _) => (format!("the guest's network {ending}"), host),
        (Some(Cause::Flood), _) => {
            ("the guest said more on its control channel than an agent has to say".into(), logs("guest"))
        }
        (Some(Cause::Restarted), _) => ("the guest started again by itself".to_owned(), console),
        (Some(Cause::DiskBudget(bytes)), _) => {
            (format!("the run used up its disk budget of {bytes} bytes"), MORE.into())
        }
        (Some(Cause::OutOfFiles), _) => (
            "the job used more files of a shared folder than this machine lets a process hold open".into(),
            MORE_FILES.into(),
        ),
        (Some(Cause::Undying), _) => {
            (format!("the guest was killed, but {hypervisor} or a share's daemon doesn't end"), host)
        }
        (_, Some(error)) => (format!("the guest failed: {error}"), console),
        _ if seen.panic || seen.cause == Some(Cause::Panicked) || seen.shutdown.as_deref() == Some("guest-reset") => {
            let place = if seen.ready { "while the job ran" } else { "while it booted" };
            (
                format!("the guest's kernel panicked {place}"),
                format!("{console}; a larger `memory` for the guest may help"),
            )
        }
        (Some(Cause::BootDeadline(secs)), _) => (format!("the guest wasn't ready within {secs} s"), console),
        (Some(Cause::JobDeadline(secs)), _) => {
            (format!("the guest didn't end its command within {secs} s, though it was told to"), console)
        }
        (Some(Cause::CollectDeadline(secs)), _) => {
            (format!("the guest didn't power off within {secs} s after the command"), console)
        }
        _ => {
            let ending = seen.hypervisor.as_deref().unwrap_or("ended");
            let place = match (seen.ready, seen.exit.is_some()) {
                (false, _) => "before the guest was ready",
                (true, false) => "before the command ended",
                (true, true) => "before the guest had told everything",
            };
            if seen.ready && seen.shutdown.as_deref() == Some("guest-shutdown") {
                let place = place.replace("the guest", "it");
                return shown(format!("the guest powered off by itself {place}"), logs("guest"));
            }
            (format!("{hypervisor} {ending} {place}"), host)
        }
    };
    // What a guest floods once it floods again.
    let lost = !matches!(seen.cause, Some(Cause::Flood | Cause::DiskBudget(_) | Cause::OutOfFiles));
    Verdict { lost, ..shown(message, hint) }
}

fn shown(message: String, hint: String) -> Verdict {
    Verdict { show_console: true, ..verdict(Outcome::Errored, None, Reason::new(message, hint)) }
}

fn verdict(outcome: Outcome, exit_code: Option<i32>, reason: Reason) -> Verdict {
    Verdict { outcome, exit_code, reason, show_console: false, lost: false }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Observed, Verdict, judge};
    use crate::guest::Control;
    use crate::id::JobId;
    use crate::quota::MORE;
    use crate::record::Outcome;

    fn ended(exit: Control) -> Observed {
        Observed { ready: true, exit: Some(exit), end: true, ..Observed::default() }
    }

    fn of(seen: &Observed) -> (Outcome, Option<i32>) {
        let Verdict { outcome, exit_code, .. } = judge(seen, "QEMU", &JobId::new("j"), 60);
        (outcome, exit_code)
    }

    #[test]
    fn what_was_seen_to_outcome() {
        let seen = ended(Control::Exit(0));
        assert_eq!(of(&seen), (Outcome::Passed, Some(0)));
        assert_eq!(of(&ended(Control::Exit(3))), (Outcome::Failed, Some(3)));
        assert_eq!(of(&ended(Control::Signal(9))), (Outcome::Failed, Some(137)));
        assert_eq!(of(&Observed { deadline: true, ..ended(Control::Signal(15)) }), (Outcome::TimedOut, Some(143)));
        assert_eq!(of(&Observed { deadline: true, ..ended(Control::Exit(0)) }), (Outcome::TimedOut, Some(0)));
        assert_eq!(of(&Observed { error: Some("no room".into()), ..seen.clone() }), (Outcome::Errored, Some(0)));
        assert_eq!(of(&Observed { end: false, ..seen.clone() }), (Outcome::Errored, None));
        assert_eq!(of(&Observed { exit: None, ..seen.clone() }), (Outcome::Errored, None));
        for cause in [Cause::ShareEnded("usr".into(), "ended".into()), Cause::Flood, Cause::OutOfFiles, Cause::Undying]
        {
            for exit in [Control::Exit(0), Control::Exit(3)] {
                assert_eq!(of(&Observed { cause: Some(cause.clone()), ..ended(exit) }), (Outcome::Errored, None));
            }
        }
        // All is said, and only the power stays on.
        assert_eq!(
            of(&Observed { cause: Some(Cause::CollectDeadline(9)), ..seen.clone() }),
            (Outcome::Passed, Some(0))
        );
        assert_eq!(of(&Observed { cause: Some(Cause::Cancelled), ..seen }), (Outcome::Cancelled, None));
        assert_eq!(of(&Observed::default()), (Outcome::Errored, None));
    }

    #[test]
    fn a_lack_of_memory_is_named_whatever_process_it_ended() {
        let observed = Observed { out_of_memory: true, ..ended(Control::Exit(2)) };
        let Verdict { outcome, exit_code, reason, .. } = judge(&observed, "QEMU", &JobId::new("j"), 60);
        assert_eq!((outcome, exit_code), (Outcome::Failed, Some(2)));
        let message =
            "the command ended with exit code 2, after the guest's kernel ended a process of it for lack of memory";
        assert_eq!(reason.message.as_deref(), Some(message));
        assert_eq!(reason.hint.as_deref(), Some("raise the guest's `memory` in pikaci.nix"));
    }

    #[test]
    fn the_message_names_what_broke() {
        let message = |seen: &Observed| judge(seen, "QEMU", &JobId::new("j"), 60).reason.message.unwrap();
        let booted = Observed { ready: true, ..Observed::default() };
        let reset = Observed { shutdown: Some("guest-reset".into()), ..Observed::default() };
        assert_eq!(message(&reset), "the guest's kernel panicked while it booted");
        let killed = Observed { hypervisor: Some("was ended by signal 9".into()), ..booted.clone() };
        assert_eq!(message(&killed), "QEMU was ended by signal 9 before the command ended");
        let share = Cause::ShareEnded("workspace".into(), "was ended by signal 9".into());
        let share = Observed { cause: Some(share), ..booted };
        assert_eq!(message(&share), "the daemon that shares \"workspace\" with the guest was ended by signal 9");
    }

    #[test]
    fn what_broke_has_a_message_and_a_hint() {
        let (boots, runs) = (Observed::default(), Observed { ready: true, ..Observed::default() });
        let cause = |cause| Observed { cause: Some(cause), ..runs.clone() };
        let half = Observed { exit: Some(Control::Exit(0)), ..runs.clone() };
        let ended = |seen: &Observed| Observed { hypervisor: Some("ended with exit code 1".into()), ..seen.clone() };
        let error = |seen: &Observed| Observed { error: Some("no room".into()), ..seen.clone() };
        let (console, host) = ("pikaci logs --job j --kind console", "pikaci logs --job j --kind host");
        let off = |seen: &Observed| Observed { shutdown: Some("guest-shutdown".into()), ..ended(seen) };
        let guest = "pikaci logs --job j --kind guest";
        let panic = "pikaci logs --job j --kind console; a larger `memory` for the guest may help";
        for (seen, message, hint) in [
            (ended(&boots), "QEMU ended with exit code 1 before the guest was ready", host),
            (ended(&half), "QEMU ended with exit code 1 before the guest had told everything", host),
            (off(&runs), "the guest powered off by itself before the command ended", guest),
            (off(&half), "the guest powered off by itself before it had told everything", guest),
            (cause(Cause::Restarted), "the guest started again by itself", console),
            (cause(Cause::Panicked), "the guest's kernel panicked while the job ran", panic),
            (cause(Cause::Flood), "the guest said more on its control channel than an agent has to say", guest),
            (cause(Cause::DiskBudget(9)), "the run used up its disk budget of 9 bytes", MORE),
            (cause(Cause::Undying), "the guest was killed, but QEMU or a share's daemon doesn't end", host),
            (error(&boots), "the guest failed: no room", console),
            (error(&half), "the guest failed: no room", console),
            (Observed { end: true, ..runs.clone() }, "QEMU ended before the command ended", host),
            (Observed { panic: true, ..runs.clone() }, "the guest's kernel panicked while the job ran", panic),
            (cause(Cause::BootDeadline(9)), "the guest wasn't ready within 9 s", console),
            (
                cause(Cause::JobDeadline(9)),
                "the guest didn't end its command within 9 s, though it was told to",
                console,
            ),
            (cause(Cause::CollectDeadline(9)), "the guest didn't power off within 9 s after the command", console),
        ] {
            let verdict = judge(&seen, "QEMU", &JobId::new("j"), 60);
            assert_eq!((verdict.outcome, verdict.exit_code, verdict.show_console), (Outcome::Errored, None, true));
            assert_eq!(verdict.reason.message.as_deref(), Some(message), "{seen:?}");
            assert_eq!(verdict.reason.hint.as_deref(), Some(hint), "{seen:?}");
        }
    }
}

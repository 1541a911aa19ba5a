//! What a running guest tells, against the clock and the request to end.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::ending::Ending;
use super::message::Message;
use super::observed::{Cause, Observed};
use super::stop::Stop;
use crate::cancel::{Cancel, Urgency};
use crate::guest::Control;
use crate::plan::record::Deadlines;

/// How long the waiting for messages lasts before the clock and the request to end are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a hypervisor may take to end by itself after its guest's last word, in seconds; nothing is lost then.
const POWER_OFF_SECS: u64 = 5;
/// How long a hypervisor may take to end after its guest's end, or after a share's daemon ended.
const GRACE: Duration = Duration::from_secs(2);

/// Takes in what is told of a guest, and ends it when it takes too long, says or writes too much, or is asked to end.
pub fn supervise(
    deadlines: Deadlines,
    stop: &mut dyn Stop,
    is_over: &dyn Fn() -> Option<Cause>,
    messages: &Receiver<Message>,
    cancel: &Cancel,
    on_control: &mut dyn FnMut(&Control),
) -> Observed {
    let mut seen = Observed::default();
    let mut phase_began = Instant::now();
    let mut course = Ending::new(stop);
    let mut share_followed = false;
    let mut own_end = None;
    loop {
        match messages.recv_timeout(TICK) {
            Ok(Message::Control(line)) => {
                on_control(&line);
                if seen.ready && line == Control::Ready {
                    own_end = Some(Cause::Restarted);
                }
                let before = (seen.ready, seen.exit.is_some(), seen.end);
                seen.control(line);
                // Only what is new counts: root in the guest may say it every second.
                if before != (seen.ready, seen.exit.is_some(), seen.end) {
                    phase_began = Instant::now();
                }
            }
            Ok(Message::Flood) => own_end = Some(Cause::Flood),
            Ok(Message::NetworkEnded(ending)) => own_end = Some(Cause::NetworkEnded(ending)),
            Ok(Message::Panicked) => own_end = Some(Cause::Panicked),
            Ok(Message::Shutdown(reason)) => seen.shutdown = Some(reason),
            Ok(Message::HypervisorEnded(ending)) => {
                seen.hypervisor = Some(ending);
                if share_followed {
                    seen.cause = None;
                }
                return seen;
            }
            Ok(Message::ShareEnded(tag, ending, well)) => {
                // A guest that powers off closes its shares a moment before its hypervisor ends.
                if !seen.end && seen.shutdown.is_none() && seen.cause.is_none() {
                    seen.cause = Some(Cause::ShareEnded(tag, ending));
                    // A daemon ends well when its hypervisor is gone, which may be heard of only later.
                    share_followed = well;
                }
                course.wait_at_most(GRACE);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return seen,
        }
        let urgency = cancel.urgency();
        if course.is_over(urgency) {
            return seen;
        }
        course.go_on(&mut seen, urgency, |seen| {
            let asked = (urgency > Urgency::None).then_some(Cause::Cancelled);
            asked.or(own_end.take()).or_else(is_over).or_else(|| overdue(seen, deadlines, phase_began.elapsed()))
        });
    }
}

fn overdue(seen: &Observed, deadlines: Deadlines, elapsed: Duration) -> Option<Cause> {
    let (secs, cause): (u64, fn(u64) -> Cause) = match (seen.ready, &seen.exit) {
        (_, Some(_)) if seen.end => (deadlines.collect_secs.min(POWER_OFF_SECS), Cause::CollectDeadline),
        (_, Some(_)) => (deadlines.collect_secs, Cause::CollectDeadline),
        (true, None) => (deadlines.job_secs, Cause::JobDeadline),
        (false, None) => (deadlines.boot_secs, Cause::BootDeadline),
    };
    (elapsed > Duration::from_secs(secs)).then(|| cause(secs))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::time::{Duration, Instant};

    use super::{Cause, Message, Observed, POWER_OFF_SECS, overdue, supervise};
    use crate::cancel::Cancel;
    use crate::execute::stop::Stop;
    use crate::guest::Control;
    use crate::plan::record::Deadlines;

    #[test]
    fn each_part_has_its_own_deadline() {
        let deadlines = Deadlines { boot_secs: 10, job_secs: 20, collect_secs: 30 };
        let boots = Observed::default();
        let runs = Observed { ready: true, ..Observed::default() };
        let collects = Observed { exit: Some(Control::Exit(0)), ..runs.clone() };
        let powers_off = Observed { end: true, ..collects.clone() };
        for (seen, secs, cause) in [
            (boots, 10, Cause::BootDeadline(10)),
            (runs, 20, Cause::JobDeadline(20)),
            (collects, 30, Cause::CollectDeadline(30)),
            (powers_off, POWER_OFF_SECS, Cause::CollectDeadline(POWER_OFF_SECS)),
        ] {
            assert_eq!(overdue(&seen, deadlines, Duration::from_secs(secs)), None);
            assert_eq!(overdue(&seen, deadlines, Duration::from_millis(secs * 1000 + 1)), Some(cause));
        }
    }

    /// A hypervisor that does nothing of what it is asked, and remembers what that was.
    #[derive(Default)]
    struct Asked {
        of: Vec<&'static str>,
        guest_patience: Option<Duration>,
    }

    impl Stop for Asked {
        fn stop_guest(&mut self) -> Option<Duration> {
            self.of.push("guest");
            self.guest_patience
        }

        fn stop(&mut self) {
            self.of.push("ask");
        }

        fn insist(&mut self) {
            self.of.push("insist");
        }

        fn patience(&self) -> Duration {
            Duration::from_millis(100)
        }

        fn grace(&self) -> Duration {
            Duration::from_millis(300)
        }
    }

    #[test]
    fn who_is_asked_to_end_is_first_the_guest_and_then_its_hypervisor() {
        let ready = || vec![Message::Control(Control::Ready)];
        let some = Some(Duration::from_millis(200));
        for (said, guest_patience, requests, of) in [
            (ready(), some, 1, &["guest", "ask", "insist"][..]),
            (ready(), None, 1, &["guest", "ask", "insist"]),
            (Vec::new(), some, 1, &["ask", "insist"]),
            (ready(), some, 2, &["ask"]),
        ] {
            let cancel = Cancel::default();
            let (sender, receiver) = sync_channel(4);
            for message in said {
                sender.send(message).unwrap();
            }
            let deadlines = Deadlines { boot_secs: 60, job_secs: 60, collect_secs: 60 };
            let mut asked = Asked { guest_patience, ..Asked::default() };
            for _ in 0..requests {
                cancel.request(2);
            }
            let observed = supervise(deadlines, &mut asked, &|| None, &receiver, &cancel, &mut |_| {});
            assert_eq!((observed.cause, asked.of.as_slice()), (Some(Cause::Cancelled), of));
        }
    }

    /// Supervises what a thread tells, with a second for each part.
    fn supervised(tell: impl FnOnce(SyncSender<Message>) + Send + 'static) -> (Observed, Duration) {
        supervised_with(&|| None, tell)
    }

    fn supervised_with(
        is_over: &dyn Fn() -> Option<Cause>,
        tell: impl FnOnce(SyncSender<Message>) + Send + 'static,
    ) -> (Observed, Duration) {
        let (sender, receiver) = sync_channel(4);
        let teller = std::thread::spawn(move || tell(sender));
        let deadlines = Deadlines { boot_secs: 1, job_secs: 1, collect_secs: 1 };
        let (mut asked, began) = (Asked::default(), Instant::now());
        let seen = supervise(deadlines, &mut asked, is_over, &receiver, &Cancel::default(), &mut |_| {});
        drop(receiver);
        teller.join().unwrap();
        (seen, began.elapsed())
    }

    #[test]
    fn a_guest_that_says_ready_again_and_again_gets_no_more_time() {
        for line in [Control::Ready, Control::Exit(0), Control::Signal(9)] {
            let said = line.clone();
            let (seen, took) = supervised(move |sender| {
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(20) && sender.send(Message::Control(said.clone())).is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let cause = if line == Control::Ready { Cause::Restarted } else { Cause::CollectDeadline(1) };
            assert_eq!(seen.cause, Some(cause), "{line:?}");
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
    }

    #[test]
    fn a_guest_that_says_too_much_is_ended() {
        let (seen, _) = supervised(|sender| {
            sender.send(Message::Flood).unwrap();
            // It is told to quit before its end is waited for.
            std::thread::sleep(Duration::from_millis(200));
            sender.send(Message::HypervisorEnded("ended".to_owned())).ok();
        });
        assert_eq!((seen.cause, seen.hypervisor.as_deref()), (Some(Cause::Flood), Some("ended")));
    }

    #[test]
    fn a_guest_that_writes_too_much_is_ended() {
        let (seen, _) = supervised_with(&|| Some(Cause::DiskBudget(9)), |sender| {
            std::thread::sleep(Duration::from_millis(200));
            sender.send(Message::HypervisorEnded("ended".to_owned())).ok();
        });
        assert_eq!(seen.cause, Some(Cause::DiskBudget(9)));
    }
}

//! Supervises a running guest: records its messages, and watches deadlines, quota and cancel request.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::guest_message::GuestMessage;
use super::guest_shutdown::GuestShutdown;
use super::observed::{EndCause, Observed};
use super::stop_guest::StopGuest;
use crate::cancel::{Cancel, Urgency};
use crate::guest::ControlLine;
use crate::plan::record::Deadlines;

/// Maximum time for the power-off after the guest reported that nothing follows, in seconds. A kill loses nothing then.
const POWER_OFF_SECS: u64 = 5;
/// Time that the hypervisor has to exit after the daemon of a share exited.
const GRACE: Duration = Duration::from_secs(2);
/// Interval at which deadlines and the quota are checked. Everything else, a cancel request too, is a message.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Records the messages about a guest until its hypervisor exits. Stops the guest if a deadline passes, if it sends too
/// many control lines, if `quota_cause` returns a cause, or if the run is cancelled.
pub fn supervise(
    deadlines: Deadlines,
    stop: &mut dyn StopGuest,
    quota_cause: &dyn Fn() -> Option<EndCause>,
    messages: &Receiver<GuestMessage>,
    cancel: &Cancel,
    on_control: &mut dyn FnMut(&ControlLine),
) -> Observed {
    let mut observed = Observed::default();
    let mut phase_start = Instant::now();
    let mut shutdown = GuestShutdown::new(stop);
    // True if the daemon of a share may have exited because of its hypervisor.
    let mut is_share_exit_expected = false;
    let mut guest_cause = None;
    loop {
        match messages.recv_timeout(CHECK_INTERVAL) {
            Ok(GuestMessage::Control(line)) => {
                on_control(&line);
                if observed.ready && line == ControlLine::Ready {
                    guest_cause = Some(EndCause::Restarted);
                }
                let before = (observed.ready, observed.exit.is_some(), observed.end);
                observed.control(line);
                // Only a change restarts the clock: root in the guest may send the same line every second.
                if before != (observed.ready, observed.exit.is_some(), observed.end) {
                    phase_start = Instant::now();
                }
            }
            Ok(GuestMessage::Flood) => guest_cause = Some(EndCause::Flood),
            Ok(GuestMessage::NetworkEnded(exit)) => guest_cause = Some(EndCause::NetworkEnded(exit)),
            Ok(GuestMessage::Panicked) => guest_cause = Some(EndCause::Panicked),
            Ok(GuestMessage::Shutdown(reason)) => observed.shutdown = Some(reason),
            Ok(GuestMessage::HypervisorEnded(exit)) => {
                observed.hypervisor = Some(exit);
                if is_share_exit_expected {
                    observed.cause = None;
                }
                return observed;
            }
            Ok(GuestMessage::ShareEnded(tag, exit, is_success)) => {
                // A guest that powers off closes its shares a moment before its hypervisor ends.
                if !observed.end && observed.shutdown.is_none() && observed.cause.is_none() {
                    observed.cause = Some(EndCause::ShareEnded(tag, exit));
                    // A daemon exits with a success when its hypervisor is gone, whose own message may arrive later.
                    is_share_exit_expected = is_success;
                }
                shutdown.limit_wait(GRACE);
            }
            Ok(GuestMessage::CancelRequested) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return observed,
        }
        let urgency = cancel.urgency();
        if shutdown.is_over(urgency) {
            return observed;
        }
        shutdown.advance(&mut observed, urgency, |observed| {
            let cancelled = (urgency > Urgency::None).then_some(EndCause::Cancelled);
            cancelled
                .or(guest_cause.take())
                .or_else(quota_cause)
                .or_else(|| overdue(observed, deadlines, phase_start.elapsed()))
        });
    }
}

/// Returns the cause if the current phase took longer than its deadline.
fn overdue(observed: &Observed, deadlines: Deadlines, elapsed: Duration) -> Option<EndCause> {
    let (secs, cause): (u64, fn(u64) -> EndCause) = match (observed.ready, &observed.exit) {
        (_, Some(_)) if observed.end => (deadlines.collect_secs.min(POWER_OFF_SECS), EndCause::CollectDeadline),
        (_, Some(_)) => (deadlines.collect_secs, EndCause::CollectDeadline),
        (true, None) => (deadlines.job_secs, EndCause::JobDeadline),
        (false, None) => (deadlines.boot_secs, EndCause::BootDeadline),
    };
    (elapsed > Duration::from_secs(secs)).then(|| cause(secs))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::time::{Duration, Instant};

    use super::{EndCause, GuestMessage, Observed, POWER_OFF_SECS, overdue, supervise};
    use crate::cancel::Cancel;
    use crate::execute::stop_guest::StopGuest;
    use crate::guest::{CommandEnd, ControlLine};
    use crate::plan::record::Deadlines;

    #[test]
    fn each_phase_has_its_own_deadline() {
        let deadlines = Deadlines { boot_secs: 10, job_secs: 20, collect_secs: 30 };
        let boots = Observed::default();
        let runs = Observed { ready: true, ..Observed::default() };
        let collects = Observed { exit: Some(CommandEnd::Exit(0)), ..runs.clone() };
        let powers_off = Observed { end: true, ..collects.clone() };
        for (observed, secs, cause) in [
            (boots, 10, EndCause::BootDeadline(10)),
            (runs, 20, EndCause::JobDeadline(20)),
            (collects, 30, EndCause::CollectDeadline(30)),
            (powers_off, POWER_OFF_SECS, EndCause::CollectDeadline(POWER_OFF_SECS)),
        ] {
            assert_eq!(overdue(&observed, deadlines, Duration::from_secs(secs)), None);
            assert_eq!(overdue(&observed, deadlines, Duration::from_millis(secs * 1000 + 1)), Some(cause));
        }
    }

    /// A hypervisor that ignores requests and records them.
    #[derive(Default)]
    struct RecordedStop {
        requests: Vec<&'static str>,
        guest_patience: Option<Duration>,
    }

    impl StopGuest for RecordedStop {
        fn stop_guest(&mut self) -> Option<Duration> {
            self.requests.push("guest");
            self.guest_patience
        }

        fn stop_hypervisor(&mut self) {
            self.requests.push("hypervisor");
        }

        fn terminate(&mut self) {
            self.requests.push("terminate");
        }

        fn patience(&self) -> Duration {
            Duration::from_millis(100)
        }

        fn grace(&self) -> Duration {
            Duration::from_millis(300)
        }
    }

    #[test]
    fn the_guest_is_stopped_first_and_then_its_hypervisor() {
        let ready = || vec![GuestMessage::Control(ControlLine::Ready)];
        let some = Some(Duration::from_millis(200));
        for (messages, guest_patience, cancel_requests, requests) in [
            (ready(), some, 1, &["guest", "hypervisor", "terminate"][..]),
            (ready(), None, 1, &["guest", "hypervisor", "terminate"]),
            (Vec::new(), some, 1, &["hypervisor", "terminate"]),
            (ready(), some, 2, &["hypervisor"]),
        ] {
            let cancel = Cancel::default();
            let (sender, receiver) = sync_channel(4);
            for message in messages {
                sender.send(message).unwrap();
            }
            let deadlines = Deadlines { boot_secs: 60, job_secs: 60, collect_secs: 60 };
            let mut stop = RecordedStop { guest_patience, ..RecordedStop::default() };
            for _ in 0..cancel_requests {
                cancel.request(2);
            }
            let observed = supervise(deadlines, &mut stop, &|| None, &receiver, &cancel, &mut |_| {});
            assert_eq!((observed.cause, stop.requests.as_slice()), (Some(EndCause::Cancelled), requests));
        }
    }

    /// Supervises the messages that a thread sends, with a deadline of one second for each phase.
    fn supervised(send: impl FnOnce(SyncSender<GuestMessage>) + Send + 'static) -> (Observed, Duration) {
        supervised_with(&|| None, send)
    }

    fn supervised_with(
        quota_cause: &dyn Fn() -> Option<EndCause>,
        send: impl FnOnce(SyncSender<GuestMessage>) + Send + 'static,
    ) -> (Observed, Duration) {
        let (sender, receiver) = sync_channel(4);
        let thread = std::thread::spawn(move || send(sender));
        let deadlines = Deadlines { boot_secs: 1, job_secs: 1, collect_secs: 1 };
        let (mut stop, start) = (RecordedStop::default(), Instant::now());
        let observed = supervise(deadlines, &mut stop, quota_cause, &receiver, &Cancel::default(), &mut |_| {});
        drop(receiver);
        thread.join().unwrap();
        (observed, start.elapsed())
    }

    #[test]
    fn a_guest_that_repeats_a_line_gets_no_more_time() {
        for line in
            [ControlLine::Ready, ControlLine::Exit(CommandEnd::Exit(0)), ControlLine::Exit(CommandEnd::Signal(9))]
        {
            let repeated = line.clone();
            let (observed, duration) = supervised(move |sender| {
                let start = Instant::now();
                while start.elapsed() < Duration::from_secs(20)
                    && sender.send(GuestMessage::Control(repeated.clone())).is_ok()
                {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let cause = if line == ControlLine::Ready { EndCause::Restarted } else { EndCause::CollectDeadline(1) };
            assert_eq!(observed.cause, Some(cause), "{line:?}");
            assert!(duration < Duration::from_secs(10), "{duration:?}");
        }
    }

    #[test]
    fn a_guest_with_too_many_control_lines_is_stopped() {
        let (observed, _) = supervised(|sender| {
            sender.send(GuestMessage::Flood).unwrap();
            // The supervisor stops the hypervisor before it waits for the exit.
            std::thread::sleep(Duration::from_millis(200));
            sender.send(GuestMessage::HypervisorEnded("ended".to_owned())).ok();
        });
        assert_eq!((observed.cause, observed.hypervisor.as_deref()), (Some(EndCause::Flood), Some("ended")));
    }

    #[test]
    fn a_guest_that_exceeds_the_quota_is_stopped() {
        let (observed, _) = supervised_with(&|| Some(EndCause::DiskQuota(9)), |sender| {
            std::thread::sleep(Duration::from_millis(200));
            sender.send(GuestMessage::HypervisorEnded("ended".to_owned())).ok();
        });
        assert_eq!(observed.cause, Some(EndCause::DiskQuota(9)));
    }
}

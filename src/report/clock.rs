//! Moments, for people.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Moment and time zone of a report.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Current time.
    pub now: Timestamp,
    /// Time zone of printed times.
    pub zone: TimeZone,
}

impl Clock {
    /// Returns `3 min ago` for a moment within the last day, and the date and the time for any other.
    pub(super) fn when(&self, at: Timestamp) -> String {
        let ago = self.now.duration_since(at);
        match ago.as_secs() {
            _ if ago < SignedDuration::ZERO => self.date(at, "%Y-%m-%d %H:%M"),
            0..60 => "just now".to_owned(),
            60..3600 => format!("{} min ago", ago.as_mins()),
            3600..86400 => format!("{} h ago", ago.as_hours()),
            _ => self.date(at, "%Y-%m-%d %H:%M"),
        }
    }

    /// Returns the date and the time, with seconds.
    pub(super) fn date_and_time(&self, at: Timestamp) -> String {
        self.date(at, "%Y-%m-%d %H:%M:%S")
    }

    fn date(&self, at: Timestamp, format: &str) -> String {
        at.to_zoned(self.zone.clone()).strftime(format).to_string()
    }
}

#[cfg(test)]
mod tests {

    use jiff::SignedDuration;
    use jiff::tz::{Offset, TimeZone};

    use proptest::prelude::*;

    use super::super::fixture::{after, apply, begun, ended, place};
    use super::super::{FailureOutput, Listing, event_line, list, status, summary};
    use super::Clock;
    use crate::event::{Event, EventKind, LogPaths, Outcome, Reason};
    use crate::id::JobId;

    proptest! {
        /// A clock may be set by seconds or by decades, before, in and after a run.
        #[test]
        fn a_clock_that_goes_backwards_gives_no_negative_duration(
            times in proptest::collection::vec(-2_000_000_000_000..2_000_000_000_000_i64, 4),
        ) {
            let mut history = begun("20261122-101500000-4f2a", &["build"]);
            let log = || place("log");
            let (job, logs) = (JobId::new("build"), LogPaths { host: log(), guest: log(), console: Some(log()) });
            apply(&mut history, times[0], EventKind::JobStarted { job, attempt: 1, logs });
            let end = EventKind::JobFinished(Box::new(ended("build", Outcome::Failed, Some(1), Reason::default())));
            apply(&mut history, times[1], end.clone());
            let clock = Clock { now: after(times[3]), zone: TimeZone::UTC };
            let running = status(&history, &FailureOutput::default(), "/p".as_ref(), &clock);
            apply(&mut history, times[2], EventKind::RunFinished { outcome: Outcome::Failed, message: None });
            let mut listing = Listing::new(0);
            listing.runs.push(history.run.clone());
            let pages = [
                running,
                status(&history, &FailureOutput::default(), "/p".as_ref(), &clock),
                summary(&history, &FailureOutput::default(), "/p".as_ref()),
                list(&listing, &clock),
                event_line(&Event { at: after(times[1]), kind: end }, &history).unwrap(),
            ];
            for text in pages.map(|page| page.render(false)) {
                let is_negative = |word: &str| word.trim_start_matches('-').len() + 1 == word.len();
                prop_assert!(!text.split_whitespace().any(is_negative), "{}", text);
                prop_assert!(text.contains("failed"), "{}", text);
            }
        }
    }

    #[test]
    fn a_recent_moment_is_relative_and_an_old_one_is_a_date() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let clock = Clock { now, zone: TimeZone::fixed(Offset::constant(2)) };
        for (seconds, expected) in [
            (0, "just now"),
            (59, "just now"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (3600, "1 h ago"),
            (86_399, "23 h ago"),
            (86_400, "2026-11-21 14:00"),
            (-3600, "2026-11-22 15:00"),
        ] {
            assert_eq!(clock.when(now - SignedDuration::from_secs(seconds)), expected);
        }
        assert_eq!(clock.date_and_time(now), "2026-11-22 14:00:00");
    }
}

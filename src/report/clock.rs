//! Times for people.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The moment and the place that times are told from.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Now.
    pub now: Timestamp,
    /// Where times are local.
    pub zone: TimeZone,
}

impl Clock {
    /// Returns `3 min ago` for what was within a day, and the date and the time for what was before.
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

    /// Returns the date and the time to the second.
    pub(super) fn exactly(&self, at: Timestamp) -> String {
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

    use super::Clock;

    #[test]
    fn recent_is_ago_and_old_is_local_time() {
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
        assert_eq!(clock.exactly(now), "2026-11-22 14:00:00");
    }
}

//! The clock of this machine.

#![expect(clippy::disallowed_methods, reason = "reads the clock and the time zone")]

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::report::Clock;

/// Returns the current time, with the time zone of this machine.
pub fn clock() -> Clock {
    Clock { now: Timestamp::now(), zone: TimeZone::system() }
}

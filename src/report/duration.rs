//! Durations, for people.

use jiff::{SignedDuration, Timestamp};

/// Returns the time between two moments: `0.4s`, `12s`, `3m05s`. A negative time counts as none.
pub(super) fn duration(from: Timestamp, to: Timestamp) -> String {
    let took = to.duration_since(from).max(SignedDuration::ZERO);
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", took.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

//! Colors of statuses.

use anstyle::AnsiColor;

use super::page::Painted;
use crate::event::{Outcome, Status};

/// Returns the word for a status in its color.
pub(super) fn paint(status: Status) -> Painted {
    paint_to(status, 0)
}

/// Returns the word for a status in its color, padded to a width.
pub(super) fn paint_to(status: Status, width: usize) -> Painted {
    let color = match status.outcome() {
        Some(outcome) if outcome.is_success() => AnsiColor::Green,
        Some(Outcome::Skipped | Outcome::Cancelled) => AnsiColor::Yellow,
        Some(_) => AnsiColor::Red,
        None => AnsiColor::Cyan,
    };
    Painted { word: status.word(), color, width }
}

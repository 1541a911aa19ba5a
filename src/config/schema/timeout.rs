//! Timeouts of jobs and guests.

use super::reader::{Fields, Reader};
use crate::config::parse_seconds;

const MAX_SECS: u64 = 7 * 24 * 60 * 60;

/// Reads a time limit, in seconds.
pub(super) fn read(reader: &mut Reader, fields: &Fields, key: &str) -> Option<u64> {
    let field = fields.get(key)?;
    let hint = "write it like \"90s\", \"10m\" or \"1h30m\", or as an integer of seconds";
    let seconds = reader.quantity(&field, parse_seconds, hint)?;
    if !(1..=MAX_SECS).contains(&seconds) {
        let message = format!("`{}` can't be {seconds} seconds", field.path);
        reader.refuse(&field.value.at, message, "write more than 0 and at most 7 days (\"7d\")");
    }
    Some(seconds)
}

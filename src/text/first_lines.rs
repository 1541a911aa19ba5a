//! Long lists of lines, cut to the first ones.

use super::count;

/// Largest number of printed lines of one kind.
pub const MAX_LINES: usize = 8;

/// Returns the lines, of which a long list is cut to the first ones and a line with the number of further ones.
#[must_use]
pub fn first_lines(mut lines: Vec<String>, noun: &str) -> Vec<String> {
    if lines.len() > MAX_LINES {
        let more = lines.split_off(MAX_LINES - 1).len();
        lines.push(format!("… and {}", count(more, &format!("more {noun}"))));
    }
    lines
}

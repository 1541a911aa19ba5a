//! Numbers with their nouns.

/// Returns a number with its noun, which gets an `s` unless the number is 1.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

//! Quoting for a POSIX shell.

/// Returns a text as one word of a POSIX shell: unchanged if no character needs quoting, else in single quotes.
///
/// ```
/// use pikaci::text::quote;
///
/// assert_eq!(quote("--job=lint"), "--job=lint");
/// assert_eq!(quote("it's here"), r"'it'\''s here'");
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn only_special_characters_are_quoted() {
        assert_eq!(quote("-cpu"), "-cpu");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $x"), r"'it'\''s $x'");
    }
}

//! Words for a POSIX shell.

/// Returns a text as one word of a POSIX shell: unchanged where no character needs quoting, else in single quotes.
///
/// ```
/// use pikaci::guest::quote;
///
/// assert_eq!(quote("--job=lint"), "--job=lint");
/// assert_eq!(quote("it's here"), r"'it'\''s here'");
/// ```
#[must_use]
pub fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_only_what_needs_it() {
        assert_eq!(quote("-cpu"), "-cpu");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $x"), r"'it'\''s $x'");
    }
}

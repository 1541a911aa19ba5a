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

/// Returns a word of a shell, which may be unfinished, without its quotes and backslashes.
#[must_use]
pub fn unquote(word: &str) -> String {
    let (mut plain, mut open) = (String::new(), None);
    let mut characters = word.chars();
    while let Some(c) = characters.next() {
        match (c, open) {
            ('\\', None | Some('"')) => plain.extend(characters.next()),
            ('\'' | '"', None) => open = Some(c),
            (c, Some(quote)) if c == quote => open = None,
            (c, _) => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{quote, unquote};

    #[test]
    fn a_typed_word_loses_its_quotes() {
        for (typed, plain) in [
            (r"test\[cc\=gcc\]", "test[cc=gcc]"),
            ("'unit te", "unit te"),
            (r#""a\"b"' c'd"#, r#"a"b cd"#),
            (r"'a\b'", r"a\b"),
            ("end\\", "end"),
        ] {
            assert_eq!(unquote(typed), plain, "{typed}");
        }
        assert_eq!(unquote(&quote("it's $x")), "it's $x");
    }

    #[test]
    fn only_special_characters_are_quoted() {
        assert_eq!(quote("-cpu"), "-cpu");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's $x"), r"'it'\''s $x'");
    }
}

//! Folder names of jobs.

use std::fmt::Write as _;

use crate::id::Digest;

/// Maximum length of a name, in bytes: the limit of common file systems.
const MAX_LEN: usize = 255;
/// Mark before the digest of a text that is too long.
const DIGEST_MARK: &str = "++";

/// Returns a folder name for a text: in lower case, without separators, not hidden, and at most 255 bytes long.
///
/// Letters `a` to `z`, digits, `-`, `_` and inner dots stay; every other byte becomes `+` and two hexadecimal digits.
/// Different texts get different names. A name that would be too long is cut and ends in the digest of its text.
#[must_use]
pub fn encode_name(text: &str) -> String {
    if text.is_empty() {
        return "+".to_owned();
    }
    let mut name = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if index > 0 => name.push('.'),
            _ => write!(name, "+{byte:02x}").unwrap_or_default(),
        }
    }
    if name.len() > MAX_LEN {
        name.truncate(MAX_LEN - 64 - DIGEST_MARK.len());
        name += DIGEST_MARK;
        name += Digest::of(text.as_bytes()).as_str();
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::encode_name;

    /// Returns the text of a folder name, or `None` for a name that `encode_name` never returns or has cut.
    fn decode_name(name: &str) -> Option<String> {
        if name == "+" {
            return Some(String::new());
        }
        let mut bytes = Vec::with_capacity(name.len());
        let mut rest = name.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            if *first == b'+' {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            } else {
                bytes.push(*first);
            }
        }
        let text = String::from_utf8(bytes).ok()?;
        (encode_name(&text) == name).then_some(text)
    }

    #[test]
    fn letters_and_digits_stay_readable() {
        for (text, name) in [
            ("lint", "lint"),
            ("test-1_a.b", "test-1_a.b"),
            ("Test", "+54est"),
            ("a/b", "a+2fb"),
            ("test[cc=clang]", "test+5bcc+3dclang+5d"),
            (".", "+2e"),
            ("..", "+2e."),
            ("", "+"),
            ("+", "+2b"),
            ("ä", "+c3+a4"),
        ] {
            assert_eq!(encode_name(text), name);
            assert_eq!(decode_name(name).as_deref(), Some(text));
        }
    }

    #[test]
    fn long_names_stay_different() {
        let (one, two) = (format!("{}1", "x".repeat(400)), format!("{}2", "x".repeat(400)));
        assert_ne!(encode_name(&one), encode_name(&two));
        assert_eq!(encode_name(&one).len(), 255);
        assert_eq!(decode_name(&encode_name(&one)), None);
    }

    #[test]
    fn names_of_other_programs_have_no_text() {
        for name in ["..", ".tmp-abc", "Test", "+4", "+zz", "+61", "++", "+-1", "a/b", "+ff"] {
            assert_eq!(decode_name(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_safe_name(text in any::<String>(), letters in "[a-zA-Z./+]{0,300}") {
            for text in [text, letters] {
                let name = encode_name(&text);
                prop_assert!(!name.is_empty() && name.len() <= 255 && !name.starts_with('.'));
                prop_assert!(!name.contains('/') && name.is_ascii());
                prop_assert_eq!(name.to_ascii_lowercase(), name.as_str());
                if !name.contains("++") {
                    prop_assert_eq!(decode_name(&name), Some(text));
                }
            }
        }
    }
}

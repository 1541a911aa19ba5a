//! Names of jobs as names of folders.

use std::fmt::Write as _;

use crate::id::Digest;

/// What file systems allow is 255 bytes: room for the digest of a name that is longer.
const LONGEST: usize = 255;
const DIGEST_MARK: &str = "++";

/// Returns a folder name for any text: lower case only, without separators, never hidden, at most 255 bytes.
///
/// Letters `a` to `z`, digits, `-`, `_` and inner dots stay; every other byte becomes `+` and two hexadecimal digits.
/// Different texts have different names; what is too long ends in its digest instead.
#[must_use]
pub fn encode_name(text: &str) -> String {
    if text.is_empty() {
        return "+".to_owned();
    }
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            b'.' if at > 0 => name.push('.'),
            _ => write!(name, "+{byte:02x}").unwrap_or_default(),
        }
    }
    if name.len() > LONGEST {
        name.truncate(LONGEST - 64 - DIGEST_MARK.len());
        name += DIGEST_MARK;
        name += Digest::of(text.as_bytes()).as_str();
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::encode_name;

    /// Returns the text that a folder name stands for; `None` for a name that `encode_name` never makes, and for one
    /// that was too long.
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
    fn names_are_readable_where_they_can_be() {
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
    fn foreign_names_stand_for_nothing() {
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

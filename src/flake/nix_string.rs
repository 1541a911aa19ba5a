//! The escaping of text in Nix strings of templates.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// Escaper for the inside of a Nix `"…"` string; askama uses it for templates that end in `.nix`.
#[derive(Clone, Copy, Debug)]
pub struct NixString;

impl Escaper for NixString {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        string.chars().try_for_each(|c| match c {
            // No Nix string can hold it.
            '\0' => Err(fmt::Error),
            '\\' | '"' | '$' => write!(dest, "\\{c}"),
            '\n' => dest.write_str("\\n"),
            '\r' => dest.write_str("\\r"),
            '\t' => dest.write_str("\\t"),
            c => dest.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use askama::filters::Escaper as _;

    use super::NixString;

    #[test]
    fn characters_with_a_meaning_in_nix_are_escaped() {
        let mut text = String::new();
        NixString.write_escaped_str(&mut text, "a\"b\\c${d}$$''\n\r\té").unwrap();
        assert_eq!(text, r#"a\"b\\c\${d}\$\$''\n\r\té"#);
        assert!(NixString.write_escaped_str(String::new(), "a\0b").is_err());
    }
}

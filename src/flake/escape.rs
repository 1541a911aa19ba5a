//! The escaper of everything that a template puts into a Nix string.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// Escapes text for the inside of a Nix `"…"` string; askama picks it for templates that end in `.nix`.
#[derive(Clone, Copy, Debug)]
pub struct NixString;

impl Escaper for NixString {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        string.chars().try_for_each(|c| match c {
            // No Nix string holds it, and there is no escape for it.
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
    fn what_nix_would_read_otherwise_is_escaped() {
        let mut text = String::new();
        NixString.write_escaped_str(&mut text, "a\"b\\c${d}$$''\n\r\té").unwrap();
        assert_eq!(text, r#"a\"b\\c\${d}\$\$''\n\r\té"#);
        assert!(NixString.write_escaped_str(String::new(), "a\0b").is_err());
    }
}

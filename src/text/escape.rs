//! Text with every hidden character spelled out.

use super::is_shown;

/// Returns a text with hidden characters, except newlines and tabs, spelled out like `\u{202e}`.
#[must_use]
pub fn escape(text: &str) -> String {
    let is_kept = |c: char| is_shown(c) || c == '\n' || c == '\t';
    spelled(text, is_kept, |c| c.escape_default().to_string())
}

/// Returns a text on one line, with hidden characters, except tabs, spelled out.
#[must_use]
pub fn one_line(text: &str) -> String {
    escape(text).replace('\n', "\\n")
}

/// Returns JSON with hidden characters, except newlines, as escapes of JSON.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let in_utf16 = |c: char| match c.encode_utf16(&mut [0; 2]) {
        [high, low] => format!("\\u{high:04x}\\u{low:04x}"),
        units => format!("\\u{:04x}", units[0]),
    };
    spelled(json, |c| is_shown(c) || c == '\n', in_utf16)
}

fn spelled(text: &str, is_kept: impl Fn(char) -> bool, spell: impl Fn(char) -> String) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_kept(c) {
            shown.push(c);
        } else {
            shown += &spell(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::is_shown;
    use super::{escape, escape_json};

    #[test]
    fn hidden_characters_are_spelled_out() {
        assert_eq!(escape("é\t\r\n\u{1b}[2J\u{202e}"), "é\t\\r\n\\u{1b}[2J\\u{202e}");
        let json = serde_json::json!({ "a": "é\u{7f}\u{202e}\u{e0041}\u{1b}\n" });
        let text = escape_json(&serde_json::to_string_pretty(&json).unwrap());
        assert_eq!(text, "{\n  \"a\": \"é\\u007f\\u202e\\udb40\\udc41\\u001b\\n\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
    }

    proptest! {
        #[test]
        fn no_hidden_character_remains(line in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]P(]){0,40}") {
            prop_assert!(escape(&line).chars().all(|c| c == '\t' || c == '\n' || is_shown(c)));
        }
    }
}

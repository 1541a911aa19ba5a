//! Text of others, so that it does nothing to a terminal.
//!
//! Guests, projects and state folders choose names, messages and output. A terminal obeys control characters, and hides
//! or moves text where it meets a format character; [`is_shown`] is the one rule that says which characters stay.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicodeRange, HirKind};

use super::terminal::TerminalFilter;

/// The most characters that are shown of a line of output.
pub const LINE: usize = 200;
/// The most characters that are shown of a message.
pub const MESSAGE: usize = 500;

/// Controls, formats (bidi, joiners, tags), private use, line separators, and what has no width.
const HIDDEN: &str = r"[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]";

static HIDDEN_RANGES: LazyLock<Vec<ClassUnicodeRange>> = LazyLock::new(|| {
    let class = regex_syntax::parse(HIDDEN).map(regex_syntax::hir::Hir::into_kind);
    let Ok(HirKind::Class(Class::Unicode(class))) = class else { unreachable!("{HIDDEN} is a class") };
    class.ranges().to_vec()
});

/// Returns whether a terminal shows a character as it is, in its place and with a width.
#[must_use]
pub fn is_shown(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let ranges = &*HIDDEN_RANGES;
    let next = ranges.partition_point(|range| range.end() < c);
    ranges.get(next).is_none_or(|range| c < range.start())
}

/// Returns a text whose characters are all shown: others but newlines and tabs are spelled out, like `\u{202e}`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let is_kept = |c: char| is_shown(c) || c == '\n' || c == '\t';
    spelled(text, is_kept, |c| c.escape_default().to_string())
}

/// Returns a text on one line whose characters are all shown: others but tabs are spelled out.
#[must_use]
pub fn one_line(text: &str) -> String {
    escaped(text).replace('\n', "\\n")
}

/// Returns JSON whose characters are all shown: others but newlines are spelled out, as JSON has it.
#[must_use]
pub fn escaped_json(json: &str) -> String {
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

/// Returns a line as a terminal would leave it, without colors and without what moves, rings or renames.
#[must_use]
pub fn plain(line: &str) -> String {
    let line = line.trim_end();
    let line = line.rsplit('\r').next().unwrap_or(line);
    TerminalFilter::new(false).push(line.as_bytes()).replace('\n', " ")
}

/// Returns a line as [`plain`] does, but no more of it than so many characters.
pub fn cut(line: &str, most: usize) -> String {
    let mut text = plain(line);
    if let Some((end, _)) = text.char_indices().nth(most) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cut, escaped, escaped_json, is_shown, plain};

    #[test]
    fn what_has_a_glyph_and_a_width_is_shown() {
        assert!("aé 日本\u{301}ñ😀~\u{fffd}".chars().all(is_shown));
        let hidden = "\0\t\n\u{1b}\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200d}\u{200f}\u{2028}\u{202e}\u{2060}\u{2066}\
                      \u{3164}\u{e000}\u{fe0f}\u{feff}\u{e0001}\u{e0100}\u{10fffd}";
        assert_eq!(hidden.chars().filter(|c| is_shown(*c)).collect::<String>(), "");
    }

    #[test]
    fn what_is_not_shown_is_spelled_out() {
        assert_eq!(escaped("é\t\r\n\u{1b}[2J\u{202e}"), "é\t\\r\n\\u{1b}[2J\\u{202e}");
        let json = serde_json::json!({ "a": "é\u{7f}\u{202e}\u{e0041}\u{1b}\n" });
        let text = escaped_json(&serde_json::to_string_pretty(&json).unwrap());
        assert_eq!(text, "{\n  \"a\": \"é\\u007f\\u202e\\udb40\\udc41\\u001b\\n\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
    }

    #[test]
    fn a_terminal_has_nothing_to_obey() {
        for (line, expected) in [
            ("\u{1b}[1;31mred\u{1b}[0m and \u{1b}]0;a title\u{7}plain", "red and plain"),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("10 %\r20 %\rdone\r", "done"),
            ("a\tb\u{8}\u{0}", "a\tb"),
            ("\u{1b}(B\u{9b}2Jé 日本", "é 日本"),
            ("cut \u{1b}[3", "cut "),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(plain(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_long_line_is_cut_at_a_character() {
        assert_eq!(cut("\u{1b}[1méé日", 3), "éé日");
        assert_eq!(cut("éé日本", 3), "éé日…");
        assert_eq!(cut("", 0), "");
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_hidden_stays(line in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]P(]){0,40}") {
            prop_assert!(plain(&line).chars().all(|c| c == '\t' || is_shown(c)));
            prop_assert!(escaped(&line).chars().all(|c| c == '\t' || c == '\n' || is_shown(c)));
        }
    }
}

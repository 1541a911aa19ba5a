//! Lines of output, reduced to plain text.

use super::TerminalFilter;

/// Largest number of shown characters of a line of output.
pub const LINE: usize = 200;
/// Largest number of shown characters of a message.
pub const MESSAGE: usize = 500;

/// Returns a line as a terminal would leave it, without colors and control sequences.
#[must_use]
pub fn plain(line: &str) -> String {
    let line = line.trim_end();
    let line = line.rsplit('\r').next().unwrap_or(line);
    TerminalFilter::new(false).push(line.as_bytes()).replace('\n', " ")
}

/// Returns a line as [`plain`] does, cut to a number of characters.
#[must_use]
pub fn cut(line: &str, limit: usize) -> String {
    let mut text = plain(line);
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::is_shown;
    use super::{cut, plain};

    #[test]
    fn control_sequences_are_removed() {
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
        fn no_hidden_character_remains(line in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]P(]){0,40}") {
            prop_assert!(plain(&line).chars().all(|c| c == '\t' || is_shown(c)));
        }
    }
}

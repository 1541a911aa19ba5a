//! What others wrote, as text that does nothing to a terminal.

use std::str::Chars;

/// The most characters that are shown of a line of output.
pub const LINE: usize = 200;
/// The most characters that are shown of a message.
pub const MESSAGE: usize = 500;

/// Returns a line as a terminal would leave it, without colors and without what moves, rings or renames.
#[must_use]
pub fn plain(line: &str) -> String {
    let line = line.trim_end();
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => escape(&mut chars),
            '\u{9b}' => skip_to(&mut chars, is_final),
            '\t' => text.push(c),
            '\n' => text.push(' '),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
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

/// Reads the rest of an escape sequence (ECMA-48).
fn escape(chars: &mut Chars<'_>) {
    match chars.next() {
        Some('[') => skip_to(chars, is_final),
        // A command string, up to BEL or to ESC and a backslash.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(c) = chars.next() {
                if c == '\u{7}' || (c == '\u{1b}' && chars.next() == Some('\\')) {
                    return;
                }
            }
        }
        Some(' '..='/') => skip_to(chars, |c| !(' '..='/').contains(&c)),
        _ => {}
    }
}

fn is_final(c: char) -> bool {
    ('@'..='~').contains(&c)
}

fn skip_to(chars: &mut Chars<'_>, last: impl Fn(char) -> bool) {
    chars.find(|c| last(*c));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{cut, plain};

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
        fn whatever_comes_no_control_stays(line in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]P(]){0,40}") {
            prop_assert!(plain(&line).chars().all(|c| c == '\t' || !c.is_control()));
        }
    }
}

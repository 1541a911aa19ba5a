//! A filter between output and a terminal.

use super::is_shown;

/// Length of the longest color sequence that is kept, in characters.
const MAX_COLOR: usize = 64;

/// Filter that reduces output, in pieces of any length, to shown characters, tabs and newlines, and to colors if they
/// are kept. A terminal then moves, hides, renames and copies nothing.
#[derive(Debug)]
pub struct TerminalFilter {
    keep_colors: bool,
    /// First bytes of a character whose last bytes are still missing.
    partial: Vec<u8>,
    state: State,
    /// True if the output switched a color on and not off.
    colored: bool,
}

/// Position in an escape sequence (ECMA-48).
#[derive(Debug)]
enum State {
    Text,
    /// After a carriage return.
    Return,
    Escape,
    /// After ESC and an intermediate character.
    Intermediate,
    /// In a control sequence, with its parameters so far.
    Control(String),
    /// In a command string. It ends with BEL, with ESC and a backslash, or, in this filter, at the end of the line.
    Command,
    CommandEscape,
}

impl TerminalFilter {
    /// Creates a filter at the beginning of the output.
    #[must_use]
    pub fn new(keep_colors: bool) -> Self {
        Self { keep_colors, partial: Vec::new(), state: State::Text, colored: false }
    }

    /// Filters the next bytes of the output.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut buffer = std::mem::take(&mut self.partial);
        buffer.extend_from_slice(bytes);
        let mut text = String::with_capacity(buffer.len());
        let mut chunks = buffer.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|c| self.character(c, &mut text));
            let rest = chunk.invalid();
            let is_cut = || std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
            if chunks.peek().is_none() && is_cut() {
                self.partial = rest.to_vec();
            } else if !rest.is_empty() {
                self.character(char::REPLACEMENT_CHARACTER, &mut text);
            }
        }
        text
    }

    /// Returns the sequence that switches colors off, if the output left one on.
    pub fn reset(&mut self) -> &'static str {
        if std::mem::take(&mut self.colored) { "\u{1b}[0m" } else { "" }
    }

    fn character(&mut self, c: char, text: &mut String) {
        match (&mut self.state, c) {
            (State::Return, '\r') => {}
            (State::Return, _) => {
                text.push('\n');
                self.state = State::Text;
                if c != '\n' {
                    self.character(c, text);
                }
            }
            (State::Command, '\u{7}' | '\u{9c}') | (State::CommandEscape, '\\') => self.state = State::Text,
            (State::Command | State::CommandEscape, '\u{1b}') => self.state = State::CommandEscape,
            (State::Command | State::CommandEscape, '\n') => self.begin(c, text),
            (State::Command | State::CommandEscape, _) | (State::Escape, ']' | 'P' | 'X' | '^' | '_') => {
                self.state = State::Command;
            }
            (State::Escape, '[') => self.state = State::Control(String::new()),
            (State::Escape | State::Intermediate, ' '..='/') => self.state = State::Intermediate,
            (State::Escape | State::Intermediate, '0'..='~') => self.state = State::Text,
            (State::Control(parameters), ' '..='?') => {
                if parameters.len() <= MAX_COLOR {
                    parameters.push(c);
                }
            }
            (State::Control(parameters), '@'..='~') => {
                let parameters = std::mem::take(parameters);
                self.state = State::Text;
                self.control(&parameters, c, text);
            }
            (State::Text | State::Escape | State::Intermediate | State::Control(_), _) => self.begin(c, text),
        }
    }

    /// Handles a character outside of a sequence, or one that breaks a sequence off.
    fn begin(&mut self, c: char, text: &mut String) {
        self.state = match c {
            '\r' => State::Return,
            '\u{1b}' => State::Escape,
            '\u{9b}' => State::Control(String::new()),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => State::Command,
            _ => State::Text,
        };
        if is_shown(c) || c == '\n' || c == '\t' {
            text.push(c);
        }
    }

    /// Handles the end of a control sequence, of which only colors are kept.
    fn control(&mut self, parameters: &str, last: char, text: &mut String) {
        let is_color = parameters.chars().all(|c| c.is_ascii_digit() || c == ';' || c == ':');
        if self.keep_colors && last == 'm' && is_color && parameters.len() <= MAX_COLOR {
            self.colored = !matches!(parameters, "" | "0");
            text.push_str("\u{1b}[");
            text.push_str(parameters);
            text.push('m');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::is_shown;
    use super::TerminalFilter;

    fn filtered(bytes: &[u8]) -> String {
        TerminalFilter::new(true).push(bytes)
    }

    #[test]
    fn only_colors_are_kept() {
        for (bytes, expected) in [
            (
                &b"\x1b[1;31mred\x1b[0m \x1b[38:2:1:2:3mtrue\x1b[m"[..],
                "\x1b[1;31mred\x1b[0m \x1b[38:2:1:2:3mtrue\x1b[m",
            ),
            (b"\x1b[2J\x1b[1;1Htop\x1b[?25l\x1b[>4;1mkeys\x1b[1 qcursor", "topkeyscursor"),
            (b"\x1b]0;title\x07a\x1b]52;c;ZXZpbA==\x1b\\b\x1bPq#0\x1b\\c\x1bcd\x1b(Be", "abcde"),
            (b"\x1b]0;never ends\nline", "\nline"),
            ("\u{9b}31mno\u{9d}0;t\u{9c}x\u{85}".as_bytes(), "\x1b[31mnox"),
            (b"10%\r20%\r\r\ndone\r\nnext\r", "10%\n20%\ndone\nnext"),
            (b"a\x08b\x00\x7f\xff\xe2\x82z", "ab\u{fffd}\u{fffd}z"),
            (
                "1\u{202e}2\u{200b}3\u{feff}4\u{2028}5\u{e0041}6\u{e000}7 \u{1f600}\u{fe0f}".as_bytes(),
                "1234567 \u{1f600}",
            ),
            (b"\x1b[31\x1b[32mgreen\x1b[3\nx", "\x1b[32mgreen\nx"),
        ] {
            assert_eq!(filtered(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(filtered(format!("\x1b[{}m", "1;".repeat(100)).as_bytes()), "");
        assert_eq!(TerminalFilter::new(false).push(b"\x1b[31mred"), "red");
    }

    #[test]
    fn a_color_that_was_left_on_is_switched_off_once() {
        let mut filter = TerminalFilter::new(true);
        filter.push(b"\x1b[31mred");
        assert_eq!((filter.reset(), filter.reset()), ("\x1b[0m", ""));
        filter.push(b"\x1b[31mred\x1b[0m");
        assert_eq!(filter.reset(), "");
    }

    proptest! {
        #[test]
        fn the_text_depends_on_no_cut_between_pieces(
            text in "(\\PC|\\p{C}|\u{1b}|[\u{80}-\u{9f}]|\\[|\\]|[0-9;m]|\r|\n){0,40}", broken in any::<Vec<u8>>(), cut in 0usize..200,
        ) {
            let bytes = [text.as_bytes(), &broken, text.as_bytes()].concat();
            let whole = filtered(&bytes);
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut filter = TerminalFilter::new(true);
            prop_assert_eq!(filter.push(first) + &filter.push(second), whole.clone());
            // Apart from colors the text has shown characters only.
            let mut parts = whole.split("\u{1b}[");
            let is_clean = |text: &str| text.chars().all(|c| is_shown(c) || c == '\n' || c == '\t');
            prop_assert!(is_clean(parts.next().unwrap_or_default()));
            for part in parts {
                let (color, text) = part.split_once('m').unwrap();
                prop_assert!(color.chars().all(|c| c.is_ascii_digit() || ";:".contains(c)), "{:?}", part);
                prop_assert!(is_clean(text), "{:?}", part);
            }
        }
    }
}

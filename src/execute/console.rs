//! The end of a log, for people: what a guest wrote there may be anything.

#![expect(clippy::disallowed_types, reason = "reads logs")]

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, Result};

/// How much of a log's end is looked at, in bytes.
const END: u64 = 16 << 10;
/// How many lines are shown.
const LINES: usize = 20;
/// What the kernel says when it can't go on; a trace of many lines follows.
const PANIC: &str = "Kernel panic";

/// The end of a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console(Vec<String>);

impl Console {
    /// Reads the end of a console's log.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn read(log: &Path) -> Result<Self> {
        let end = end(log).with_context(|| format!("reading {}", log.display()))?;
        let text = String::from_utf8_lossy(&end);
        Ok(Self(text.lines().map(plain).filter(|line| !line.is_empty()).collect()))
    }

    /// Returns whether the kernel panicked.
    #[must_use]
    pub fn panicked(&self) -> bool {
        self.0.iter().any(|line| line.contains(PANIC))
    }

    /// Returns what the agent said that failed, before it had a channel of its own.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.0.iter().find_map(|line| line.strip_prefix("error "))
    }

    /// Returns the lines that show best what happened: from a panic on, or else the last ones.
    #[must_use]
    pub fn evidence(&self) -> Vec<String> {
        let last = self.0.len().saturating_sub(LINES);
        let first = self.0.iter().rposition(|line| line.contains(PANIC)).map_or(last, |panic| panic.min(last));
        self.0[first..].iter().take(LINES).cloned().collect()
    }
}

/// Returns the last lines of a log, as text.
///
/// # Errors
/// When the log can't be read.
pub fn tail(log: &Path) -> Result<Vec<String>> {
    let Console(lines) = Console::read(log)?;
    Ok(lines[lines.len().saturating_sub(LINES)..].to_vec())
}

fn end(log: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(log)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes out what would change the terminal that shows the line.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\u{1b}' {
            if chars.next() == Some('[') {
                // A control sequence ends with its first letter: ECMA-48, 5.4.
                chars.by_ref().find(|char| ('@'..='~').contains(char));
            }
        } else if char == '\t' || !char.is_control() {
            text.push(char);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::{Console, plain};

    #[test]
    fn nothing_of_a_line_reaches_the_terminal_but_text() {
        assert_eq!(plain("\u{1b}c\u{1b}[?7l\u{1b}[2J\u{1b}[0mSeaBIOS\r"), "SeaBIOS");
        assert_eq!(plain("a\tb\u{7}\u{9b}2J\u{1b}[31mred\u{1b}[m \u{1b}"), "a\tb2Jred");
    }

    #[test]
    fn a_panic_is_shown_from_its_first_line() {
        let trace = |lines: usize| (0..lines).map(|line| format!("trace {line}"));
        let lines: Vec<String> =
            ["boot".to_owned(), "Kernel panic - not syncing".to_owned()].into_iter().chain(trace(40)).collect();
        let console = Console(lines);
        assert!(console.panicked());
        assert_eq!(console.evidence().len(), 20);
        assert_eq!(console.evidence()[0], "Kernel panic - not syncing");
        let short = Console(["boot".to_owned(), "Kernel panic".to_owned()].into_iter().chain(trace(3)).collect());
        assert_eq!(short.evidence()[0], "boot");
        assert_eq!(Console(trace(40).collect()).evidence()[0], "trace 20");
    }

    #[test]
    fn the_agent_is_heard_on_the_console_too() {
        let console = Console(vec!["[ 1.0] error of the kernel".into(), "error insmod failed".into(), "end".into()]);
        assert_eq!(console.error(), Some("insmod failed"));
    }
}

//! The end of a log, for people: what a guest wrote there may be anything.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use anyhow::{Context as _, Result};

use crate::foreign::Beneath;
use crate::report::plain;

/// How much of a log's end is looked at, in bytes.
const END: u64 = 16 << 10;
/// The most of it that is looked at to get all lines that are shown, in bytes.
const MOST_END: u64 = END << 8;
/// How many lines are shown.
const LINES: usize = 20;
/// What the kernel says when it can't go on; a trace of many lines follows.
pub(super) const PANIC: &str = "Kernel panic";

/// The end of a console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console(Vec<String>);

impl Console {
    /// Reads the end of a console's log.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn read(log: &Beneath) -> Result<Self> {
        Ok(Self(lines(log)?.iter().map(|line| plain(line)).collect()))
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

/// Returns the last lines of a log that show anything, as they were written: who prints them cleans them.
///
/// # Errors
/// When the log can't be read.
pub fn tail(log: &Beneath) -> Result<Vec<String>> {
    let mut lines = lines(log)?;
    Ok(lines.split_off(lines.len().saturating_sub(LINES)))
}

/// Returns the last lines of a log, those before a very long one too, such as a progress bar writes.
fn lines(log: &Beneath) -> Result<Vec<String>> {
    let mut bytes = END;
    loop {
        let (end, is_all) = end(log, bytes).with_context(|| format!("reading {}", log.display()))?;
        let lines: Vec<_> = end.lines().filter(|line| !plain(line).is_empty()).map(str::to_owned).collect();
        if is_all || lines.len() >= LINES || bytes >= MOST_END {
            return Ok(lines);
        }
        bytes *= 4;
    }
}

/// Returns the end of a log, from the start of a line on, and whether that is all of it; of a line that is longer than that,
/// its end.
fn end(log: &Beneath, bytes: u64) -> io::Result<(String, bool)> {
    let mut file = log.open()?;
    let start = file.metadata()?.len().saturating_sub(bytes);
    // The byte before tells whether a line begins here.
    file.seek(SeekFrom::Start(start.saturating_sub(1)))?;
    let mut end = Vec::new();
    file.take(bytes + 1).read_to_end(&mut end)?;
    if start == 0 {
        return Ok((String::from_utf8_lossy(&end).into_owned(), true));
    }
    let line = end.iter().position(|byte| *byte == b'\n').map(|at| &end[at + 1..]).filter(|rest| !rest.is_empty());
    let text = line.map_or_else(
        || format!("…{}", String::from_utf8_lossy(&end).trim_start_matches('\u{fffd}')),
        |whole| String::from_utf8_lossy(whole).into_owned(),
    );
    Ok((text, false))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Console, MOST_END, tail};
    use crate::foreign::Beneath;

    fn log(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn place(log: &tempfile::NamedTempFile) -> Beneath {
        Beneath::in_its_folder(log.path())
    }

    #[test]
    fn a_tail_has_whole_lines_as_they_were_written() {
        assert_eq!(tail(&place(&log("a\r\n\n\u{1b}[0m\n\u{1b}]0;t\u{7}b\n"))).unwrap(), ["a", "\u{1b}]0;t\u{7}b"]);
        let long = usize::try_from(MOST_END).unwrap();
        // A line that lies half before the end that is looked at, one that begins with it, and one longer than it.
        let half = format!("{}\n{}\nlast\n", "x".repeat(long), "y".repeat(long - 100));
        assert_eq!(tail(&place(&log(&half))).unwrap(), ["y".repeat(long - 100).as_str(), "last"]);
        let exact = format!("first\n{}\n", "y".repeat(long - 1));
        assert_eq!(tail(&place(&log(&exact))).unwrap(), ["y".repeat(long - 1)]);
        let lines = tail(&place(&log(&format!("{}z\n", "x".repeat(2 * long))))).unwrap();
        assert!(lines.len() == 1 && lines[0].starts_with("…x") && lines[0].ends_with("xz"), "{lines:?}");
    }

    #[test]
    fn a_tail_reaches_back_past_a_long_line_of_progress() {
        let progress = format!("error: no such file\n{}", "\r 50% downloading".repeat(100_000 / 17));
        let lines = tail(&place(&log(&progress))).unwrap();
        assert_eq!((lines.len(), lines[0].as_str()), (2, "error: no such file"));
    }

    #[test]
    fn nothing_of_a_console_reaches_the_terminal_but_text() {
        let console = Console::read(&place(&log("\u{1b}c\u{1b}[?7l\u{1b}[2J\u{1b}[0mSeaBIOS\r\n\u{1b}]0;t\u{7}b\n")));
        assert_eq!(console.unwrap(), Console(vec!["SeaBIOS".to_owned(), "b".to_owned()]));
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

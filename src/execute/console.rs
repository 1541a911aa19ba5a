//! The end of a log, for people. A guest may write any bytes to its console, so that they are cleaned first.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use anyhow::{Context as _, Result};

use crate::foreign::Beneath;
use crate::text::plain;

/// Bytes of a log's end that are read first.
const END: u64 = 16 << 10;
/// Maximum of the bytes that are read to get [`LINES`] lines.
const MAX_END: u64 = END << 8;
/// Number of lines that are shown.
const LINES: usize = 20;
/// Text of the kernel at a panic; a trace of many lines follows.
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
        Ok(Self(lines(log, u64::MAX)?.iter().map(|line| plain(line)).collect()))
    }

    /// Returns true if the kernel panicked.
    #[must_use]
    pub fn panicked(&self) -> bool {
        self.0.iter().any(|line| line.contains(PANIC))
    }

    /// Returns the failure that the agent printed on the console, before its control channel was open.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.0.iter().find_map(|line| line.strip_prefix("error "))
    }

    /// Returns the lines that serve as evidence: those from a panic on, or else the last ones.
    #[must_use]
    pub fn evidence(&self) -> Vec<String> {
        let last = self.0.len().saturating_sub(LINES);
        let first = self.0.iter().rposition(|line| line.contains(PANIC)).map_or(last, |panic| panic.min(last));
        self.0[first..].iter().take(LINES).cloned().collect()
    }
}

/// Returns the last lines of a log that have visible text, unchanged: the caller cleans them before it prints them.
///
/// # Errors
/// When the log can't be read.
pub fn tail(log: &Beneath) -> Result<Vec<String>> {
    tail_before(log, u64::MAX)
}

/// Returns the last lines before an offset of a log, as [`tail`] does.
///
/// # Errors
/// When the log can't be read.
pub fn tail_before(log: &Beneath, offset: u64) -> Result<Vec<String>> {
    let mut lines = lines(log, offset)?;
    Ok(lines.split_off(lines.len().saturating_sub(LINES)))
}

/// Returns the last lines of a log. Reads further back if one line is very long, as that of a progress bar is.
fn lines(log: &Beneath, offset: u64) -> Result<Vec<String>> {
    let mut bytes = END;
    loop {
        let (end, is_all) = end(log, offset, bytes).with_context(|| format!("reading {}", log.display()))?;
        let lines: Vec<_> = end.lines().filter(|line| !plain(line).is_empty()).map(str::to_owned).collect();
        if is_all || lines.len() >= LINES || bytes >= MAX_END {
            return Ok(lines);
        }
        bytes *= 4;
    }
}

/// Returns the last bytes before an offset of a log from the start of a line on, and true if all of them are returned. If
/// a single line fills all bytes, the end of that line is returned.
fn end(log: &Beneath, offset: u64, bytes: u64) -> io::Result<(String, bool)> {
    let mut file = log.open()?;
    let length = file.metadata()?.len().min(offset);
    let start = length.saturating_sub(bytes);
    // The byte before `start` shows if a line begins there.
    file.seek(SeekFrom::Start(start.saturating_sub(1)))?;
    let mut end = Vec::new();
    file.take(length - start.saturating_sub(1)).read_to_end(&mut end)?;
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

    use super::{Console, MAX_END, tail};
    use crate::foreign::Beneath;

    fn log(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn path(log: &tempfile::NamedTempFile) -> Beneath {
        Beneath::in_its_folder(log.path())
    }

    #[test]
    fn a_tail_has_whole_lines_as_they_were_written() {
        assert_eq!(tail(&path(&log("a\r\n\n\u{1b}[0m\n\u{1b}]0;t\u{7}b\n"))).unwrap(), ["a", "\u{1b}]0;t\u{7}b"]);
        let long = usize::try_from(MAX_END).unwrap();
        // A line that is cut by the limit, a line that begins at the limit, and a line that is longer than the limit.
        let half = format!("{}\n{}\nlast\n", "x".repeat(long), "y".repeat(long - 100));
        assert_eq!(tail(&path(&log(&half))).unwrap(), ["y".repeat(long - 100).as_str(), "last"]);
        let exact = format!("first\n{}\n", "y".repeat(long - 1));
        assert_eq!(tail(&path(&log(&exact))).unwrap(), ["y".repeat(long - 1)]);
        let lines = tail(&path(&log(&format!("{}z\n", "x".repeat(2 * long))))).unwrap();
        assert!(lines.len() == 1 && lines[0].starts_with("…x") && lines[0].ends_with("xz"), "{lines:?}");
    }

    #[test]
    fn a_tail_reaches_back_past_a_long_line_of_progress() {
        let progress = format!("error: no such file\n{}", "\r 50% downloading".repeat(100_000 / 17));
        let lines = tail(&path(&log(&progress))).unwrap();
        assert_eq!((lines.len(), lines[0].as_str()), (2, "error: no such file"));
    }

    #[test]
    fn a_console_has_only_plain_text() {
        let console = Console::read(&path(&log("\u{1b}c\u{1b}[?7l\u{1b}[2J\u{1b}[0mSeaBIOS\r\n\u{1b}]0;t\u{7}b\n")));
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
    fn an_error_of_the_agent_is_read_from_the_console() {
        let console = Console(vec!["[ 1.0] error of the kernel".into(), "error insmod failed".into(), "end".into()]);
        assert_eq!(console.error(), Some("insmod failed"));
    }
}

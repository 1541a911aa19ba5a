//! What is wrong with a job file, where, and what to write instead.

use std::fmt;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How many diagnostics are kept: nobody reads more of them.
pub(super) const MAX_DIAGNOSTICS: usize = 50;

/// A place in a job file, in bytes.
pub(super) type Bytes = Range<usize>;

/// Something wrong at a place in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) at: Bytes,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Problem {
    pub(super) fn new(at: &Bytes, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: at.clone(), message: message.into(), hint: hint.into() }
    }
}

/// Everything that is wrong with a job file: at least one [`Diagnostic`], in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    left_out: bool,
}

/// One thing that is wrong with a job file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write instead.
    pub hint: String,
}

/// A place within one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The file, as it was named to the reader.
    pub file_name: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column of the first character, in characters, counted from 1.
    pub column: usize,
    /// How many characters are meant; 0 at the end of a line.
    pub width: usize,
    /// The line itself, without its end.
    pub text: String,
}

impl Diagnostics {
    pub(super) fn new(file_name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (a.at.start, a.at.end, &a.message).cmp(&(b.at.start, b.at.end, &b.message)));
        problems.dedup();
        let left_out = problems.len() > MAX_DIAGNOSTICS;
        problems.truncate(MAX_DIAGNOSTICS);
        let diagnostic = |problem: Problem| Diagnostic {
            message: problem.message,
            span: Span::locate(file_name, text, &problem.at),
            hint: problem.hint,
        };
        Self { list: problems.into_iter().map(diagnostic).collect(), left_out }
    }

    /// Returns the diagnostics in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Returns all of it as text, with colours for a terminal when `styled`.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut text = self.list.iter().map(|one| one.render(&renderer)).collect::<Vec<_>>().join("\n\n");
        if self.left_out {
            text.push_str("\n\nerror: more is wrong than is shown here\nhint: correct these errors first");
        }
        text
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostic {
    fn render(&self, renderer: &Renderer) -> String {
        let byte = |column: usize| {
            self.span.text.char_indices().nth(column).map_or(self.span.text.len(), |(offset, _)| offset)
        };
        let start = self.span.column - 1;
        let report = [Level::ERROR.primary_title(self.message.as_str()).element(
            Snippet::source(self.span.text.as_str())
                .path(self.span.file_name.as_str())
                .line_start(self.span.line)
                .annotation(AnnotationKind::Primary.span(byte(start)..byte(start + self.span.width))),
        )];
        let mut text = renderer.render(&report);
        text.push_str("\nhint: ");
        text.push_str(&self.hint);
        text
    }
}

impl Span {
    /// Finds the line of a place; what goes past the line's end is cut off.
    fn locate(file_name: &str, text: &str, at: &Bytes) -> Self {
        let line_start = text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
        let rest = &text[line_start..];
        let line_text = rest.split('\n').next().unwrap_or(rest);
        let line_text = line_text.strip_suffix('\r').unwrap_or(line_text);
        let line_end = line_start + line_text.len();
        let start = at.start.min(line_end);
        Self {
            file_name: file_name.to_owned(),
            line: line_of(text, at.start),
            column: text[line_start..start].chars().count() + 1,
            width: text[start..at.end.clamp(start, line_end)].chars().count(),
            text: line_text.to_owned(),
        }
    }
}

/// Returns the line of a byte offset, counted from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Returns text from the file in backquotes, made harmless for a terminal and cut to a readable length.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    let mut quoted = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == 80 {
            quoted.push('…');
            break;
        }
        if c.is_control() {
            // Writing to a String can't fail.
            write!(quoted, "{}", c.escape_default()).unwrap_or_default();
        } else {
            quoted.push(c);
        }
    }
    quoted.push('`');
    quoted
}

/// Returns the candidate that is spelled most alike, if any is alike enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length > 64 {
        return None;
    }
    let bound = (length / 3).min(3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= bound)
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != *y)).min(last[j + 1] + 1).min(row[j] + 1);
            if j > 0 && previous == Some(*y) && x == b[j - 1] {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
        previous = Some(x);
    }
    last[b.len()]
}

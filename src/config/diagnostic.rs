//! Errors of a job file as people read them, each with its line and a hint.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::problem::{ByteRange, MAX_DIAGNOSTICS, Problem, ProblemKind, line_of};

/// All errors of a job file: at least one [`Diagnostic`], in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    is_truncated: bool,
    needs_nix: bool,
}

/// An error of a job file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Description of the error.
    pub message: String,
    /// Place of the error.
    pub span: Span,
    /// Remedy: the text to write or to remove.
    pub hint: String,
}

/// Range of characters within one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Name of the file, as given to [`read`](super::read).
    pub file_name: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column of the first character, in characters, counted from 1.
    pub column: usize,
    /// Number of characters; 0 at the end of a line.
    pub width: usize,
    /// Text of the line, without its line ending.
    pub text: String,
}

impl Diagnostics {
    pub(super) fn new(file_name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (a.at.start, a.at.end, &a.message).cmp(&(b.at.start, b.at.end, &b.message)));
        problems.dedup();
        let needs_nix = problems.iter().all(|problem| problem.kind == ProblemKind::Unsupported);
        let is_truncated = problems.len() > MAX_DIAGNOSTICS;
        problems.truncate(MAX_DIAGNOSTICS);
        let diagnostic = |problem: Problem| Diagnostic {
            message: problem.message,
            span: Span::locate(file_name, text, &problem.at),
            hint: problem.hint,
        };
        Self { list: problems.into_iter().map(diagnostic).collect(), is_truncated, needs_nix }
    }

    /// Returns the reason for which only Nix can evaluate the file, if that is its only error.
    #[must_use]
    pub fn reason_for_nix(&self) -> Option<String> {
        let first = self.list.first().filter(|_| self.needs_nix)?;
        Some(format!("line {}: {}", first.span.line, first.message))
    }

    /// Returns the diagnostics in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Renders all diagnostics as text, with colours for a terminal if `styled`.
    #[must_use]
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut text = self.list.iter().map(|diagnostic| diagnostic.render(&renderer)).collect::<Vec<_>>().join("\n\n");
        if self.is_truncated {
            text.push_str("\n\nerror: the file has more errors than are shown here\nhint: correct these errors first");
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
    /// Returns the span of a byte range; cuts the range at the end of its first line.
    fn locate(file_name: &str, text: &str, at: &ByteRange) -> Self {
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

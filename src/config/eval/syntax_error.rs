//! Messages about tokens that the grammar doesn't expect.

use rnix::SyntaxKind;
#[cfg_attr(not(test), expect(clippy::enum_glob_use, reason = "this file names many tokens, which have a prefix"))]
use rnix::SyntaxKind::*;

use super::frame::{Frame, Inside};
use super::grammar::Grammar;
use super::unsupported;
use crate::config::problem::{ByteRange, Problem, line_of, quoted};

impl Grammar<'_> {
    /// Returns the problem of a keyword in the place of a key.
    pub(super) fn keyword_as_key(&self, at: &ByteRange, expected: &str, keyword: &str) -> Problem {
        let hint = format!("`{keyword}` is a keyword of Nix, so as a key it has quotes: `\"{keyword}\" = …`");
        self.unexpected(at, expected, &hint)
    }

    pub(super) fn not_an_operand(&self, kind: SyntaxKind, at: &ByteRange) -> Problem {
        let list = self.frames.last().is_some_and(|frame| frame.inside == Inside::List);
        let hint = match kind {
            TOKEN_SUB => "put a negative number in parentheses",
            TOKEN_LET => "put `let … in …` in parentheses",
            TOKEN_IF | TOKEN_WITH | TOKEN_ASSERT | TOKEN_INVERT => "put this expression in parentheses",
            TOKEN_COMMA if list => "write elements side by side, without commas",
            _ if list => "close the list with `]`",
            _ => "write a value",
        };
        self.unexpected(at, if list { "an element or `]`" } else { "a value" }, hint)
    }

    pub(super) fn not_an_operator(&self, kind: SyntaxKind, at: &ByteRange) -> Problem {
        let gap = &self.text[self.last.end..at.start];
        let argument = kind.is_fn_arg();
        let line = line_of(self.text, self.last.end);
        let frame = self.frames.last();
        match frame {
            Some(frame) if frame.inside == Inside::Bindings && (!argument || gap.contains('\n')) => {
                let hint = format!("end line {line} with `;`");
                let (message, at) = match line_of(self.text, at.start) {
                    other if other != line => ("syntax error: `;` is missing".to_owned(), self.last.end..self.last.end),
                    _ => (format!("syntax error: expected `;`, found {}", self.quote_token(at)), at.clone()),
                };
                Problem::new(&at, message, hint)
            }
            _ if argument => unsupported::call(&self.text[self.last.clone()], &(self.last.start..at.end)),
            Some(Frame { closer: closer @ (TOKEN_THEN | TOKEN_ELSE | TOKEN_SEMICOLON), .. }) => {
                let (word, form) = match closer {
                    TOKEN_THEN => ("`then`", "write `if … then … else …`"),
                    TOKEN_ELSE => ("`else`", "write `if … then … else …`"),
                    _ => ("`;`", "write `with …; …` or `assert …; …`"),
                };
                self.unexpected(at, word, form)
            }
            Some(frame) if self.frames.len() > 1 => {
                let open = &self.text[frame.open.clone()];
                let message = format!("syntax error: {} doesn't close the `{open}` before it", self.quote_token(at));
                Problem::new(
                    at,
                    message,
                    format!("close the `{open}` of line {}", line_of(self.text, frame.open.start)),
                )
            }
            _ => self.unexpected(at, "the end of the file", "a job file is one set, in braces"),
        }
    }

    fn quote_token(&self, at: &ByteRange) -> String {
        quoted(&self.text[at.clone()])
    }

    pub(super) fn unexpected(&self, at: &ByteRange, expected: &str, hint: &str) -> Problem {
        Problem::new(at, format!("syntax error: expected {expected}, found {}", self.quote_token(at)), hint)
    }

    pub(super) fn not_closed(&self, frame: &Frame) -> Problem {
        let open = &self.text[frame.open.clone()];
        let closer = match frame.closer {
            TOKEN_R_PAREN => ")",
            TOKEN_R_BRACK => "]",
            TOKEN_STRING_END => open,
            TOKEN_IN => "in",
            TOKEN_THEN => "then",
            TOKEN_ELSE => "else",
            TOKEN_SEMICOLON => ";",
            _ => "}",
        };
        Problem::new(
            &frame.open,
            format!("syntax error: this `{open}` isn't closed"),
            format!("close it with `{closer}`"),
        )
    }
}

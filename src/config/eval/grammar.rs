//! Check that the tokens of a file form an expression, without recursion.
//!
//! After a syntax error, rnix skips tokens and then recurses without a bound. Therefore rnix gets only files without
//! syntax errors whose brackets and operators are nested to a limited depth. This check also has better messages,
//! because it can name the missing token.

use rnix::SyntaxKind;
#[cfg_attr(
    not(test),
    expect(clippy::enum_glob_use, reason = "this file names half of the tokens, which have a prefix")
)]
use rnix::SyntaxKind::*;

use super::frame::{Frame, Inside, Next};
use super::unsupported;
use crate::config::problem::{ByteRange, Problem, line_of, quoted};

/// Maximum depth of nested brackets.
const MAX_BRACKETS: usize = 64;
/// Maximum number of open tokens: each can be a level of the syntax tree.
const MAX_TOKENS: usize = 400;

/// State of the check between two tokens.
pub(super) struct Grammar<'a> {
    text: &'a str,
    frames: Vec<Frame>,
    tokens: usize,
    last: ByteRange,
}

impl<'a> Grammar<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let file = Frame { open: 0..0, closer: TOKEN_ERROR, inside: Inside::Expr, next: Next::Expr, tokens: 0 };
        Self { text, frames: vec![file], tokens: 0, last: 0..0 }
    }

    /// Checks the next token, which is neither trivia nor the content of a string.
    pub(super) fn token(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<(), Problem> {
        let frame = self.frames.len() - 1;
        let (inside, next, closer) = (self.frames[frame].inside, self.frames[frame].next, self.frames[frame].closer);
        if inside != Inside::List || kind == TOKEN_OR {
            self.frames[frame].tokens += 1;
            self.tokens += 1;
        }
        if self.tokens > MAX_TOKENS {
            return Err(Problem::new(at, "the expression is too long", "split it with `let … in`"));
        }
        let then = match next {
            _ if inside == Inside::Str => self.in_string(kind, at)?,
            Next::Element | Next::Binding if kind == closer => self.close(),
            Next::Operator if kind == closer && inside != Inside::Bindings => self.close(),
            Next::Expr | Next::Operand | Next::Simple | Next::Element => self.operand(kind, at, next)?,
            Next::RecSet if kind == TOKEN_L_BRACE => self.open_operand(at, TOKEN_R_BRACE, Inside::Bindings)?,
            Next::RecSet => return Err(self.unexpected(at, "`{`", "write `rec { … }`")),
            Next::Operator if inside == Inside::List => self.element(kind, at)?,
            Next::Operator => self.operator(kind, at)?,
            Next::Selected => self.name(kind, at, Next::Operator)?,
            _ => self.binding(kind, at, next)?,
        };
        // `open` and `close` have updated the frames already.
        if let Some(then) = then {
            self.frames[frame].next = then;
        }
        self.last = at.clone();
        Ok(())
    }

    fn in_string(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        match kind {
            TOKEN_STRING_END => Ok(self.close()),
            _ => self.open(at, TOKEN_INTERPOL_END, Inside::Expr),
        }
    }

    fn operand(&mut self, kind: SyntaxKind, at: &ByteRange, next: Next) -> Result<Option<Next>, Problem> {
        match kind {
            TOKEN_IDENT | TOKEN_INTEGER | TOKEN_FLOAT | TOKEN_URI => Ok(Some(Next::Operator)),
            TOKEN_PATH_ABS | TOKEN_PATH_REL | TOKEN_PATH_HOME | TOKEN_PATH_SEARCH => Err(unsupported::path(at)),
            TOKEN_REC => Ok(Some(Next::RecSet)),
            TOKEN_L_PAREN => self.open_operand(at, TOKEN_R_PAREN, Inside::Expr),
            TOKEN_L_BRACK => self.open_operand(at, TOKEN_R_BRACK, Inside::List),
            TOKEN_L_BRACE => self.open_operand(at, TOKEN_R_BRACE, Inside::Bindings),
            TOKEN_STRING_START => self.open_operand(at, TOKEN_STRING_END, Inside::Str),
            TOKEN_SUB if matches!(next, Next::Expr | Next::Operand) => Ok(Some(Next::Operand)),
            TOKEN_LET if next == Next::Expr => self.open(at, TOKEN_IN, Inside::Bindings),
            TOKEN_INVERT => Err(unsupported::operator(at, "!")),
            _ => Err(unsupported::keyword(kind, at).unwrap_or_else(|| self.not_an_operand(kind, at))),
        }
    }

    fn not_an_operand(&self, kind: SyntaxKind, at: &ByteRange) -> Problem {
        let list = self.frames.last().is_some_and(|frame| frame.inside == Inside::List);
        let hint = match kind {
            TOKEN_SUB => "put a negative number in parentheses",
            TOKEN_LET => "put `let … in …` in parentheses",
            TOKEN_COMMA if list => "write elements side by side, without commas",
            _ if list => "close the list with `]`",
            _ => "write a value",
        };
        self.unexpected(at, if list { "an element or `]`" } else { "a value" }, hint)
    }

    fn operator(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        match kind {
            TOKEN_SEMICOLON if self.in_bindings() => {
                let frame = self.frames.len() - 1;
                self.tokens -= std::mem::take(&mut self.frames[frame].tokens);
                Ok(Some(Next::Binding))
            }
            TOKEN_DOT => Ok(Some(Next::Selected)),
            TOKEN_OR => Ok(Some(Next::Simple)),
            TOKEN_UPDATE | TOKEN_CONCAT | TOKEN_ADD | TOKEN_SUB | TOKEN_MUL | TOKEN_DIV => Ok(Some(Next::Operand)),
            TOKEN_EQUAL | TOKEN_NOT_EQUAL | TOKEN_LESS | TOKEN_LESS_OR_EQ | TOKEN_MORE | TOKEN_MORE_OR_EQ
            | TOKEN_AND_AND | TOKEN_OR_OR | TOKEN_IMPLICATION => Err(unsupported::comparison(at)),
            TOKEN_COLON | TOKEN_AT => Err(unsupported::function(at)),
            TOKEN_QUESTION | TOKEN_PIPE_LEFT | TOKEN_PIPE_RIGHT => {
                Err(unsupported::operator(at, &self.text[at.clone()]))
            }
            _ => Err(self.not_an_operator(kind, at)),
        }
    }

    fn not_an_operator(&self, kind: SyntaxKind, at: &ByteRange) -> Problem {
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

    fn element(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        match kind {
            TOKEN_DOT => Ok(Some(Next::Selected)),
            TOKEN_OR => Ok(Some(Next::Simple)),
            TOKEN_UPDATE | TOKEN_CONCAT | TOKEN_ADD | TOKEN_SUB | TOKEN_MUL | TOKEN_DIV => {
                Err(self.unexpected(at, "an element or `]`", "put an element with an operator in parentheses"))
            }
            TOKEN_COLON | TOKEN_AT => Err(unsupported::function(at)),
            _ => self.operand(kind, at, Next::Element),
        }
    }

    fn binding(&mut self, kind: SyntaxKind, at: &ByteRange, next: Next) -> Result<Option<Next>, Problem> {
        let lambda = matches!(kind, TOKEN_COMMA | TOKEN_QUESTION | TOKEN_ELLIPSIS | TOKEN_AT)
            || kind == TOKEN_R_BRACE && self.text[at.end..].trim_start().starts_with([':', '@']);
        match (next, kind) {
            (Next::Binding, TOKEN_INHERIT) => Ok(Some(Next::InheritSource)),
            (Next::AfterName, TOKEN_DOT) => Ok(Some(Next::PathName)),
            (Next::AfterName, TOKEN_ASSIGN) => Ok(Some(Next::Expr)),
            (Next::Binding | Next::AfterName, _) if lambda => Err(unsupported::function(at)),
            (Next::Binding, TOKEN_L_BRACE) if self.text[..at.start].trim_end().ends_with("let") => {
                Err(unsupported::legacy_let(at))
            }
            (Next::AfterName, _) => Err(self.unexpected(at, "`=`", "write `name = value;`")),
            (Next::InheritSource, TOKEN_L_PAREN) => {
                self.set_next(Next::InheritName);
                self.open(at, TOKEN_R_PAREN, Inside::Expr)
            }
            (Next::InheritSource | Next::InheritName, TOKEN_SEMICOLON) => {
                let frame = self.frames.len() - 1;
                self.tokens -= std::mem::take(&mut self.frames[frame].tokens);
                Ok(Some(Next::Binding))
            }
            (Next::InheritSource | Next::InheritName, _) => self.name(kind, at, Next::InheritName),
            _ => self.name(kind, at, Next::AfterName),
        }
    }

    fn name(&mut self, kind: SyntaxKind, at: &ByteRange, then: Next) -> Result<Option<Next>, Problem> {
        match kind {
            TOKEN_IDENT | TOKEN_OR => Ok(Some(then)),
            TOKEN_STRING_START => {
                self.set_next(then);
                self.open(at, TOKEN_STRING_END, Inside::Str)
            }
            TOKEN_INTERPOL_START => {
                self.set_next(then);
                self.open(at, TOKEN_INTERPOL_END, Inside::Expr)
            }
            _ if then == Next::InheritName => Err(self.unexpected(at, "a name or `;`", "write `inherit name;`")),
            _ => Err(self.unexpected(at, "a name", "put a name that isn't a plain word in double quotes")),
        }
    }

    fn open_operand(&mut self, at: &ByteRange, closer: SyntaxKind, inside: Inside) -> Result<Option<Next>, Problem> {
        self.set_next(Next::Operator);
        self.open(at, closer, inside)
    }

    fn open(&mut self, at: &ByteRange, closer: SyntaxKind, inside: Inside) -> Result<Option<Next>, Problem> {
        let next = match inside {
            Inside::Bindings => Next::Binding,
            Inside::List => Next::Element,
            Inside::Expr | Inside::Str => Next::Expr,
        };
        self.frames.push(Frame { open: at.clone(), closer, inside, next, tokens: 0 });
        if self.frames.len() > MAX_BRACKETS {
            let message = format!("brackets are nested more than {MAX_BRACKETS} levels deep");
            return Err(Problem::new(at, message, "name inner values with `let … in`"));
        }
        Ok(None)
    }

    fn close(&mut self) -> Option<Next> {
        if let Some(frame) = self.frames.pop() {
            self.tokens -= frame.tokens;
        }
        None
    }

    fn set_next(&mut self, next: Next) {
        if let Some(frame) = self.frames.last_mut() {
            frame.next = next;
        }
    }

    fn in_bindings(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.inside == Inside::Bindings)
    }

    fn quote_token(&self, at: &ByteRange) -> String {
        quoted(&self.text[at.clone()])
    }

    fn unexpected(&self, at: &ByteRange, expected: &str, hint: &str) -> Problem {
        Problem::new(at, format!("syntax error: expected {expected}, found {}", self.quote_token(at)), hint)
    }

    /// Returns the error of a file that ends within a string.
    pub(super) fn open_string(&self) -> Option<Problem> {
        let frame = self.frames.last().filter(|frame| frame.inside == Inside::Str)?;
        Some(self.not_closed(frame))
    }

    fn not_closed(&self, frame: &Frame) -> Problem {
        let open = &self.text[frame.open.clone()];
        let closer = match frame.closer {
            TOKEN_R_PAREN => ")",
            TOKEN_R_BRACK => "]",
            TOKEN_STRING_END => open,
            TOKEN_IN => "in",
            _ => "}",
        };
        Problem::new(
            &frame.open,
            format!("syntax error: this `{open}` isn't closed"),
            format!("close it with `{closer}`"),
        )
    }

    /// Checks the end of the file.
    pub(super) fn finish(self) -> Result<(), Problem> {
        let end = self.last.end..self.last.end;
        match self.frames.last() {
            Some(frame) if self.frames.len() > 1 => Err(self.not_closed(frame)),
            Some(frame) if frame.next != Next::Operator && self.last.end == 0 => {
                let hint = "write a set: `{ jobs.test.command = \"make test\"; }`";
                Err(Problem::new(&end, "the file is empty", hint))
            }
            Some(frame) if frame.next != Next::Operator => {
                Err(Problem::new(&end, "syntax error: the file ends where a value is expected", "write a value"))
            }
            _ => Ok(()),
        }
    }
}

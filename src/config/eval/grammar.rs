//! Check that the tokens of a file form an expression, without recursion.
//!
//! After a syntax error, rnix skips tokens and then recurses without a bound. Therefore rnix gets only files without
//! syntax errors whose brackets and operators are nested to a limited depth. This check also has better messages,
//! because it can name the missing token.

use rnix::SyntaxKind;
#[cfg_attr(not(test), expect(clippy::enum_glob_use, reason = "this file names many tokens, which have a prefix"))]
use rnix::SyntaxKind::*;

use super::frame::{Compared, Frame, Inside, Next};
use super::unsupported;
use crate::config::problem::{ByteRange, Problem};

/// Maximum depth of nested brackets.
const MAX_BRACKETS: usize = 64;
/// Maximum number of open tokens: each can be a level of the syntax tree.
const MAX_TOKENS: usize = 400;

/// State of the check between two tokens.
pub(super) struct Grammar<'a> {
    pub(super) text: &'a str,
    pub(super) frames: Vec<Frame>,
    tokens: usize,
    pub(super) last: ByteRange,
    last_kind: SyntaxKind,
}

impl<'a> Grammar<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let (open, compared) = (0..0, Compared::default());
        let file = Frame {
            open,
            closer: TOKEN_ERROR,
            inside: Inside::Expr,
            next: Next::Expr,
            tokens: 0,
            compared,
            applied: false,
        };
        Self { text, frames: vec![file], tokens: 0, last: 0..0, last_kind: TOKEN_ERROR }
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
            Next::Operator | Next::Parameter | Next::Tested if kind == closer && inside != Inside::Bindings => {
                self.close_expr(kind, at)?
            }
            Next::Expr | Next::Operand | Next::Inverted | Next::Simple | Next::Element => {
                self.operand(kind, at, next)?
            }
            Next::RecSet if kind == TOKEN_L_BRACE => self.open_operand(at, TOKEN_R_BRACE, Inside::Bindings)?,
            Next::RecSet => return Err(self.unexpected(at, "`{`", "write `rec { … }`")),
            Next::Operator if inside == Inside::List => self.element(kind, at)?,
            Next::Parameter if kind == TOKEN_COLON => Some(Next::Expr),
            Next::Operator | Next::Parameter => self.operator(kind, at)?,
            Next::Selected => self.name(kind, at, Next::Operator)?,
            Next::TestName => self.name(kind, at, Next::Tested)?,
            Next::Tested => self.tested(kind, at)?,
            _ => self.binding(kind, at, next)?,
        };
        // `open` and `close` have updated the frames already.
        if let Some(then) = then {
            self.frames[frame].next = then;
        }
        self.last = at.clone();
        self.last_kind = kind;
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
            TOKEN_IDENT if next == Next::Expr => Ok(Some(Next::Parameter)),
            TOKEN_IDENT | TOKEN_INTEGER | TOKEN_FLOAT | TOKEN_URI => Ok(Some(Next::Operator)),
            TOKEN_PATH_ABS | TOKEN_PATH_REL | TOKEN_PATH_HOME | TOKEN_PATH_SEARCH => Err(unsupported::path(at)),
            TOKEN_REC => Ok(Some(Next::RecSet)),
            TOKEN_L_PAREN => self.open_operand(at, TOKEN_R_PAREN, Inside::Expr),
            TOKEN_L_BRACK => self.open_operand(at, TOKEN_R_BRACK, Inside::List),
            TOKEN_L_BRACE => self.open_operand(at, TOKEN_R_BRACE, Inside::Bindings),
            TOKEN_STRING_START => self.open_operand(at, TOKEN_STRING_END, Inside::Str),
            TOKEN_SUB if matches!(next, Next::Expr | Next::Operand | Next::Inverted) => Ok(Some(Next::Operand)),
            TOKEN_LET if next == Next::Expr => self.open(at, TOKEN_IN, Inside::Bindings),
            TOKEN_INVERT if matches!(next, Next::Expr | Next::Inverted) => Ok(Some(Next::Inverted)),
            TOKEN_IF if next == Next::Expr => self.open(at, TOKEN_THEN, Inside::Expr),
            TOKEN_WITH | TOKEN_ASSERT if next == Next::Expr => self.open(at, TOKEN_SEMICOLON, Inside::Expr),
            _ => Err(self.not_an_operand(kind, at)),
        }
    }

    fn operator(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        let is_argument = kind.is_fn_arg() && self.takes_argument(at);
        if let Some(frame) = self.frames.last_mut() {
            frame.applied = is_argument || frame.applied && kind == TOKEN_DOT;
        }
        match kind {
            _ if is_argument => self.operand(kind, at, Next::Simple),
            TOKEN_SEMICOLON if self.in_bindings() => {
                let frame = self.frames.len() - 1;
                self.tokens -= std::mem::take(&mut self.frames[frame].tokens);
                self.set_compared(Compared::default());
                Ok(Some(Next::Binding))
            }
            TOKEN_DOT => Ok(Some(Next::Selected)),
            TOKEN_OR => Ok(Some(Next::Simple)),
            TOKEN_CONCAT | TOKEN_ADD | TOKEN_SUB | TOKEN_MUL | TOKEN_DIV => Ok(Some(Next::Operand)),
            TOKEN_UPDATE => Ok(Some(Next::Inverted)),
            TOKEN_EQUAL | TOKEN_NOT_EQUAL | TOKEN_LESS | TOKEN_LESS_OR_EQ | TOKEN_MORE | TOKEN_MORE_OR_EQ => {
                self.comparison(kind, at)
            }
            TOKEN_AND_AND | TOKEN_OR_OR | TOKEN_IMPLICATION => {
                self.set_compared(Compared::default());
                Ok(Some(Next::Inverted))
            }
            TOKEN_QUESTION => Ok(Some(Next::TestName)),
            TOKEN_COLON | TOKEN_AT => Err(unsupported::function(at)),
            TOKEN_PIPE_LEFT | TOKEN_PIPE_RIGHT => Err(unsupported::operator(at, &self.text[at.clone()])),
            _ => Err(self.not_an_operator(kind, at)),
        }
    }

    /// Returns whether a function takes an argument here. A literal is no function, and a binding on the next line no
    /// argument.
    fn takes_argument(&self, at: &ByteRange) -> bool {
        let is_applied = self.frames.last().is_some_and(|frame| frame.applied);
        let is_binding = || {
            let line = self.text[at.start..].lines().next().unwrap_or_default();
            let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "_-'.\" ".contains(c));
            line.split_once('=').is_some_and(|(name, value)| !value.starts_with('=') && is_name(name))
        };
        (is_applied || matches!(self.last_kind, TOKEN_IDENT | TOKEN_R_PAREN))
            && &self.text[self.last.clone()] != "import"
            && !(self.in_bindings() && self.text[self.last.end..at.start].contains('\n') && is_binding())
    }

    /// Checks a comparison: `a == b == c` and `a < b < c` have no meaning in Nix.
    fn comparison(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        let is_equality = matches!(kind, TOKEN_EQUAL | TOKEN_NOT_EQUAL);
        let before = self.frames.last().map(|frame| frame.compared).unwrap_or_default();
        if before.equality && is_equality || before.order && !is_equality {
            return Err(self.unexpected(at, "one comparison", "put one of the comparisons in parentheses"));
        }
        self.set_compared(Compared { equality: before.equality || is_equality, order: !is_equality });
        Ok(Some(Next::Inverted))
    }

    /// Checks the token after the name that a `?` tests.
    fn tested(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        match kind {
            TOKEN_DOT => Ok(Some(Next::TestName)),
            TOKEN_OR => Err(self.unexpected(at, "an operator", "put the test in parentheses")),
            _ => self.operator(kind, at),
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
            TOKEN_ASSIGN if then == Next::InheritName => Err(self.keyword_as_key(at, "a name or `;`", "inherit")),
            _ if then == Next::InheritName => Err(self.unexpected(at, "a name or `;`", "write `inherit name;`")),
            TOKEN_WITH => Err(self.keyword_as_key(at, "a name", "with")),
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
        let compared = Compared::default();
        self.frames.push(Frame { open: at.clone(), closer, inside, next, tokens: 0, compared, applied: false });
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

    /// Closes an expression; the `else` of an `if` follows its `then`.
    fn close_expr(&mut self, kind: SyntaxKind, at: &ByteRange) -> Result<Option<Next>, Problem> {
        self.close();
        if kind == TOKEN_THEN { self.open(at, TOKEN_ELSE, Inside::Expr) } else { Ok(None) }
    }

    fn set_compared(&mut self, compared: Compared) {
        if let Some(frame) = self.frames.last_mut() {
            frame.compared = compared;
        }
    }

    fn set_next(&mut self, next: Next) {
        if let Some(frame) = self.frames.last_mut() {
            frame.next = next;
        }
    }

    fn in_bindings(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.inside == Inside::Bindings)
    }

    /// Returns the error of a file that ends within a string.
    pub(super) fn open_string(&self) -> Option<Problem> {
        let frame = self.frames.last().filter(|frame| frame.inside == Inside::Str)?;
        Some(self.not_closed(frame))
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
            Some(frame) if !matches!(frame.next, Next::Operator | Next::Parameter | Next::Tested) => {
                Err(Problem::new(&end, "syntax error: the file ends where a value is expected", "write a value"))
            }
            _ => Ok(()),
        }
    }
}

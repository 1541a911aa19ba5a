//! Check of a file's characters and tokens before parsing: refuses input that Nix's lexer refuses or reads differently
//! from rnix's lexer.

use rnix::SyntaxKind::{self, TOKEN_COMMENT, TOKEN_ERROR, TOKEN_WHITESPACE};

use super::grammar::Grammar;
use crate::config::problem::{ByteRange, Problem, quoted};

/// Maximum size of a job file.
const MAX_BYTES: usize = 1 << 20;
/// Maximum number of bytes that rnix's lexer may look ahead in total: at each token of a path it reads to the path's
/// end.
const MAX_LOOKAHEAD: usize = 1 << 24;

/// Refuses a file with a syntax error, a file that rnix reads differently from Nix, and a file that would overflow
/// rnix's stack.
pub(super) fn scan(text: &str) -> Result<(), Problem> {
    if text.len() > MAX_BYTES {
        return Err(Problem::new(&(0..0), "the file is larger than 1 MiB", "keep scripts in files of their own"));
    }
    if let Some(at) = text.find('\0') {
        return Err(Problem::new(&(at..at + 1), "the file has a NUL character", "remove it"));
    }
    let paths = path_runs(text);
    let mut grammar = Grammar::new(text);
    let (mut start, mut lookahead) = (0, 0);
    for (kind, token) in rnix::tokenize(text) {
        let at = start..start + token.len();
        lookahead += paths[start] as usize;
        if lookahead > MAX_LOOKAHEAD {
            return Err(Problem::new(&at, "the names are too long", "write shorter names"));
        }
        match kind {
            TOKEN_ERROR => return Err(grammar.open_string().unwrap_or_else(|| not_a_token(token, &at))),
            TOKEN_WHITESPACE => whitespace(token, &at)?,
            TOKEN_COMMENT => comment(token, &at)?,
            SyntaxKind::TOKEN_STRING_CONTENT => {}
            _ => grammar.token(kind, &at)?,
        }
        start = at.end;
    }
    grammar.finish()
}

/// Returns for each byte the number of path characters that follow without a gap.
fn path_runs(text: &str) -> Vec<u32> {
    let mut runs = vec![0; text.len() + 1];
    for (index, b) in text.bytes().enumerate().rev() {
        if b.is_ascii_alphanumeric() || b"/_.+-".contains(&b) {
            runs[index] = runs[index + 1] + 1;
        }
    }
    runs
}

fn not_a_token(token: &str, at: &ByteRange) -> Problem {
    if token.starts_with("/*") {
        return Problem::new(&(at.start..at.start + 2), "the comment isn't closed", "close it with `*/`");
    }
    if token.starts_with('\u{feff}') {
        return Problem::new(at, "the file starts with a byte order mark", "save it as UTF-8 without one");
    }
    let message = if token.contains('/') {
        format!("{} isn't a path", quoted(token))
    } else {
        format!("unexpected character {}", quoted(token))
    };
    Problem::new(at, message, "remove it, or write it in a string, in double quotes")
}

fn whitespace(token: &str, at: &ByteRange) -> Result<(), Problem> {
    let Some((offset, c)) = token.char_indices().find(|(_, c)| !matches!(c, ' ' | '\t' | '\r' | '\n')) else {
        return Ok(());
    };
    let at = at.start + offset..at.start + offset + c.len_utf8();
    let message =
        format!("unexpected character U+{:04X}: it looks like a space, but Nix doesn't accept it", u32::from(c));
    Err(Problem::new(&at, message, "write a plain space (U+0020)"))
}

/// Refuses a carriage return within a `#` comment, where Nix ends the comment and rnix doesn't.
fn comment(token: &str, at: &ByteRange) -> Result<(), Problem> {
    match token.find('\r') {
        Some(offset) if token.starts_with('#') && offset + 1 < token.len() => {
            let at = at.start + offset..at.start + offset + 1;
            Err(Problem::new(&at, "a comment has a carriage return in it", "end the line with a newline"))
        }
        _ => Ok(()),
    }
}

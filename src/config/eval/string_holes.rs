//! Search for `${…}` in strings, by the rules of Nix's lexer (`src/libexpr/lexer.l`). It works in a text with syntax
//! errors too.

use super::shell_length::shell_length;
use crate::config::problem::ByteRange;

/// A `${…}` in a string: a name, or an expansion of the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    /// Byte range from the dollar to the brace.
    pub(super) at: ByteRange,
    /// True in a `''…''` literal.
    pub(super) is_indented: bool,
    /// True if only the shell can read it.
    pub(super) is_shell: bool,
}

/// Part of a text.
enum Inside {
    /// Code, with the number of open braces.
    Code(usize),
    Double,
    Indented,
}

/// Returns the `${…}` of all strings in the order of the file, without those that are larger expressions.
pub(super) fn string_holes(text: &str) -> Vec<Hole> {
    let mut search = Search { text, at: 0, open: vec![Inside::Code(0)], holes: Vec::new() };
    while search.at < text.len() {
        search.at += match search.open.last() {
            Some(Inside::Double) => search.double(),
            Some(Inside::Indented) => search.indented(),
            _ => search.code(),
        };
        // An escaped character may have several bytes.
        while search.at < text.len() && !text.is_char_boundary(search.at) {
            search.at += 1;
        }
    }
    search.holes
}

/// State of the search. Each step returns the length of what it read.
struct Search<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Inside>,
    holes: Vec<Hole>,
}

impl<'a> Search<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn starts(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix.as_bytes())
    }

    fn code(&mut self) -> usize {
        let rest = self.rest();
        let until = |end: &[u8]| rest.windows(end.len()).skip(1).position(|part| part == end);
        match rest[0] {
            b'#' => until(b"\n").map_or(rest.len(), |length| length + 1),
            b'/' if self.starts("/*") => until(b"*/").map_or(rest.len(), |length| length + 3),
            first if first.is_ascii_alphabetic() => {
                rest.iter().position(|b| !b.is_ascii_alphanumeric() && !b"_-'".contains(b)).unwrap_or(rest.len())
            }
            b'"' => self.enter(Inside::Double, 1),
            b'\'' if self.starts("''") => self.enter(Inside::Indented, 2),
            brace => {
                let is_nested = self.open.len() > 1;
                match (brace, self.open.last_mut()) {
                    (b'{', Some(Inside::Code(braces))) => *braces += 1,
                    (b'}', Some(Inside::Code(0))) if is_nested => return self.leave(1),
                    (b'}', Some(Inside::Code(braces))) => *braces = braces.saturating_sub(1),
                    _ => {}
                }
                1
            }
        }
    }

    fn double(&mut self) -> usize {
        if self.starts("${") {
            return self.hole(false);
        }
        if self.starts("\"") {
            return self.leave(1);
        }
        1 + usize::from(self.starts("\\") || self.is_pair(b'$', b"{\"\\"))
    }

    fn indented(&mut self) -> usize {
        if self.starts("${") {
            return self.hole(true);
        }
        if self.starts("''\\") {
            return 4;
        }
        if self.starts("''$") || self.starts("'''") {
            return 3;
        }
        if self.starts("''") {
            return self.leave(2);
        }
        1 + usize::from(self.is_pair(b'$', b"{'") || self.is_pair(b'\'', b"'$"))
    }

    fn hole(&mut self, is_indented: bool) -> usize {
        let inner = &self.text[self.at + 2..];
        // The closing quotes of the string aren't part of it.
        let quote = if is_indented { "''" } else { "\"" };
        let shell = shell_length(inner).filter(|end| !inner[..*end].contains(quote));
        let Some(end) = shell.or_else(|| name_length(inner)) else { return self.enter(Inside::Code(0), 2) };
        self.holes.push(Hole { at: self.at..self.at + 2 + end, is_indented, is_shell: shell.is_some() });
        2 + end
    }

    fn enter(&mut self, inside: Inside, length: usize) -> usize {
        self.open.push(inside);
        length
    }

    fn leave(&mut self, length: usize) -> usize {
        self.open.pop();
        length
    }

    /// Returns whether the rest starts with a character that Nix reads together with the next one.
    fn is_pair(&self, first: u8, not_before: &[u8]) -> bool {
        self.rest()[0] == first && self.rest().get(1).is_some_and(|next| !not_before.contains(next))
    }
}

/// Returns the length of a name with the brace after it.
fn name_length(rest: &str) -> Option<usize> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_-'".contains(c))?;
    rest[end..].starts_with('}').then_some(end + 1)
}

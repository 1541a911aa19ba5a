//! Artifact globs for the agent: POSIX extended regular expressions, and the folders that can have matches.
//!
//! globset defines the meaning of a glob: its regular expression is parsed and written again for `grep -E` in the C
//! locale, which matches bytes as globset does.

use std::collections::BTreeSet;
use std::path::Path;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look};
use thiserror::Error;

use crate::glob::{build, expand};

/// Error of a glob that has no regular expression for a guest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// globset refuses the glob.
    #[error(transparent)]
    Glob(#[from] globset::Error),
    /// The glob can match no name that a guest lists; for instance it matches only names with a newline.
    #[error("the glob {0:?} matches no file name")]
    MatchesNothing(String),
}

/// Returns the extended regular expression, in bytes, that matches the same paths as a plain glob
/// (`*` and `?` don't match `/`).
///
/// # Errors
/// When the glob is invalid, or matches only names with a newline.
pub fn extended_regex(glob: &str) -> Result<Vec<u8>, PatternError> {
    let nothing = || PatternError::MatchesNothing(glob.to_owned());
    let parsed = build(glob)?;
    let hir = ParserBuilder::new().utf8(false).build().parse(parsed.regex()).map_err(|_| nothing())?;
    let mut out = Vec::new();
    write_regex(&hir, &mut out).ok_or_else(nothing)?;
    Ok(out)
}

/// The folders and files, relative to the workspace, that hold all matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchRoots {
    /// Roots that lie in no other root.
    pub outer: Vec<String>,
    /// Roots inside of others; a search of the outer one misses them if a link leads to them.
    pub inner: Vec<String>,
}

/// Returns the folders and files that hold all matches of the globs.
#[must_use]
pub fn search_roots(globs: &[String]) -> SearchRoots {
    let globs: Vec<String> = globs.iter().flat_map(|glob| expand(glob)).collect();
    let folders: BTreeSet<&str> = globs.iter().map(|glob| literal_path(glob)).collect();
    let mut roots = SearchRoots::default();
    for folder in folders {
        let is_inner = roots.outer.iter().any(|root| Path::new(folder).starts_with(root));
        let list = if is_inner { &mut roots.inner } else { &mut roots.outer };
        list.push(folder.to_owned());
    }
    roots
}

/// Returns the path at the beginning of a glob, up to the last folder without a wildcard.
fn literal_path(glob: &str) -> &str {
    match glob.find(['*', '?', '[', ']', '{', '}', '\\']) {
        Some(end) => glob[..end].rfind('/').map_or("", |end| &glob[..end]),
        None => glob,
    }
}

/// Writes an expression in the extended syntax; returns `None` if the expression can't match there.
fn write_regex(hir: &Hir, out: &mut Vec<u8>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => out.extend(b"()"),
        HirKind::Literal(literal) => {
            for &byte in &literal.0 {
                write_byte(byte, out)?;
            }
        }
        HirKind::Class(Class::Bytes(class)) => write_class(class, out)?,
        HirKind::Class(Class::Unicode(class)) => write_class(&class.to_byte_class()?, out)?,
        HirKind::Look(Look::Start) => out.push(b'^'),
        HirKind::Look(Look::End) => out.push(b'$'),
        HirKind::Look(_) => return None,
        HirKind::Repetition(repetition) => {
            // A group would be captured, which makes matching slow.
            match repetition.sub.kind() {
                HirKind::Class(_) => write_regex(&repetition.sub, out)?,
                _ => write_group(std::slice::from_ref(&*repetition.sub), out)?,
            }
            let max = repetition.max.map_or(String::new(), |max| max.to_string());
            out.extend(format!("{{{},{max}}}", repetition.min).bytes());
        }
        HirKind::Capture(capture) => write_group(std::slice::from_ref(&*capture.sub), out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write_regex(part, out)?;
            }
        }
        HirKind::Alternation(alternatives) => write_group(alternatives, out)?,
    }
    Some(())
}

fn write_group(alternatives: &[Hir], out: &mut Vec<u8>) -> Option<()> {
    out.push(b'(');
    for (index, alternative) in alternatives.iter().enumerate() {
        if index > 0 {
            out.push(b'|');
        }
        write_regex(alternative, out)?;
    }
    out.push(b')');
    Some(())
}

fn write_byte(byte: u8, out: &mut Vec<u8>) -> Option<()> {
    match byte {
        0 | b'\n' => return None,
        b'.' | b'[' | b']' | b'\\' | b'(' | b')' | b'*' | b'+' | b'?' | b'{' | b'}' | b'|' | b'^' | b'$' => {
            out.extend([b'\\', byte]);
        }
        _ => out.push(byte),
    }
    Some(())
}

/// Writes a bracket expression with `]` first, `-` last, `^` never first, and `[` before no `.`, `:` or `=`.
fn write_class(class: &ClassBytes, out: &mut Vec<u8>) -> Option<()> {
    let mut plain = class.clone();
    let special = [0, b'\n', b']', b'[', b'^', b'-'].map(|byte| ClassBytesRange::new(byte, byte));
    plain.difference(&ClassBytes::new(special));
    let has = |byte: u8| class.iter().any(|range| (range.start()..=range.end()).contains(&byte));
    let mut members = Vec::new();
    if has(b']') {
        members.push(b']');
    }
    for range in plain.iter() {
        members.push(range.start());
        if range.start() < range.end() {
            members.extend([b'-', range.end()]);
        }
    }
    members.extend([b'[', b'^', b'-'].into_iter().filter(|&byte| has(byte)));
    match *members.as_slice() {
        [] => return None,
        [byte] => return write_byte(byte, out),
        [b'^', b'-'] => members.reverse(),
        _ => {}
    }
    out.push(b'[');
    out.extend(members);
    out.push(b']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{PatternError, extended_regex, search_roots};

    #[test]
    fn globs_become_regular_expressions_of_grep() {
        let table = [
            ("build/a.log", r"^build/a\.log$"),
            ("*.log", r"]{0,}\.log$"),
            ("{a,b}.o", r"\.o$"),
            ("[]^-]x", r"^[]^-]x$"),
            ("[[^]x", r"^[[^]x$"),
            ("[-^]x", r"^[-^]x$"),
            ("a\\*b", r"^a\*b$"),
        ];
        for (glob, part) in table {
            let regex = extended_regex(glob).unwrap();
            assert!(
                regex.windows(part.len()).any(|window| window == part.as_bytes()),
                "{glob}: {}",
                regex.escape_ascii()
            );
        }
    }

    #[test]
    fn an_invalid_glob_or_one_without_a_match_is_refused() {
        for glob in ["{a", "a\\", "[z-a]"] {
            assert!(matches!(extended_regex(glob), Err(PatternError::Glob(_))), "{glob}");
        }
        for glob in ["a\nb", "\0", "[\n]"] {
            assert!(matches!(extended_regex(glob), Err(PatternError::MatchesNothing(_))), "{glob:?}");
        }
    }

    #[test]
    fn search_roots_hold_every_match() {
        let table: [(&[&str], &[&str], &[&str]); 7] = [
            (&["build/**/*.log", "build/x/*.o"], &["build"], &["build/x"]),
            (&["a/*", "ab/*", "a/c/*"], &["a", "ab"], &["a/c"]),
            (&["out.txt", "a/b"], &["a/b", "out.txt"], &[]),
            (&["*.log", "a/b"], &[""], &["a/b"]),
            (&["a/{b,c}/d", "a\\/x/y"], &[""], &["a"]),
            (&["a/{b,c}/d"], &["a"], &[]),
            (&["a/*", "a-b/*", "a/y/z"], &["a", "a-b"], &["a/y/z"]),
        ];
        for (globs, outer, inner) in table {
            let globs: Vec<String> = globs.iter().map(|&glob| glob.to_owned()).collect();
            let roots = search_roots(&globs);
            assert_eq!((roots.outer, roots.inner), (owned(outer), owned(inner)), "{globs:?}");
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }
}

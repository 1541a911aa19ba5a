//! Artifact globs for the agent: POSIX extended regular expressions, and the folders where matches can be.
//!
//! globset says what a glob means; its own expression is parsed and spelt anew for `grep -E` in the C locale, which
//! counts bytes as globset does.

use std::collections::BTreeSet;
use std::path::Path;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look};
use thiserror::Error;

use crate::glob::{build, plain};

/// A glob that can't be given to a guest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// globset doesn't take it.
    #[error(transparent)]
    Glob(#[from] globset::Error),
    /// It can match no name that a guest tells: one with a newline, for instance.
    #[error("the glob {0:?} matches no file name")]
    MatchesNothing(String),
}

/// Returns the extended regular expression, in bytes, that matches the same paths as a plain glob does
/// (`*` and `?` don't match `/`).
///
/// # Errors
/// When the glob isn't one, or matches only names with a newline.
pub fn expression(glob: &str) -> Result<Vec<u8>, PatternError> {
    let nothing = || PatternError::MatchesNothing(glob.to_owned());
    let parsed = build(glob)?;
    let hir = ParserBuilder::new().utf8(false).build().parse(parsed.regex()).map_err(|_| nothing())?;
    let mut out = Vec::new();
    spell(&hir, &mut out).ok_or_else(nothing)?;
    Ok(out)
}

/// The folders and files, relative to the workspace, below which matches lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Those of which none lies in another.
    pub outer: Vec<String>,
    /// Those that lie in others, where they may be reached through links only.
    pub inner: Vec<String>,
}

/// Returns the folders and files below which every match of the globs lies.
#[must_use]
pub fn roots(globs: &[String]) -> Roots {
    let globs: Vec<String> = globs.iter().flat_map(|glob| plain(glob)).collect();
    let folders: BTreeSet<&str> = globs.iter().map(|glob| literal_path(glob)).collect();
    let mut roots = Roots::default();
    for folder in folders {
        let is_inner = roots.outer.iter().any(|root| Path::new(folder).starts_with(root));
        let place = if is_inner { &mut roots.inner } else { &mut roots.outer };
        place.push(folder.to_owned());
    }
    roots
}

/// Returns the path that a glob begins with, as far as it is spelt out.
fn literal_path(glob: &str) -> &str {
    match glob.find(['*', '?', '[', ']', '{', '}', '\\']) {
        Some(end) => glob[..end].rfind('/').map_or("", |end| &glob[..end]),
        None => glob,
    }
}

/// Writes an expression in the extended syntax; `None` when it has no match there.
fn spell(hir: &Hir, out: &mut Vec<u8>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => out.extend(b"()"),
        HirKind::Literal(literal) => {
            for &byte in &literal.0 {
                spell_byte(byte, out)?;
            }
        }
        HirKind::Class(Class::Bytes(class)) => spell_class(class, out)?,
        HirKind::Class(Class::Unicode(class)) => spell_class(&class.to_byte_class()?, out)?,
        HirKind::Look(Look::Start) => out.push(b'^'),
        HirKind::Look(Look::End) => out.push(b'$'),
        HirKind::Look(_) => return None,
        HirKind::Repetition(repetition) => {
            // A group would be remembered, which makes matching slow.
            match repetition.sub.kind() {
                HirKind::Class(_) => spell(&repetition.sub, out)?,
                _ => spell_group(std::slice::from_ref(&*repetition.sub), out)?,
            }
            let max = repetition.max.map_or(String::new(), |max| max.to_string());
            out.extend(format!("{{{},{max}}}", repetition.min).bytes());
        }
        HirKind::Capture(capture) => spell_group(std::slice::from_ref(&*capture.sub), out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                spell(part, out)?;
            }
        }
        HirKind::Alternation(alternatives) => spell_group(alternatives, out)?,
    }
    Some(())
}

fn spell_group(alternatives: &[Hir], out: &mut Vec<u8>) -> Option<()> {
    out.push(b'(');
    for (index, alternative) in alternatives.iter().enumerate() {
        if index > 0 {
            out.push(b'|');
        }
        spell(alternative, out)?;
    }
    out.push(b')');
    Some(())
}

fn spell_byte(byte: u8, out: &mut Vec<u8>) -> Option<()> {
    match byte {
        0 | b'\n' => return None,
        b'.' | b'[' | b']' | b'\\' | b'(' | b')' | b'*' | b'+' | b'?' | b'{' | b'}' | b'|' | b'^' | b'$' => {
            out.extend([b'\\', byte]);
        }
        _ => out.push(byte),
    }
    Some(())
}

/// Writes a bracket expression. `]` stands first in it, `-` last and `^` never first; `[` stands where no `.`, `:` or
/// `=` can follow.
fn spell_class(class: &ClassBytes, out: &mut Vec<u8>) -> Option<()> {
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
        [byte] => return spell_byte(byte, out),
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
    use super::{PatternError, expression, roots};

    #[test]
    fn globs_are_spelt_for_grep() {
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
            let spelt = expression(glob).unwrap();
            assert!(
                spelt.windows(part.len()).any(|window| window == part.as_bytes()),
                "{glob}: {}",
                spelt.escape_ascii()
            );
        }
    }

    #[test]
    fn what_is_no_glob_or_has_no_match_is_refused() {
        for glob in ["{a", "a\\", "[z-a]"] {
            assert!(matches!(expression(glob), Err(PatternError::Glob(_))), "{glob}");
        }
        for glob in ["a\nb", "\0", "[\n]"] {
            assert!(matches!(expression(glob), Err(PatternError::MatchesNothing(_))), "{glob:?}");
        }
    }

    #[test]
    fn roots_hold_every_match() {
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
            let roots = roots(&globs);
            assert_eq!((roots.outer, roots.inner), (owned(outer), owned(inner)), "{globs:?}");
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }
}

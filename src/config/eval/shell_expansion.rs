//! The shell's `${…}` in strings of a job file, which Nix takes for an expression of its own.

use super::string_holes::{Hole, string_holes};
use crate::config::problem::{ByteRange, MAX_DIAGNOSTICS, Problem, ProblemKind, quoted};

/// Maximum length of a line that a hint shows, in bytes.
const MAX_SHOWN: usize = 80;

/// Returns the `${…}` that only the shell can read, in the order of the file.
pub(super) fn shell_expansions(text: &str) -> Vec<Hole> {
    string_holes(text).into_iter().filter(|hole| hole.is_shell).collect()
}

/// Returns the text with other characters in place of these `${…}`, each as long as before.
pub(super) fn mask(text: &str, holes: &[Hole]) -> String {
    let mut masked = String::with_capacity(text.len());
    for hole in holes {
        masked.push_str(&text[masked.len()..hole.at.start]);
        masked.push_str(&"x".repeat(hole.at.len()));
    }
    masked.push_str(&text[masked.len()..]);
    masked
}

/// Returns the `${…}` that consist of an undefined variable. A name that is nearly one of the file's is a slip of the
/// pen: its problem also shows the form for the shell.
pub(super) fn undefined_names(text: &str, problems: &mut [Problem]) -> Vec<Hole> {
    let holes = string_holes(text);
    let mut names = Vec::new();
    for problem in problems.iter_mut().filter(|problem| problem.kind == ProblemKind::Undefined) {
        let Ok(index) = holes.binary_search_by_key(&problem.at.start, |hole| hole.at.start + 2) else { continue };
        let hole = &holes[index];
        if hole.at.end != problem.at.end + 1 {
            continue;
        }
        if problem.hint.starts_with("did you mean") {
            problem.hint += " For the shell write ";
            problem.hint += &quoted(&escaped(text, &hole.at, &[hole]));
        } else {
            names.push(hole.clone());
        }
    }
    names
}

/// Returns a problem for each line of these `${…}`, which are in the order of the file.
pub(super) fn problems(text: &str, holes: &[Hole]) -> Vec<Problem> {
    let lines = holes.chunk_by(|first, second| !text[first.at.end..second.at.start].contains('\n'));
    lines.take(MAX_DIAGNOSTICS + 1).map(|holes| problem_of_line(text, holes)).collect()
}

fn problem_of_line(text: &str, holes: &[Hole]) -> Problem {
    let at = &holes[0].at;
    let start = text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at.start..].find('\n').map_or(text.len(), |newline| at.start + newline);
    let holes: Vec<&Hole> = holes.iter().collect();
    let mut line = escaped(text, &(start..end), &holes).trim().to_owned();
    if line.len() > MAX_SHOWN {
        line = escaped(text, at, &holes[..1]);
    }
    let message = format!("{} is for the shell, but Nix reads `${{` in a string itself", quoted(&text[at.clone()]));
    Problem::new(at, message, format!("write {}", quoted(&line)))
}

/// Returns a part of the text in which Nix leaves these `${…}` to the shell.
fn escaped(text: &str, part: &ByteRange, holes: &[&Hole]) -> String {
    let mut escaped = String::new();
    let mut from = part.start;
    for hole in holes {
        escaped.push_str(&text[from..hole.at.start]);
        let dollar = if hole.is_indented { "''${" } else { "\\${" };
        escaped.push_str(&text[hole.at.clone()].replace("${", dollar));
        from = hole.at.end;
    }
    escaped + &text[from..part.end]
}

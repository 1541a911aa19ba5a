//! Job files that aren't Nix: YAML and JSON.

use crate::config::problem::Problem;

/// Returns the problem of a file that is written in YAML or JSON. The text isn't Nix.
pub(super) fn detect(text: &str) -> Option<Problem> {
    let is_comment = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let start = text.split_inclusive('\n').take_while(|line| is_comment(line)).map(str::len).sum();
    let code = &text[start..];
    let (format, hint) = if is_json(code.trim_start()) {
        ("JSON", "rename it to pikaci.json, or write it in Nix: `{ jobs.test.command = \"make test\"; }`")
    } else if is_yaml(code) {
        ("YAML", "write it in Nix: `{ jobs.test.command = \"make test\"; }`")
    } else {
        return None;
    };
    let line = code.lines().next().unwrap_or_default();
    Some(Problem::new(
        &(start..start + line.len()),
        format!("this file is {format}, and a job file is written in Nix"),
        hint,
    ))
}

/// Returns whether the text starts with a brace, a name in double quotes and a colon.
fn is_json(text: &str) -> bool {
    let name = text.strip_prefix('{').and_then(|rest| rest.trim_start().strip_prefix('"'));
    name.and_then(|rest| rest.split_once('"')).is_some_and(|(_, rest)| rest.trim_start().starts_with(':'))
}

/// Returns whether the first two lines of the text are keys or list elements of YAML.
fn is_yaml(text: &str) -> bool {
    let is_significant = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut lines = text.lines().filter(is_significant);
    if text.lines().any(|line| line.trim_end().ends_with([';', '{'])) {
        return false;
    }
    let is_marker = |line: &str| line.trim_end() == "---";
    lines.next().is_some_and(|first| is_marker(first) || is_key(first) && lines.next().is_some_and(is_key))
}

/// Returns whether a line is a key with a colon, or a list element.
fn is_key(line: &str) -> bool {
    let line = line.trim();
    let (name, rest) = line.split_once(':').unwrap_or((line, "-"));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.\"'".contains(c));
    line.starts_with("- ") || is_name && (rest.is_empty() || rest.starts_with(' '))
}

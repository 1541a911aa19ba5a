//! Reference of the job file, for a terminal and as a page of the documentation.

use super::Page;
use crate::config::{Key, REQUIRED, Section, reference};

/// Width of the lines for a terminal.
const WIDTH: usize = 80;
/// Section with most keys, whose rows other sections don't repeat.
const JOBS: &str = "jobs";

const INTRO: &str = "# Keys of the job file

This page is `pikaci help job-file`, made from the table of keys that pikaci reads `pikaci.nix` with. `pikaci schema
job-file` prints the same table as a JSON Schema of the file's value. The [README](../README.md#the-job-file) introduces
the job file.
";

/// Renders the reference for a terminal.
#[must_use]
pub fn job_file() -> Page {
    let mut page = Page::default();
    for section in reference() {
        if !section.path.is_empty() {
            page.line("");
            page.line(section.path);
        }
        wrap(&mut page, "", section.doc);
        for key in own_keys(section) {
            page.line("");
            wrap(&mut page, "  ", &format!("{}: {}; {}", key.name, key.expected, default(key)));
            wrap(&mut page, "      ", key.doc);
            wrap(&mut page, "      ", key.example);
        }
        if let Some(names) = names_of_job_keys(section, "") {
            page.line("");
            wrap(&mut page, "  ", &format!("Keys of a job: {names}."));
        }
    }
    page
}

/// Renders the reference as Markdown.
#[must_use]
pub fn job_file_markdown() -> String {
    let mut parts = vec![INTRO.to_owned()];
    for section in reference() {
        let title = if section.path.is_empty() { "The file".to_owned() } else { format!("`{}`", section.path) };
        parts.push(format!("\n## {title}\n\n{}\n", section.doc));
        let mut rows = own_keys(section).peekable();
        if rows.peek().is_some() {
            parts.push("\n| key | value | default | meaning | example |\n|---|---|---|---|---|\n".to_owned());
        }
        parts.extend(rows.map(|Key { name, expected, default, doc, example, .. }| {
            format!("| `{name}` | {expected} | {default} | {doc} | `{example}` |\n")
        }));
        parts.extend(names_of_job_keys(section, "`").map(|names| format!("\nKeys of a job: {names}.\n")));
    }
    parts.concat()
}

/// Returns the keys that the section doesn't have in common with jobs.
fn own_keys(section: &Section) -> impl Iterator<Item = &Key> {
    section.keys.iter().filter(|key| !is_job_key(section, key))
}

/// Returns the names of the keys that the section has in common with jobs, between marks.
fn names_of_job_keys(section: &Section, mark: &str) -> Option<String> {
    let names: Vec<String> = section
        .keys
        .iter()
        .filter(|key| is_job_key(section, key))
        .map(|key| format!("{mark}{}{mark}", key.name))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn is_job_key(section: &Section, key: &Key) -> bool {
    let mut jobs = reference().iter().filter(|other| other.name == JOBS && section.name != JOBS);
    jobs.any(|jobs| jobs.keys.contains(key))
}

fn default(key: &Key) -> String {
    if key.default.starts_with(REQUIRED) { key.default.to_owned() } else { format!("default: {}", key.default) }
}

/// Adds a text in lines of at most [`WIDTH`] characters, each after an indent.
fn wrap(page: &mut Page, indent: &str, text: &str) {
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        if line.len() > indent.len() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            page.line(std::mem::replace(&mut line, indent.to_owned()));
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line += word;
    }
    page.line(line);
}

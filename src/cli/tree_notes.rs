//! Notes and warnings about a job file and a source tree: names that nothing uses, globs that match no file, and files
//! that a snapshot can't hold.

use anyhow::anyhow;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::eprint_line;
use crate::config::{Config, unused_names};
use crate::id::JobId;
use crate::plan::select::Selection;
use crate::plan::{UnmatchedGlob, unmatched_globs};
use crate::report;
use crate::snapshot::{Entry, Tree};
use crate::text::{first_lines, one_line};

/// Prints the notes and warnings for the jobs of a selection, including jobs that are left out. Strictly, each warning is
/// an error.
pub fn print_selection_notes(
    config: &Config,
    selection: &Selection,
    tree: &Tree,
    is_strict: bool,
) -> Result<(), Failure> {
    let jobs = selection.jobs.iter().chain(selection.left_out.iter().map(|job| &job.id));
    print_unused_names(config, is_strict)?;
    print_tree_notes(config, jobs, tree, is_strict)
}

/// Prints the warnings about names that nothing uses. Strictly, each is an error.
pub fn print_unused_names(config: &Config, is_strict: bool) -> Result<(), Failure> {
    let unused = unused_names(config).iter().map(|message| one_line(message)).collect();
    print_warnings(first_lines(unused, "name"), is_strict, "use the names, or remove them from pikaci.nix")
}

/// Prints the notes and warnings for some jobs. Strictly, each warning is an error.
pub fn print_tree_notes<'a>(
    config: &'a Config,
    jobs: impl Iterator<Item = &'a JobId>,
    tree: &Tree,
    is_strict: bool,
) -> Result<(), Failure> {
    let files = tree.entries().iter().map(Entry::path);
    let excludes = tree.unmatched_excludes().iter();
    let excludes = excludes.map(|glob| UnmatchedGlob { key: "snapshot.exclude".to_owned(), glob });
    let globs = unmatched_globs(config, jobs, files).into_iter().chain(excludes);
    let globs: Vec<_> = globs.map(|unmatched| report::unmatched_glob(&unmatched)).collect();
    let skipped: Vec<_> = tree.skipped().iter().map(|path| report::skipped_file(path)).collect();
    for note in first_lines(skipped, "file") {
        eprint_line(&format_args!("note: {note}"));
    }
    print_warnings(first_lines(globs, "glob"), is_strict, "correct the globs, or remove them")
}

fn print_warnings(warnings: Vec<String>, is_strict: bool, hint: &str) -> Result<(), Failure> {
    if is_strict && !warnings.is_empty() {
        return Err(Failure::new(Exit::Usage, anyhow!(warnings.join("\n"))).hint(hint));
    }
    for warning in warnings {
        eprint_line(&format_args!("warning: {warning}"));
    }
    Ok(())
}

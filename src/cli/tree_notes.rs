//! Notes on a source tree: globs that match no file, and files that a snapshot can't hold.

use crate::cli::output::eprint_line;
use crate::config::Config;
use crate::id::JobId;
use crate::plan::select::{Selection, unmatched_globs};
use crate::report;
use crate::snapshot::{Entry, Tree};
use crate::text::first_lines;

/// Prints the notes for the jobs of a selection, including jobs that are left out.
pub fn print_selection_notes(config: &Config, selection: &Selection, tree: &Tree) {
    let jobs = selection.jobs.iter().chain(selection.left_out.iter().map(|job| &job.id));
    print_tree_notes(config, jobs, tree);
}

/// Prints the notes for some jobs.
pub fn print_tree_notes<'a>(config: &'a Config, jobs: impl Iterator<Item = &'a JobId>, tree: &Tree) {
    let files = tree.entries().iter().map(Entry::path);
    let globs: Vec<_> = unmatched_globs(config, jobs, files).iter().map(report::unmatched_glob).collect();
    let skipped: Vec<_> = tree.skipped().iter().map(|path| report::skipped_file(path)).collect();
    for note in first_lines(globs, "glob").into_iter().chain(first_lines(skipped, "file")) {
        eprint_line(&format_args!("note: {note}"));
    }
}

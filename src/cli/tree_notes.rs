//! Notes on a source tree: globs that match no file of it, and files that no snapshot holds.

use crate::cli::output::eprint_line;
use crate::config::Config;
use crate::id::JobId;
use crate::plan::select::{Selection, unmatched};
use crate::report::{self, first};
use crate::snapshot::{Entry, Tree};

/// Prints the notes that concern the jobs of a selection, run or left out.
pub fn print_for(config: &Config, selection: &Selection, tree: &Tree) {
    let jobs = selection.jobs.iter().chain(selection.left_out.iter().map(|job| &job.id));
    print(config, jobs, tree);
}

/// Prints the notes that concern some jobs.
pub fn print<'a>(config: &'a Config, jobs: impl Iterator<Item = &'a JobId>, tree: &Tree) {
    let files = tree.entries().iter().map(Entry::path);
    let globs: Vec<_> = unmatched(config, jobs, files).iter().map(report::unmatched).collect();
    let skipped: Vec<_> = tree.skipped().iter().map(|path| report::skipped(path)).collect();
    for note in first(globs, "glob").into_iter().chain(first(skipped, "file")) {
        eprint_line(&format_args!("note: {note}"));
    }
}

//! `pikaci list`: lists the runs.

use clap::Args;

use crate::cli::clock::clock;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::output::{eprint_line, print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::Runs;
use crate::record::BrokenRun;
use crate::report::{self, Listing};

#[derive(Debug, Args)]
pub struct Options {
    /// Show at most this many runs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, env = "PIKACI_LIMIT")]
    limit: usize,
    /// Format of the list
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::open(project_args)?;
    let listing = read_listing(&runs, options.limit);
    match options.format {
        Format::Json => print_json(&listing)?,
        Format::Human if runs.newest().is_empty() => eprint_line(&"no runs yet\nhint: pikaci run"),
        Format::Human => print(&report::list(&listing, &clock()))?,
    }
    Ok(Exit::Passed)
}

/// Reads the newest runs, at most `limit`, and no others.
fn read_listing(runs: &Runs, limit: usize) -> Listing {
    let ids = runs.newest();
    let mut listing = Listing::new(ids.len().saturating_sub(limit));
    for id in ids.iter().take(limit) {
        match runs.store.load(id).into_record() {
            Ok(record) => listing.runs.push(record),
            // A run that is being created, or that gc has just removed, isn't broken.
            Err(_) if !runs.has_record(id) && (runs.store.is_alive(id) || runs.store.is_removed(id)) => {}
            Err(error) => listing.broken.push(BrokenRun { run_id: id.clone(), error: format!("{error:#}") }),
        }
    }
    listing
}

//! `pikaci list`: the runs.

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::output::eprint_line;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::{Runs, clock};
use crate::report::{self, Broken, Listing};

#[derive(Debug, Args)]
pub struct Options {
    /// Show at most this many runs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, env = "PIKACI_LIMIT")]
    limit: usize,
    /// How to print the list
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let runs = Runs::find(project_args)?;
    let listing = listing(&runs, options.limit);
    match options.format {
        Format::Json => print_json(&listing)?,
        Format::Human if runs.newest().is_empty() => eprint_line(&"no runs yet\nhint: pikaci run"),
        Format::Human => print(&report::list(&listing, &clock()))?,
    }
    Ok(Exit::Passed)
}

/// Reads what is shown and nothing else.
fn listing(runs: &Runs, limit: usize) -> Listing {
    let ids = runs.newest();
    let mut listing = Listing::new(ids.len().saturating_sub(limit));
    for id in ids.iter().take(limit) {
        match runs.record(id) {
            Ok(record) => listing.runs.push(record),
            // It is about to become a run, or gc has just removed it.
            Err(_) if !runs.is_run(id) && (runs.is_alive(id) || runs.is_gone(id)) => {}
            Err(error) => listing.broken.push(Broken { run_id: id.clone(), error: format!("{error:#}") }),
        }
    }
    listing
}

//! `pikaci gc`: what isn't needed any more goes.

use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::SignedDuration;

use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::interrupted::report_interrupted;
use crate::cli::output::eprint_line;
use crate::cli::output::{print, print_json};
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::runs::clock;
use crate::config;
use crate::record::retention::{Kept, Policy};
use crate::report::{self, Collected, count};
use crate::state::gc::{self, GcRequest, Turn};
use crate::state::{self, OpenError, StateLayout, TemporaryFolder};

#[derive(Debug, Args)]
pub struct Options {
    /// Keep this many of the newest runs that have ended [default: 50, and all of the last 7 days]
    #[arg(long, value_name = "N", env = "PIKACI_KEEP_RUNS")]
    keep_runs: Option<usize>,
    /// Remove only runs that ended longer ago than this, `7d` or `12h` for instance; those that --keep-runs keeps stay
    #[arg(long, value_name = "D", env = "PIKACI_OLDER_THAN", value_parser = duration)]
    older_than: Option<SignedDuration>,
    /// Say what would go, and change nothing
    #[arg(long, env = "PIKACI_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,
    /// How to print what went
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let root = Project::find_state(project_args)?;
    let collected = match state::existing(root.root())? {
        Some(state) => collect(&state, project_args, options)?,
        None => Collected::new(options.dry_run, Kept::default()),
    };
    match options.format {
        Format::Json => print_json(&collected)?,
        Format::Human => print(&report::collected(&collected, root.root()))?,
    }
    if collected.failed.is_empty() {
        return Ok(Exit::Passed);
    }
    for failed in &collected.failed {
        eprint_line(&format_args!("{} stays: {}", failed.path.display(), failed.error));
    }
    let error = anyhow!("{} couldn't be removed", count(collected.failed.len(), "thing"));
    Err(Failure::new(Exit::Internal, error).hint("pikaci gc, once that is mended: it tries again"))
}

fn collect(state: &StateLayout, project_args: &ProjectArgs, options: &Options) -> Result<Collected, Failure> {
    let project = Project::find(project_args).ok();
    let tree = project.as_ref().map(|project| project.root.as_path());
    let policy = Policy::new(options.keep_runs, options.older_than);
    if options.dry_run {
        return Ok(gc::preview(state, GcRequest { policy, tree, now: clock().now })?);
    }
    state::open(state.root()).map_err(|error| unwritable(error, state.root()))?;
    let turn = if let Some(turn) = Turn::try_take(state)? {
        turn
    } else {
        eprint_line(&"waiting for another pikaci gc");
        Turn::wait(state)?
    };
    report_interrupted(state)?;
    TemporaryFolder::sweep();
    Ok(gc::collect(state, &turn, GcRequest { policy, tree, now: clock().now })?)
}

fn unwritable(error: OpenError, root: &Path) -> Failure {
    let is_unwritable = matches!(error, OpenError::Unwritable { .. });
    let failure = Failure::from(error);
    if is_unwritable {
        failure.hint(format!("be the user that {} belongs to; what would go: pikaci gc --dry-run", root.display()))
    } else {
        failure
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let seconds = config::seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
    seconds.map(SignedDuration::from_secs).ok_or_else(|| "write it like 7d, 12h or 90m".to_owned())
}

//! `pikaci gc`: removes old runs, and the files that no other run needs.

use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::SignedDuration;

use crate::cli::cache_args::CacheArgs;
use crate::cli::clock::clock;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::output::{eprint_line, print, print_json};
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::cli::report_interrupted::report_interrupted;
use crate::config;
use crate::record::GcResult;
use crate::record::retention::{Kept, RetentionPolicy};
use crate::report;
use crate::state::gc::{self, GcLock, GcRequest};
use crate::state::{self, OpenError, RunStore, StateLayout, TemporaryFolder};
use crate::text::count;

#[derive(Debug, Args)]
pub struct Options {
    /// Keep this many of the newest finished runs [default: 50, and all runs of the last 7 days]
    #[arg(long, value_name = "N", env = "PIKACI_KEEP_RUNS")]
    keep_runs: Option<usize>,
    /// Remove only runs that ended longer ago than this: `7d`, `12h`; --keep-runs still applies
    #[arg(long, value_name = "D", env = "PIKACI_OLDER_THAN", value_parser = parse_duration)]
    older_than: Option<SignedDuration>,
    #[command(flatten)]
    caches: CacheArgs,
    /// Print the files that would be removed, and remove nothing
    #[arg(long, env = "PIKACI_DRY_RUN", value_parser = FalseyValueParser::new())]
    dry_run: bool,
    /// Format of the list of removed files
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let root = Project::locate_state(project_args)?;
    let collected = match state::open_existing(root.root())? {
        Some(state) => collect(&state, project_args, options)?,
        None => GcResult::new(options.dry_run, Kept::default()),
    };
    match options.format {
        Format::Json => print_json(&collected)?,
        Format::Human => print(&report::gc(&collected, |id| root.run(id).root().to_path_buf()))?,
    }
    if collected.failed.is_empty() {
        return Ok(Exit::Passed);
    }
    for failed in &collected.failed {
        eprint_line(&format_args!("{} stays: {}", failed.path.display(), failed.error));
    }
    let error = anyhow!("{} couldn't be removed", count(collected.failed.len(), "item"));
    Err(Failure::new(Exit::Internal, error).hint("fix the error, then: pikaci gc"))
}

fn collect(state: &StateLayout, project_args: &ProjectArgs, options: &Options) -> Result<GcResult, Failure> {
    let project = Project::locate(project_args).ok();
    let tree = project.as_ref().map(|project| project.root.as_path());
    let policy = RetentionPolicy::new(options.keep_runs, options.older_than);
    let cache_limits = options.caches.limits();
    if options.dry_run {
        return Ok(gc::preview(state, GcRequest { policy, tree, cache_limits, now: clock().now })?);
    }
    state::open(state.root()).map_err(|error| open_failure(error, state.root()))?;
    let lock = if let Some(lock) = GcLock::try_take(state)? {
        lock
    } else {
        eprint_line(&"waiting for another pikaci gc");
        GcLock::wait(state)?
    };
    report_interrupted(&RunStore::new(state.clone()))?;
    TemporaryFolder::sweep();
    Ok(gc::collect(state, &lock, GcRequest { policy, tree, cache_limits, now: clock().now })?)
}

fn open_failure(error: OpenError, root: &Path) -> Failure {
    let is_unwritable = matches!(error, OpenError::Unwritable { .. });
    let failure = Failure::from(error);
    if is_unwritable {
        failure.hint(format!(
            "run it as the user who owns {}; to list the files that it would remove: pikaci gc --dry-run",
            root.display()
        ))
    } else {
        failure
    }
}

fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let seconds = config::parse_seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
    seconds.map(SignedDuration::from_secs).ok_or_else(|| "write it like 7d, 12h or 90m".to_owned())
}

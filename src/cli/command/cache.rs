//! `pikaci cache`: lists and removes the content of caches.

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::cache_args::CacheArgs;
use crate::cli::clock::clock;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::output::{print, print_json};
use crate::cli::project::Project;
use crate::cli::project_args::ProjectArgs;
use crate::report::{self, CacheContent};
use crate::state::caches::{StoredGeneration, evict_generations, remove_generation, stored_generations};
use crate::state::{self, StateLayout};

/// Version of the JSON of the list.
const SCHEMA_VERSION: u32 = 1;

#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    action: Action,
    /// Format of the list
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT", global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the content of all caches
    List,
    /// Remove the content of caches
    Rm {
        /// The caches, by their names in the job file
        #[arg(required = true, value_name = "CACHE")]
        names: Vec<String>,
    },
    /// Remove the oldest content until all caches are within the limits
    Prune(CacheArgs),
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let root = Project::locate_state(project_args)?;
    let Some(state) = state::open_existing(root.root())? else {
        show(options.format, "caches", &[])?;
        return Ok(Exit::Passed);
    };
    match &options.action {
        Action::List => show(options.format, "caches", &sized(stored_generations(&state)?))?,
        Action::Rm { names } => return remove(&state, names, options.format),
        Action::Prune(limits) => {
            state::open(state.root())?;
            show(options.format, "removed", &evict_generations(&state, limits.limits())?)?;
        }
    }
    Ok(Exit::Passed)
}

fn remove(state: &StateLayout, names: &[String], format: Format) -> Result<Exit, Failure> {
    state::open(state.root())?;
    let all = stored_generations(state)?;
    let existing: BTreeSet<&str> = all.iter().map(|generation| generation.record.cache.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !existing.contains(name.as_str())) {
        let error = anyhow!("there is no content of a cache {name:?}");
        return Err(Failure::new(Exit::NothingSelected, error).hint("pikaci cache list"));
    }
    let selected = all.into_iter().filter(|generation| names.contains(&generation.record.cache));
    let (mut removed, mut used) = (Vec::new(), 0);
    for (generation, bytes) in sized(selected.collect()) {
        if remove_generation(&generation.folder)? {
            removed.push((generation, bytes));
        } else {
            used += 1;
        }
    }
    show(format, "removed", &removed)?;
    if used == 0 {
        return Ok(Exit::Passed);
    }
    let error = anyhow!("a running job uses the content of a cache");
    Err(Failure::new(Exit::Internal, error).hint("repeat it after the job: pikaci list"))
}

fn sized(generations: Vec<StoredGeneration>) -> Vec<(StoredGeneration, u64)> {
    let sizes: Vec<u64> = generations.iter().map(StoredGeneration::bytes).collect();
    generations.into_iter().zip(sizes).collect()
}

fn show(format: Format, list: &str, generations: &[(StoredGeneration, u64)]) -> Result<(), Failure> {
    let content = |(generation, bytes): &(StoredGeneration, u64)| CacheContent {
        cache: generation.record.cache.clone(),
        scope: generation.record.scope.clone(),
        generation: generation.number,
        key: generation.record.key.clone(),
        bytes: *bytes,
        layers: generation.record.layers,
        run_id: generation.record.run_id.clone(),
        job: generation.record.job.clone(),
        created_at: generation.record.created_at,
        used_at: generation.used_at,
    };
    let contents: Vec<CacheContent> = generations.iter().map(content).collect();
    match format {
        Format::Json => print_json(&json!({ "schema_version": SCHEMA_VERSION, list: contents })),
        Format::Human => print(&report::caches(list, &contents, clock().now)),
    }
}

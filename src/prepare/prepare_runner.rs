//! The preparation of a runner: from a rendered flake to a GC root.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::failure_hint::failure_hint;
use super::flake_folder::{digest_folder, write_flake};
use super::flake_inputs::FlakeInputs;
use super::prepare_error::PrepareError;
use super::runner::Runner;
use crate::cancel::{Cancel, Urgency};
use crate::failpoint::Point;
use crate::flake::RenderedFlake;
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::nix::{BuildOutcome, BuildRequest, Nix};
use crate::state::{FileLock, StateLayout};
use crate::tools;

/// Limit on the log of a failed build that is read for a hint, in bytes.
const LOG_LIMIT: u64 = 128 << 20;
/// Interval at which a lock that another process holds is tried again: a blocking wait couldn't be cancelled.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The outcome of a Prepare node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareOutcome {
    /// The runner was built before; no Nix process was started.
    Cached(Runner),
    /// The runner was built.
    Built(Runner),
    /// Nix failed to build the runner. The log has the cause; the text is a hint, if pikaci has one.
    Failed(Option<String>),
    /// The build reached its timeout.
    TimedOut,
    /// The run was cancelled.
    Cancelled,
}

/// Returns the runner of a flake, and builds it if it isn't cached. Writes `rendered` if the flake's folder is missing or
/// damaged.
///
/// # Errors
/// When the state folder can't be written, or Nix is missing or too old.
pub fn prepare_runner(
    layout: &StateLayout,
    nix: &Nix,
    digest: &Digest,
    rendered: Option<&RenderedFlake>,
    log: &Beneath,
    timeout: Duration,
    cancel: &Cancel,
) -> Result<PrepareOutcome, PrepareError> {
    let link = layout.runner(nix.store().id(), digest);
    if let Some(runner) = cached_runner(nix, &link) {
        return Ok(PrepareOutcome::Cached(runner));
    }
    // One build per flake, even if several processes need it.
    let Some(_lock) = wait_for_lock(&layout.flake_lock(digest), cancel)? else {
        return Ok(PrepareOutcome::Cancelled);
    };
    if let Some(runner) = cached_runner(nix, &link) {
        return Ok(PrepareOutcome::Cached(runner));
    }
    if let Some(finding) = tools::outdated_nix(nix.program(), nix.query_version()?) {
        return Err(PrepareError::Nix(finding));
    }
    let folder = layout.flake(digest);
    if digest_folder(&folder).ok().as_ref() != Some(digest) {
        let rendered = rendered.ok_or_else(|| anyhow!("the rendered flake {} is missing", folder.display()))?;
        write_flake(layout, rendered, digest)?;
    }
    let inputs = FlakeInputs::read(&folder)?;
    if let Some((node, input)) = inputs.local.iter().next().filter(|_| !nix.allows_local_inputs()) {
        // The plan refuses local inputs too, but the options of a recorded plan may have allowed them.
        return Err(PrepareError::LocalInput { node: node.clone(), reference: input.reference.clone() });
    }
    if let Some(parent) = link.parent() {
        parent.make_folders().with_context(|| format!("making {}", parent.display()))?;
    }
    let cache = layout.nix_cache();
    cache.make_folders().with_context(|| format!("making {}", cache.display()))?;
    let local: Vec<PathBuf> = inputs.local.into_values().filter_map(|input| input.path).collect();
    let request = BuildRequest {
        folder: &folder,
        output: "runner",
        inputs: &local,
        uses_ssh: inputs.uses_ssh,
        link: &link,
        cache: &cache,
        log,
        timeout,
    };
    match nix.build(request, cancel)? {
        BuildOutcome::Succeeded => Ok(PrepareOutcome::Built(built_runner(nix, &link)?)),
        BuildOutcome::Failed => {
            let output = log.read(LOG_LIMIT).unwrap_or_default();
            let output = String::from_utf8_lossy(&output);
            match tools::nix_unconfined(&output).or_else(|| tools::store_denied(&output)) {
                Some(finding) => Err(PrepareError::Nix(finding)),
                None => Ok(PrepareOutcome::Failed(failure_hint(&output))),
            }
        }
        BuildOutcome::TimedOut => Ok(PrepareOutcome::TimedOut),
        BuildOutcome::Cancelled => Ok(PrepareOutcome::Cancelled),
    }
}

/// Waits for a lock; returns `None` when the run is cancelled.
fn wait_for_lock(path: &Beneath, cancel: &Cancel) -> Result<Option<FileLock>> {
    while cancel.urgency() == Urgency::None {
        if let Some(lock) = FileLock::try_exclusive(Point::FlakeLock, path)? {
            return Ok(Some(lock));
        }
        cancel.wait(Urgency::Polite, LOCK_POLL);
    }
    Ok(None)
}

/// Returns the runner that a GC root holds, if the store has the root and every file of the runner is complete.
fn cached_runner(nix: &Nix, link: &Path) -> Option<Runner> {
    let path = nix.store().root_target(link)?;
    Runner::load(&path).filter(|_| nix.store().has_gc_root(link))
}

/// Returns the runner that Nix has just built.
///
/// # Errors
/// When the runner is in another store or damaged.
fn built_runner(nix: &Nix, link: &Path) -> Result<Runner, PrepareError> {
    let store = nix.store();
    let path = store.root_target(link).with_context(|| format!("reading {}", link.display()))?;
    if !store.has_gc_root(link) {
        // This store may have the same path, but without a GC root.
        return Err(PrepareError::Elsewhere { path });
    }
    let repair = store.repair_command(&path);
    Runner::load(&path).ok_or(PrepareError::Damaged { path, repair })
}

//! What nobody needs any more goes from the state folder, while other pikacis use it.
//!
//! Three things keep what is in use. A run that is running holds its own lock: it stays, with all that its plan names.
//! A run that is about to begin has no plan yet, and may already have found a snapshot, a flake or a runner that it
//! won't make: it holds a share of `locks/gc`, the [`Claim`], until its plan and its record are there. And whoever
//! writes a flake holds that flake's lock.
//!
//! So what goes is chosen while nobody has a claim, and only moved away then, into a folder beside everything: at any
//! moment a thing is there whole under its name, or not at all. Removing it takes its time afterwards, and holds nobody
//! up. Of two that collect at a time one waits for the other's [`Turn`].

mod meter;
mod stored;
mod survey;
mod trash;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{FileLock, StateLayout, is_locked};
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::record::retention::{self, Kept, Policy, Standing};
use crate::report::{Broken, Collected, Kind, Removed};
use meter::Meter;
use survey::Seen;
use trash::Trash;

/// How long it is waited for runs that are about to begin.
const PATIENCE: Duration = Duration::from_secs(60);

/// Held by a run from before it looks for what it can use until its plan and its record say what that is.
#[derive(Debug)]
pub struct Claim {
    _share: FileLock,
}

impl Claim {
    /// Waits until nothing is being chosen to go, which is short.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn take(state: &StateLayout) -> Result<Self> {
        Ok(Self { _share: FileLock::shared(Point::Claim, &claims(state))? })
    }
}

/// Held by who collects.
#[derive(Debug)]
pub struct Turn {
    _lock: FileLock,
}

impl Turn {
    /// Takes it, or returns `None` when somebody else collects.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn try_take(state: &StateLayout) -> Result<Option<Self>> {
        Ok(FileLock::try_exclusive(Point::Turn, &turns(state))?.map(|lock| Self { _lock: lock }))
    }

    /// Waits for it.
    ///
    /// # Errors
    /// When the state folder can't be written.
    pub fn wait(state: &StateLayout) -> Result<Self> {
        Ok(Self { _lock: FileLock::exclusive(Point::Turn, &turns(state))? })
    }
}

/// What is to go.
#[derive(Clone, Copy, Debug)]
pub struct GcRequest<'a> {
    /// The runs that stay.
    pub policy: Policy,
    /// The tree of the project, whose index stays.
    pub tree: Option<&'a Path>,
    /// Now.
    pub now: Timestamp,
}

/// Something that is to go.
#[derive(Clone, Debug)]
struct Item {
    kind: Kind,
    /// Its own path, and those of what belongs to it.
    paths: Vec<Beneath>,
    hold: Hold,
}

/// What has to be held while something is moved away; what somebody else holds stays.
#[derive(Clone, Debug)]
enum Hold {
    Nothing,
    /// A lock, if there is one.
    Existing(Beneath),
    /// A lock that others make when they need it.
    Lock(Beneath),
    /// All of the folder that it lies in.
    Folder(Beneath),
}

impl Item {
    fn leftover(path: Beneath) -> Self {
        Self { kind: Kind::Leftover, paths: vec![path], hold: Hold::Nothing }
    }

    /// Returns its path as reports have it.
    fn name(&self) -> PathBuf {
        self.paths[0].inner().to_owned()
    }
}

/// What was chosen.
struct Choice {
    items: Vec<Item>,
    kept: Kept,
    broken: Vec<Broken>,
}

/// Removes what isn't needed, and returns what that was. What can't be removed is in what is returned; the rest goes.
///
/// # Errors
/// When the state folder can't be read or locked, or runs begin all the time.
pub fn collect(state: &StateLayout, _turn: &Turn, wanted: GcRequest<'_>) -> Result<Collected> {
    // An ended run changes no more: what is read before nobody has to wait for.
    let early = survey::runs(state, &[], wanted.now)?;
    let leftovers = survey::left_by_runs(state, &early);
    let (mut trash, choice) = {
        let alone = FileLock::exclusive_within(Point::Choice, &claims(state), PATIENCE)?;
        let _alone = alone.context("runs have been about to begin for a minute, and gc waits until none is")?;
        let choice = choose(state, wanted, &early, &leftovers)?;
        let mut trash = Trash::new(state);
        for item in &choice.items {
            trash.take(item);
        }
        (trash, choice)
    };
    let (removed, failed) = trash.empty();
    let mut collected = Collected::new(false, choice.kept);
    (collected.removed, collected.failed, collected.broken) = (removed, failed, choice.broken);
    Ok(collected)
}

/// Returns what [`collect`] would remove, and changes nothing.
///
/// # Errors
/// When the state folder can't be read.
pub fn preview(state: &StateLayout, wanted: GcRequest<'_>) -> Result<Collected> {
    let seen = survey::runs(state, &[], wanted.now)?;
    let leftovers = survey::left_by_runs(state, &seen);
    let Choice { items, kept, broken } = choose(state, wanted, &seen, &leftovers)?;
    let mut meter = Meter::default();
    let is_held = |item: &Item| match &item.hold {
        Hold::Nothing => Ok(false),
        Hold::Existing(lock) | Hold::Lock(lock) => is_locked(lock),
        Hold::Folder(folder) => Ok(FileLock::try_folder(Point::Hold, folder)?.is_none()),
    };
    let mut collected = Collected::new(true, kept);
    collected.broken = broken;
    for item in &items {
        if !is_held(item)? {
            collected.removed.push(Removed { kind: item.kind, path: item.name(), bytes: meter.add(&item.paths) });
        }
    }
    Ok(collected)
}

fn choose(state: &StateLayout, wanted: GcRequest<'_>, early: &[Seen], leftovers: &[Beneath]) -> Result<Choice> {
    let runs = survey::runs(state, early, wanted.now)?;
    let summaries: Vec<_> = runs.iter().map(|seen| seen.summary.clone()).collect();
    let stored = stored::look(state)?;
    let removal = retention::choose(&summaries, &stored.digests(), wanted.policy, wanted.now);
    let going = removal.runs.iter().map(|id| state.run(id));
    let mut items: Vec<Item> = going
        .map(|run| {
            let lock = Hold::Existing(run.lock());
            Item { kind: Kind::Run, paths: vec![run.root().to_owned()], hold: lock }
        })
        .collect();
    items.extend(stored.without(state, &removal.digests));
    let is_going =
        |path: &&Beneath| items.iter().any(|item| item.kind == Kind::Run && path.starts_with(&item.paths[0]));
    let of_runs: Vec<Item> = leftovers.iter().filter(|path| !is_going(path)).cloned().map(Item::leftover).collect();
    items.extend(of_runs);
    items.extend(survey::unbegun(state)?);
    items.extend(stored.leftovers(state, &removal.digests, &trees(&runs, wanted.tree))?);
    let broken = summaries.into_iter().filter_map(|run| match run.standing {
        Standing::Broken { error } => Some(Broken { run_id: run.id, error }),
        _ => None,
    });
    Ok(Choice { items, kept: removal.kept, broken: broken.collect() })
}

/// Returns the source trees that somebody may run in again.
fn trees<'a>(runs: &'a [Seen], tree: Option<&'a Path>) -> Vec<&'a Path> {
    let of_runs = runs.iter().filter_map(|seen| seen.source_root.as_deref().map(Path::new));
    of_runs.chain(tree).collect()
}

fn claims(state: &StateLayout) -> Beneath {
    state.lock("gc")
}

fn turns(state: &StateLayout) -> Beneath {
    state.lock("gc-turn")
}

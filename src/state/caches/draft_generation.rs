//! A generation before it has its name.

#![expect(clippy::disallowed_methods, reason = "moves and links files")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use tempfile::TempDir;

use super::cache_folder::CacheFolder;
use super::evict::remove_generation;
use super::generation::{
    GENERATION_VERSION, Generation, RECORD, StoredGeneration, content_in, generations_in, layer_in,
};
use crate::failpoint::{Moment, Point, reach};
use crate::foreign::Beneath;
use crate::id::{JobId, RunId};
use crate::plan::PlannedCache;
use crate::state::file_lock::FileLock;
use crate::state::state_layout::StateLayout;
use crate::state::sync::{sync_file, sync_folder};
use crate::state::sync_tree::sync_tree;
use crate::state::temporary_name::TEMPORARY_PREFIX;

/// Mode of a layer, which no generation changes.
const READ_ONLY: u32 = 0o400;

/// A generation that is being made. Its folder is removed on drop, unless it is committed.
#[derive(Debug)]
pub struct DraftGeneration {
    of: CacheFolder,
    folder: TempDir,
    record: Generation,
    _share: FileLock,
}

impl DraftGeneration {
    /// Makes an empty generation of a cache.
    ///
    /// # Errors
    /// When its folder can't be made.
    pub fn make(state: &StateLayout, cache: &PlannedCache, run_id: &RunId, job: &JobId) -> Result<Self> {
        let of = CacheFolder::of(state, cache);
        of.folder.make_folders().with_context(|| format!("making {}", of.folder.display()))?;
        // The share keeps a garbage collection from removing the folder.
        let share = FileLock::share_folder(&of.folder)?;
        let folder = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(&of.folder)
            .with_context(|| format!("making a folder in {}", of.folder.display()))?;
        let record = Generation {
            schema_version: GENERATION_VERSION,
            cache: cache.name.clone(),
            scope: cache.scope.clone(),
            key: cache.key.clone(),
            run_id: run_id.clone(),
            job: job.clone(),
            created_at: Timestamp::now(),
            bytes: 0,
            layers: 0,
        };
        Ok(Self { of, folder, record, _share: share })
    }

    fn path(&self) -> Beneath {
        Beneath::new(self.folder.path())
    }

    /// Returns the folder for a copied content, which doesn't exist yet.
    #[must_use]
    pub fn content(&self) -> Beneath {
        content_in(&self.path())
    }

    /// Sets the size of the copied content, in bytes.
    pub fn set_bytes(&mut self, bytes: u64) {
        self.record.bytes = bytes;
    }

    /// Moves a disk into the generation as the layer above those of an earlier generation.
    ///
    /// # Errors
    /// When the file system has no hard links, or a file can't be moved.
    pub fn add_layers(&mut self, disk: &Path, below: &[Beneath]) -> Result<()> {
        let newest = layer_in(&self.path(), 0);
        fs::rename(disk, &newest).with_context(|| format!("moving {}", disk.display()))?;
        fs::set_permissions(&newest, Permissions::from_mode(READ_ONLY))
            .with_context(|| format!("changing the mode of {}", newest.display()))?;
        for (layer, lower) in (1..).zip(below) {
            let link = layer_in(&self.path(), layer);
            fs::hard_link(lower, &link).with_context(|| format!("linking {}", lower.display()))?;
        }
        self.record.layers = 1 + below.len();
        Ok(())
    }

    /// Gives the generation its number, durably, and removes earlier ones for the same key that no job uses.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn commit(self) -> Result<StoredGeneration> {
        let Self { of, folder, record, _share } = self;
        let draft = Beneath::new(folder.path());
        let _lock = FileLock::exclusive(Point::CacheLock, &of.lock)?;
        reach(Point::Generation, Moment::Before)?;
        let text = serde_json::to_vec_pretty(&record).context("encoding a generation")?;
        fs::write(draft.join(RECORD), text).with_context(|| format!("writing {}", draft.join(RECORD).display()))?;
        if record.layers == 0 {
            sync_tree(&draft)?;
        } else {
            // The earlier layers are synced already.
            sync_file(&layer_in(&draft, 0))?;
            sync_file(&draft.join(RECORD))?;
            sync_folder(&draft)?;
        }
        reach(Point::Generation, Moment::Synced)?;
        let earlier = generations_in(&of.folder)?;
        let number = earlier.last().map_or(1, |newest| newest.number + 1);
        let target = of.folder.join(format!("{number:08}"));
        fs::rename(&draft, &target).with_context(|| format!("making {}", target.display()))?;
        // The folder has another name now.
        let _moved = folder.keep();
        reach(Point::Generation, Moment::Renamed)?;
        sync_folder(&of.folder)?;
        reach(Point::Generation, Moment::After)?;
        for generation in earlier.iter().filter(|earlier| earlier.record.key == record.key) {
            remove_generation(&generation.folder)?;
        }
        StoredGeneration::read(target).context("the generation is gone already")
    }
}

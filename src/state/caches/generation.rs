//! A generation of a cache, and the list of all.

#![expect(clippy::disallowed_methods, reason = "inspects files")]

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::foreign::Beneath;
use crate::id::{Digest, JobId, RunId};
use crate::state::read_json::read_json;
use crate::state::state_layout::StateLayout;

/// Name of the record of a generation.
pub(super) const RECORD: &str = "generation.json";
/// Name of the folder with the content of a cache without a guest.
const CONTENT: &str = "content";
/// Beginning of the names of layers.
const LAYER: &str = "layer-";

/// The record of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The version of this format.
    pub schema_version: u32,
    /// Name of the cache.
    pub cache: String,
    /// Scope of the cache.
    pub scope: String,
    /// Digests of the files for which the generation was made, by the globs that match the files.
    pub key: BTreeMap<String, Digest>,
    /// The run that made it.
    pub run_id: RunId,
    /// The job that made it.
    pub job: JobId,
    /// Time at which it was made.
    pub created_at: Timestamp,
    /// Size of the copied content, in bytes; 0 for layers.
    pub bytes: u64,
    /// Number of layers; 0 for a copied content.
    pub layers: usize,
}

/// The version of [`Generation`].
pub(super) const GENERATION_VERSION: u32 = 1;

/// A generation with its place.
#[derive(Clone, Debug)]
pub struct StoredGeneration {
    /// Number of the generation in its cache.
    pub number: u32,
    /// Folder of the generation.
    pub folder: Beneath,
    /// Its record.
    pub record: Generation,
    /// Time of the last use.
    pub used_at: Timestamp,
}

impl StoredGeneration {
    /// Reads a generation. Returns `None` for a folder that is no whole generation.
    pub(super) fn read(folder: Beneath) -> Option<Self> {
        let number = folder.file_name()?.to_str()?.parse().ok()?;
        let record: Generation = read_json(&folder.join(RECORD)).ok()?;
        let modified = fs::symlink_metadata(folder.join(RECORD)).and_then(|meta| meta.modified()).ok()?;
        let used_at = Timestamp::try_from(modified).ok()?;
        (record.schema_version == GENERATION_VERSION).then_some(Self { number, folder, record, used_at })
    }

    /// Returns the folder with the content of a cache without a guest.
    #[must_use]
    pub fn content(&self) -> Beneath {
        content_in(&self.folder)
    }

    /// Returns the layers, the newest one first.
    #[must_use]
    pub fn layers(&self) -> Vec<Beneath> {
        (0..self.record.layers).map(|layer| layer_in(&self.folder, layer)).collect()
    }

    /// Returns the sizes of its files on the disk in bytes, by an identity that no other file has.
    pub(super) fn sizes(&self) -> Vec<((u64, u64), u64)> {
        let size = |meta: fs::Metadata| ((meta.dev(), meta.ino()), meta.blocks() * 512);
        let content = fs::symlink_metadata(&self.folder).map(|meta| (size(meta).0, self.record.bytes));
        let layers = self.layers().into_iter().map(|layer| fs::symlink_metadata(layer).map(size));
        content.into_iter().chain(layers.flatten()).collect()
    }

    /// Returns its size on the disk, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sizes().into_iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Returns the content's folder in the folder of a generation.
pub(super) fn content_in(folder: &Beneath) -> Beneath {
    folder.join(CONTENT)
}

/// Returns a layer in the folder of a generation; 0 is the newest.
pub(super) fn layer_in(folder: &Beneath, layer: usize) -> Beneath {
    folder.join(format!("{LAYER}{layer}"))
}

/// Returns the generations in the folder of a cache and a scope, the oldest one first.
pub(super) fn generations_in(folder: &Beneath) -> Result<Vec<StoredGeneration>> {
    let names = names(folder)?;
    let mut generations: Vec<_> =
        names.into_iter().filter_map(|name| StoredGeneration::read(folder.join(name))).collect();
    generations.sort_by_key(|generation| generation.number);
    Ok(generations)
}

/// Returns the folders of all caches and scopes.
///
/// # Errors
/// When a folder can't be read.
pub fn cache_folders(state: &StateLayout) -> Result<Vec<Beneath>> {
    let mut folders = Vec::new();
    for cache in names(&state.caches())? {
        let cache = state.caches().join(cache);
        folders.extend(names(&cache)?.into_iter().map(|scope| cache.join(scope)));
    }
    Ok(folders)
}

/// Returns the generations of all caches.
///
/// # Errors
/// When a folder can't be read.
pub fn stored_generations(state: &StateLayout) -> Result<Vec<StoredGeneration>> {
    let folders = cache_folders(state)?;
    let generations: Result<Vec<_>> = folders.iter().map(generations_in).collect();
    Ok(generations?.into_iter().flatten().collect())
}

/// Returns the names of the subfolders of a folder, or none if the folder is missing.
fn names(folder: &Beneath) -> Result<Vec<std::ffi::OsString>> {
    match folder.entries() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
        entries => {
            let entries = entries.with_context(|| format!("reading {}", folder.display()))?;
            Ok(entries.into_iter().filter(|entry| entry.is_folder).map(|entry| entry.name).collect())
        }
    }
}

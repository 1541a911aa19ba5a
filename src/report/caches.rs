//! The content of caches as text.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::Page;
use super::duration::duration;
use crate::id::{Digest, JobId, RunId};
use crate::text::size;

/// A generation of a cache.
#[derive(Clone, Debug, Serialize)]
pub struct CacheContent {
    /// Name of the cache.
    pub cache: String,
    /// Guest, base and system of the jobs that use it.
    pub scope: String,
    /// Number of the generation.
    pub generation: u32,
    /// Digests of the files for which it was made, by their globs.
    pub key: BTreeMap<String, Digest>,
    /// Size on the disk, in bytes.
    pub bytes: u64,
    /// Number of layers; 0 for a job without a guest.
    pub layers: usize,
    /// The run that made it.
    pub run_id: RunId,
    /// The job that made it.
    pub job: JobId,
    /// Time at which it was made.
    pub created_at: Timestamp,
    /// Time of the last use.
    pub used_at: Timestamp,
}

/// Renders the content of caches, a line for each generation; `list` is "caches" or "removed".
#[must_use]
pub fn caches(list: &str, contents: &[CacheContent], now: Timestamp) -> Page {
    let mut page = Page::default();
    let width = |text: fn(&CacheContent) -> &str| {
        contents.iter().map(|content| text(content).chars().count()).max().unwrap_or(0)
    };
    let (names, scopes) = (width(|content| &content.cache), width(|content| &content.scope));
    for CacheContent { cache, scope, generation, key, bytes, job, run_id, used_at, .. } in contents {
        let key: Vec<&str> = key.values().map(Digest::short).collect();
        let key = if key.is_empty() { String::new() } else { format!("  key {}", key.join(",")) };
        let (bytes, used) = (size(*bytes), duration(*used_at, now));
        let line = format!(
            "{cache:names$}  {scope:scopes$}  {generation}  {bytes:>9}  used {used} ago  by {job} of run {run_id}{key}"
        );
        page.line(line);
    }
    let total = size(contents.iter().map(|content| content.bytes).sum());
    match (list, contents.is_empty()) {
        ("removed", true) => page.line("nothing to remove"),
        ("removed", false) => page.line(format!("removed {total}")),
        (_, true) => page.line("no cache has content"),
        (_, false) => page.line(format!("{total} in all caches")),
    }
    page
}

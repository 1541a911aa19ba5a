//! Caches of a job without a guest: private copies of folders.

#![expect(clippy::disallowed_methods, reason = "creates and removes folders")]

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::cache_host::{CacheHost, JobCache, Left, cache_use, dropped, refusal};
use super::tree_state::TreeState;
use crate::event::{CacheEnd, CacheUse, Outcome};
use crate::execute::private_copy::make_private_copy;
use crate::failpoint::{Point, run_step};
use crate::foreign::Beneath;
use crate::plan::PlannedCache;
use crate::plan::record::PlannedJob;
use crate::state::caches::OpenedCache;
use crate::state::remove_tree;

/// The caches of an attempt without a guest.
pub struct LocalCaches<'a> {
    caches: Vec<LocalCache<'a>>,
}

struct LocalCache<'a> {
    of: JobCache<'a>,
    /// The folder of the job.
    folder: Beneath,
    /// Its state before the job.
    before: TreeState,
}

impl<'a> LocalCaches<'a> {
    /// Copies the content of all caches of a job into its workspace.
    ///
    /// # Errors
    /// When a cache can't be read or copied, or the job has caches and the host none.
    pub fn open(host: Option<CacheHost<'a>>, job: &'a PlannedJob, workspace: &Path) -> Result<Self> {
        let open = |planned: &'a PlannedCache| {
            let cache = JobCache::open(host, &job.job, planned)?;
            let folder = Beneath::new(workspace).join(&planned.path);
            let copy = || copy_content(&cache.opened, &folder);
            run_step(Point::CacheCopy, copy).with_context(|| format!("copying the cache {}", planned.name))?;
            let before = TreeState::read(&folder)?;
            Ok(LocalCache { of: cache, folder, before })
        };
        let caches: Result<_> = job.caches.iter().map(open).collect();
        Ok(Self { caches: caches? })
    }

    /// Keeps the content that the job left, after an attempt with this outcome.
    pub fn finish(self, outcome: Outcome) -> Vec<CacheUse> {
        let finish = |cache: LocalCache<'_>| {
            let JobCache { planned, opened, .. } = &cache.of;
            let (start, reason) = (opened.start, opened.reason.clone());
            cache_use(planned, start, reason, cache.finish(outcome))
        };
        self.caches.into_iter().map(finish).collect()
    }
}

/// Makes the folder of a cache with a copy of the content, in place of the project's files.
fn copy_content(opened: &OpenedCache, folder: &Beneath) -> Result<()> {
    ensure!(!folder.relative().starts_with("~"), "a job of base `none` has your home itself");
    if let Some(parent) = folder.parent() {
        parent.make_folders().with_context(|| format!("making {}", parent.display()))?;
    }
    if folder.is_folder() {
        remove_tree(folder)?;
    } else if folder.is_there() {
        fs::remove_file(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    match &opened.generation {
        Some(generation) => make_private_copy(&generation.content(), folder, None),
        None => fs::create_dir(folder).with_context(|| format!("making {}", folder.display())),
    }
}

impl LocalCache<'_> {
    fn finish(self, outcome: Outcome) -> Result<Left> {
        if !self.folder.is_folder() {
            return Ok(dropped("it isn't a folder any more"));
        }
        let after = TreeState::read(&self.folder)?;
        if after == self.before {
            return Ok((CacheEnd::Unchanged, None));
        }
        if let Some(refused) = refusal(self.of.planned, outcome) {
            return Ok(refused);
        }
        if after.bytes > self.of.planned.size_mib << 20 {
            let (size, limit) = (after.bytes >> 20, self.of.planned.size_mib);
            return Ok(dropped(format!("it has {size} MiB, more than its `size` of {limit} MiB")));
        }
        let mut draft = self.of.draft()?;
        run_step(Point::CacheCopy, || make_private_copy(&self.folder, &draft.content(), None))?;
        draft.set_bytes(after.bytes);
        self.of.commit(draft)
    }
}

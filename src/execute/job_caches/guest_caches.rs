//! Caches of a job in a guest: disks. The host never reads a file system that a guest wrote: the guest stacks the disk
//! that it writes on the disks of earlier jobs.

#![expect(clippy::disallowed_methods, reason = "inspects disks")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::cache_host::{CacheHost, JobCache, Left, cache_use, dropped, refusal};
use super::guest_layers::needs_merge;
use crate::event::{CacheEnd, CacheUse, Outcome};
use crate::execute::ext4::{empty_ext4, ext4_size};
use crate::execute::observed::Observed;
use crate::execute::writable_disk::WritableDisk;
use crate::foreign::Beneath;
use crate::guest::CacheMount;
use crate::guest::contract::{CACHE_DISK, HOME_PATH, WORKSPACE_PATH};
use crate::plan::PlannedCache;
use crate::plan::record::PlannedJob;
use crate::quota::Quota;
use crate::state::caches::StoredGeneration;

/// The caches of an attempt in a guest.
pub struct GuestCaches<'a> {
    caches: Vec<GuestCache<'a>>,
}

struct GuestCache<'a> {
    of: JobCache<'a>,
    layers: Vec<Beneath>,
    merge: bool,
    /// Path of the disk that the guest writes, and the disk.
    own: Option<(PathBuf, WritableDisk)>,
}

impl<'a> GuestCaches<'a> {
    /// Opens the caches of a job.
    ///
    /// # Errors
    /// When a cache can't be read, or the job has caches and the host none.
    pub fn open(host: Option<CacheHost<'a>>, job: &'a PlannedJob) -> Result<Self> {
        let open = |planned: &'a PlannedCache| {
            let cache = JobCache::open(host, &job.job, planned)?;
            let layers = cache.opened.generation.as_ref().map(StoredGeneration::layers).unwrap_or_default();
            let size = |layer: &Beneath| fs::symlink_metadata(layer).map_or(0, |layer| layer.blocks() * 512);
            let sizes: Vec<u64> = layers.iter().map(size).collect();
            let merge = needs_merge(&sizes, planned.size_mib << 20);
            Ok(GuestCache { of: cache, layers, merge, own: None })
        };
        let caches: Result<_> = job.caches.iter().map(open).collect();
        Ok(Self { caches: caches? })
    }

    /// Returns the mounts of the request.
    pub fn mounts(&self) -> Vec<CacheMount> {
        let mount = |cache: &GuestCache| {
            let path = &cache.of.planned.path;
            let mount_point = match path.strip_prefix("~/") {
                Some(below) => format!("{HOME_PATH}/{below}"),
                None => format!("{WORKSPACE_PATH}/{path}"),
            };
            CacheMount { mount_point, layers: cache.layers.len(), merge: cache.merge }
        };
        self.caches.iter().map(mount).collect()
    }

    /// Returns whether the guest copies layers, which takes time.
    pub fn merges(&self) -> bool {
        self.caches.iter().any(|cache| cache.merge)
    }

    /// Makes the disks that the guest writes, in a folder.
    pub fn make_disks(&mut self, folder: &Path, quota: &Quota) -> Result<()> {
        for (number, cache) in self.caches.iter_mut().enumerate() {
            let (path, mib) = (folder.join(format!("cache-{number}")), cache.of.planned.size_mib);
            let disk = WritableDisk::make(&path, ext4_size(mib), empty_ext4(mib), quota)?;
            cache.own = Some((path, disk));
        }
        Ok(())
    }

    /// Returns the disks of the machine: serial, path, and whether the guest may only read it.
    pub fn disks(&self) -> Vec<(String, &Path, bool)> {
        let mut all = Vec::new();
        for (number, cache) in self.caches.iter().enumerate() {
            let own = cache.own.iter().map(|(path, _)| (path.as_path(), false));
            let layers = cache.layers.iter().map(|layer| (&**layer, true));
            let disks = own.chain(layers).enumerate();
            all.extend(
                disks.map(|(layer, (path, read_only))| (format!("{CACHE_DISK}{number}-{layer}"), path, read_only)),
            );
        }
        all
    }

    /// Returns the disks that the guest writes.
    pub fn writable(&self) -> impl Iterator<Item = &WritableDisk> {
        self.caches.iter().filter_map(|cache| cache.own.as_ref().map(|(_, disk)| disk))
    }

    /// Keeps the content that the job left, after an attempt with this outcome.
    pub fn finish(self, outcome: Outcome, observed: &Observed) -> Vec<CacheUse> {
        let finish = |(number, cache): (usize, GuestCache<'_>)| {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            let JobCache { planned, opened, .. } = &cache.of;
            let start = opened.start;
            let reason = if observed.dropped_caches.contains(&number) {
                Some("its generation can't be read, or is larger than the cache".to_owned())
            } else {
                opened.reason.clone()
            };
            cache_use(planned, start, reason, cache.finish(number, outcome, observed))
        };
        self.caches.into_iter().enumerate().map(finish).collect()
    }
}

impl GuestCache<'_> {
    fn finish(self, number: u8, outcome: Outcome, observed: &Observed) -> Result<Left> {
        if observed.same_caches.contains(&number) {
            return Ok((CacheEnd::Unchanged, None));
        }
        if let Some(refused) = refusal(self.of.planned, outcome) {
            return Ok(refused);
        }
        let Some((path, disk)) = self.own.filter(|_| observed.saved_caches.contains(&number)) else {
            return Ok(dropped("the guest didn't save it"));
        };
        drop(disk);
        let mut draft = self.of.draft()?;
        let is_alone = self.merge || observed.dropped_caches.contains(&number);
        draft.add_layers(&path, if is_alone { &[] } else { &self.layers })?;
        self.of.commit(draft)
    }
}

//! Keeps facts about the host's files between runs. A fact is valid while the stamp of its file stays the same.
#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::cached_file::CachedFile;
use super::file_stamp::FileStamp;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::state::write_json;

const SCHEMA_VERSION: u32 = 1;
/// The longest cache file that is read, in bytes.
const LIMIT: u64 = 16 << 20;
/// The age below which a file may change again without getting another stamp.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A cache of facts about the host's files: digests, kernel releases and load orders of modules.
#[derive(Debug, Default)]
pub struct HashCache {
    state: Mutex<CacheState>,
}

#[derive(Debug, Default)]
struct CacheState {
    files: BTreeMap<String, CachedFile>,
    /// True if the facts differ from those in the file of the cache.
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct CacheRecord {
    schema_version: u32,
    files: BTreeMap<String, CachedFile>,
}

impl HashCache {
    /// Loads the file that [`HashCache::save`] wrote. A missing or damaged file gives an empty cache. Facts that lead out of
    /// a folder are left out: the state folder may come with a project.
    #[must_use]
    pub fn load(path: &Beneath) -> Self {
        let record = path.read(LIMIT).ok().and_then(|bytes| serde_json::from_slice::<CacheRecord>(&bytes).ok());
        let record = record.filter(|record| record.schema_version == SCHEMA_VERSION);
        let mut files = record.map(|record| record.files).unwrap_or_default();
        files.retain(|_, file| file.is_plain());
        Self { state: Mutex::new(CacheState { files, changed: false }) }
    }

    /// Writes the cache if it changed since [`HashCache::load`], without the files that changed in the last two seconds.
    ///
    /// # Errors
    ///
    /// When the file can't be written. It then keeps its old content.
    pub fn save(&self, path: &Beneath) -> anyhow::Result<()> {
        let mut state = self.state();
        if !state.changed {
            return Ok(());
        }
        let settled =
            SystemTime::now().checked_sub(SETTLED_AFTER).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let settled = settled.map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        let files = state.files.iter().filter(|(_, file)| file.stamp.ctime_ns < settled);
        let files = files.map(|(path, file)| (path.clone(), file.clone())).collect();
        write_json(Point::HostCache, path, &CacheRecord { schema_version: SCHEMA_VERSION, files })?;
        state.changed = false;
        Ok(())
    }

    /// Returns a fact about a file, if the cache has one for the file's stamp.
    pub(super) fn get<T>(
        &self,
        path: &Path,
        stamp: FileStamp,
        fact: impl FnOnce(&CachedFile) -> Option<T>,
    ) -> Option<T> {
        self.state().files.get(path.to_str()?).filter(|file| file.stamp == stamp).and_then(fact)
    }

    /// Changes the facts about a file, after dropping those of another stamp.
    pub(super) fn update(&self, path: &Path, stamp: FileStamp, change: impl FnOnce(&mut CachedFile)) {
        let Some(path) = path.to_str() else { return };
        let mut state = self.state();
        state.changed = true;
        let file = state.files.entry(path.to_owned()).or_insert_with(|| CachedFile::new(stamp));
        if file.stamp != stamp {
            *file = CachedFile::new(stamp);
        }
        change(file);
    }

    fn state(&self) -> MutexGuard<'_, CacheState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FileStamp, HashCache, SCHEMA_VERSION};
    use crate::foreign::Beneath;

    #[test]
    fn a_file_with_another_stamp_has_no_facts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "one").unwrap();
        let cache = HashCache::default();
        let stamp = FileStamp::read(&file).unwrap();
        cache.update(&file, stamp, |cached| cached.static_for = Some("x86_64".to_owned()));
        assert!(cache.get(&file, stamp, |cached| cached.static_for.clone()).is_some());
        fs::write(&file, "three").unwrap();
        assert!(cache.get(&file, FileStamp::read(&file).unwrap(), |cached| cached.static_for.clone()).is_none());
    }

    #[test]
    fn saved_facts_are_loaded_except_those_of_files_that_just_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = Beneath::new(folder.path()).join("cache.json");
        let cache = HashCache::default();
        let old = FileStamp { dev: 1, inode: 2, size: 3, mtime_ns: 4, ctime_ns: 5 };
        let fresh = FileStamp { ctime_ns: i64::MAX, ..old };
        for (path, stamp) in [("/old", old), ("/fresh", fresh)] {
            cache.update(path.as_ref(), stamp, |cached| cached.static_for = Some("x86_64".to_owned()));
        }
        cache.save(&file).unwrap();
        let loaded = HashCache::load(&file);
        assert!(loaded.get("/old".as_ref(), old, |cached| cached.static_for.clone()).is_some());
        assert!(loaded.get("/fresh".as_ref(), fresh, |cached| cached.static_for.clone()).is_none());
        fs::remove_file(&file).unwrap();
        loaded.save(&file).unwrap();
        assert!(!file.exists(), "an unchanged cache is not written");
    }

    #[test]
    fn facts_that_lead_out_of_a_folder_are_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = Beneath::new(folder.path()).join("cache.json");
        let loaded = |release: &str, module: &str| {
            let stamp = r#"{"dev":1,"inode":2,"size":3,"mtime_ns":4,"ctime_ns":5}"#;
            let facts = format!(
                r#"{{"stamp":{stamp},"contents":{{}},"image":{{"release":"{release}","encoding":"plain"}},
                "closure":{{"wanted":[],"builtin":null,"files":["{module}"]}},"static_for":null}}"#
            );
            fs::write(&file, format!(r#"{{"schema_version":1,"files":{{"/x":{facts}}}}}"#)).unwrap();
            HashCache::load(&file).state().files.len()
        };
        assert_eq!(loaded("6.1.0-9-amd64", "kernel/virtio.ko"), 1);
        for (release, module) in [("../6.1.0", "virtio.ko"), ("6.1.0", "../virtio.ko"), ("6.1.0", "/virtio.ko")] {
            assert_eq!(loaded(release, module), 0, "{release} {module}");
        }
    }

    #[test]
    fn a_damaged_cache_and_one_of_another_version_are_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = Beneath::new(folder.path()).join("cache.json");
        let foreign = format!("{{\"schema_version\":{},\"files\":{{}}}}", SCHEMA_VERSION + 1);
        for text in ["", "{", "null", "{\"schema_version\":1,\"files\":{\"/x\":{}}}", &foreign] {
            fs::write(&file, text).unwrap();
            assert!(HashCache::load(&file).state().files.is_empty(), "{text}");
        }
        assert!(HashCache::load(&Beneath::new(folder.path()).join("missing")).state().files.is_empty());
    }
}

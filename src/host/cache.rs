//! What earlier runs learnt of the host's files, valid as long as a file's stamp stays the same.
#![expect(clippy::disallowed_methods, reason = "reads the stamps of the host's files and keeps the cache's own file")]

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::failpoint::Point;
use crate::flake::Encoding;
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::state::write_json;

const SCHEMA_VERSION: u32 = 1;
/// The longest file that is read, in bytes.
const LIMIT: u64 = 16 << 20;
/// A file that changed so recently may change again without another stamp.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// What is known of the host's files: digests, and what a guest's kernel needs.
#[derive(Debug, Default)]
pub struct HashCache {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    files: BTreeMap<String, Known>,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    schema_version: u32,
    files: BTreeMap<String, Known>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    dev: u64,
    inode: u64,
    size: u64,
    mtime_ns: i64,
    ctime_ns: i64,
}

/// What is known of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    stamp: Stamp,
    /// The content by the way it lies in the file.
    pub(super) contents: BTreeMap<Encoding, Content>,
    /// For a kernel image: how it is booted.
    pub(super) image: Option<Image>,
    /// For a `modules.dep`: what a guest loads.
    pub(super) closure: Option<Closure>,
    /// For a program: the architecture for which it is statically linked.
    pub(super) static_for: Option<String>,
}

/// Length and digest of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    pub(super) len: u64,
    pub(super) sha256: Digest,
}

/// How a kernel image is booted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    pub(super) release: String,
    pub(super) encoding: Encoding,
}

/// The modules that a guest loads, and what that was derived from besides `modules.dep`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closure {
    pub(super) wanted: Vec<String>,
    pub(super) builtin: Option<Stamp>,
    pub(super) files: Vec<String>,
}

impl Stamp {
    /// Returns the stamp of the regular file behind a path; opening anything else could wait for ever.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = path.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let nanoseconds = |secs: i64, nanos: i64| secs.saturating_mul(1_000_000_000).saturating_add(nanos);
        Ok(Self {
            dev: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            mtime_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            ctime_ns: nanoseconds(meta.ctime(), meta.ctime_nsec()),
        })
    }
}

impl HashCache {
    /// Returns what a file of [`HashCache::save`] holds; one that is missing or damaged holds nothing.
    #[must_use]
    pub fn load(path: &Beneath) -> Self {
        let saved = path.read(LIMIT).ok().and_then(|bytes| serde_json::from_slice::<Saved>(&bytes).ok());
        let files = saved.filter(|saved| saved.schema_version == SCHEMA_VERSION).map(|saved| saved.files);
        Self { memory: Mutex::new(Memory { files: files.unwrap_or_default(), changed: false }) }
    }

    /// Writes what was learnt since [`HashCache::load`], if anything was; files that changed a moment ago are left out.
    ///
    /// # Errors
    ///
    /// When the file can't be written; it then is what it was before.
    pub fn save(&self, path: &Beneath) -> anyhow::Result<()> {
        let mut memory = self.memory();
        if !memory.changed {
            return Ok(());
        }
        let settled =
            SystemTime::now().checked_sub(SETTLED_AFTER).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let settled = settled.map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        let files = memory.files.iter().filter(|(_, known)| known.stamp.ctime_ns < settled);
        let files = files.map(|(path, known)| (path.clone(), known.clone())).collect();
        write_json(Point::HostCache, path, &Saved { schema_version: SCHEMA_VERSION, files })?;
        memory.changed = false;
        Ok(())
    }

    /// Returns something that is known of a file with this stamp.
    pub(super) fn recall<T>(&self, path: &Path, stamp: Stamp, of: impl FnOnce(&Known) -> Option<T>) -> Option<T> {
        self.memory().files.get(path.to_str()?).filter(|known| known.stamp == stamp).and_then(of)
    }

    /// Keeps something about a file with this stamp, and forgets what was known of another stamp.
    pub(super) fn learn(&self, path: &Path, stamp: Stamp, lesson: impl FnOnce(&mut Known)) {
        let Some(path) = path.to_str() else { return };
        let mut memory = self.memory();
        memory.changed = true;
        let blank = Known { stamp, contents: BTreeMap::new(), image: None, closure: None, static_for: None };
        let known = memory.files.entry(path.to_owned()).or_insert_with(|| blank.clone());
        if known.stamp != stamp {
            *known = blank;
        }
        lesson(known);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::foreign::Beneath;

    use super::{HashCache, SCHEMA_VERSION, Stamp};

    #[test]
    fn another_stamp_forgets() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "one").unwrap();
        let cache = HashCache::default();
        let stamp = Stamp::of(&file).unwrap();
        cache.learn(&file, stamp, |known| known.static_for = Some("x86_64".to_owned()));
        assert!(cache.recall(&file, stamp, |known| known.static_for.clone()).is_some());
        fs::write(&file, "three").unwrap();
        assert!(cache.recall(&file, Stamp::of(&file).unwrap(), |known| known.static_for.clone()).is_none());
    }

    #[test]
    fn saved_is_loaded_but_for_files_that_just_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = Beneath::new(folder.path()).join("cache.json");
        let cache = HashCache::default();
        let old = Stamp { dev: 1, inode: 2, size: 3, mtime_ns: 4, ctime_ns: 5 };
        let fresh = Stamp { ctime_ns: i64::MAX, ..old };
        for (path, stamp) in [("/old", old), ("/fresh", fresh)] {
            cache.learn(path.as_ref(), stamp, |known| known.static_for = Some("x86_64".to_owned()));
        }
        cache.save(&file).unwrap();
        let loaded = HashCache::load(&file);
        assert!(loaded.recall("/old".as_ref(), old, |known| known.static_for.clone()).is_some());
        assert!(loaded.recall("/fresh".as_ref(), fresh, |known| known.static_for.clone()).is_none());
        fs::remove_file(&file).unwrap();
        loaded.save(&file).unwrap();
        assert!(!file.exists(), "nothing was learnt");
    }

    #[test]
    fn damaged_and_foreign_caches_are_empty() {
        let folder = tempfile::tempdir().unwrap();
        let file = Beneath::new(folder.path()).join("cache.json");
        let foreign = format!("{{\"schema_version\":{},\"files\":{{}}}}", SCHEMA_VERSION + 1);
        for text in ["", "{", "null", "{\"schema_version\":1,\"files\":{\"/x\":{}}}", &foreign] {
            fs::write(&file, text).unwrap();
            assert!(HashCache::load(&file).memory().files.is_empty(), "{text}");
        }
        assert!(HashCache::load(&Beneath::new(folder.path()).join("missing")).memory().files.is_empty());
    }
}

//! Disk space that removals free.

#![expect(clippy::disallowed_methods, reason = "inspects the files that are removed")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The unit of `st_blocks`, in bytes.
const BLOCK: u64 = 512;

/// Adds up the disk space of removed files. Snapshots share files through hard links, so a file counts with the last of
/// its names.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Number of remaining names of a file, by device and inode.
    links: BTreeMap<(u64, u64), u64>,
}

impl Meter {
    /// Returns the bytes that the removal of these paths frees after the earlier ones. An unreadable path counts as 0
    /// bytes.
    pub(super) fn add(&mut self, paths: &[impl AsRef<Path>]) -> u64 {
        let mut open: Vec<PathBuf> = paths.iter().map(|path| path.as_ref().to_owned()).collect();
        let mut bytes = 0;
        while let Some(path) = open.pop() {
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() {
                open.extend(fs::read_dir(&path).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())));
            } else if meta.nlink() > 1 {
                let left = self.links.entry((meta.dev(), meta.ino())).or_insert_with(|| meta.nlink());
                *left = left.saturating_sub(1);
                if *left > 0 {
                    continue;
                }
            }
            bytes += meta.blocks() * BLOCK;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Meter;

    #[test]
    fn a_file_counts_with_its_last_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b", "c"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("a/file"), vec![b'x'; 100_000]).unwrap();
        fs::hard_link(path("a/file"), path("b/file")).unwrap();
        let mut meter = Meter::default();
        assert!(meter.add(&[path("a"), path("none")]) < 50_000);
        assert!(meter.add(&[path("b")]) >= 100_000);
        fs::hard_link(path("a/file"), path("c/file")).unwrap();
        // The file keeps one name.
        let mut meter = Meter::default();
        assert!(meter.add(&[path("a"), path("c")]) < 50_000);
    }
}

//! A disk of a machine that its guest writes to.

#![expect(clippy::disallowed_types, reason = "creates a disk")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};

use crate::quota::Quota;

/// A disk that a guest writes to. It is opened once, since its path may lead to another file later. Its blocks on the
/// host count against the run's quota until this value is dropped.
#[derive(Debug)]
pub struct WritableDisk {
    file: File,
    quota: Quota,
    charged: AtomicU64,
}

impl WritableDisk {
    /// Creates a sparse disk of `size` bytes with these parts, each at its place; the rest is zeros.
    ///
    /// # Errors
    /// When the disk can't be created.
    pub fn make(
        path: &Path,
        size: u64,
        parts: impl IntoIterator<Item = (u64, Vec<u8>)>,
        quota: &Quota,
    ) -> Result<Self> {
        let create = || {
            let disk = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
            disk.set_len(size)?;
            for (place, bytes) in parts {
                disk.write_all_at(&bytes, place)?;
            }
            Ok::<_, io::Error>(disk)
        };
        Ok(Self::of(create().with_context(|| format!("making {}", path.display()))?, quota))
    }

    /// Returns the disk that an open file is.
    #[must_use]
    pub fn of(file: File, quota: &Quota) -> Self {
        Self { file, quota: quota.clone(), charged: AtomicU64::new(0) }
    }

    /// Returns the open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the quota against which the disk counts.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Charges the quota for the blocks written since the last call, and returns true if it had enough bytes left.
    pub fn charge(&self) -> bool {
        // Without metadata there is nothing new to charge.
        let bytes = self.file.metadata().map_or(0, |disk| disk.blocks() * 512);
        let new = bytes.saturating_sub(self.charged.load(Ordering::Relaxed));
        let taken = self.quota.take(new);
        self.charged.fetch_add(taken, Ordering::Relaxed);
        taken == new
    }
}

impl Drop for WritableDisk {
    fn drop(&mut self) {
        self.quota.give_back(*self.charged.get_mut());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::WritableDisk;
    use crate::execute::ext4::{empty_ext4, ext4_size};
    use crate::quota::Quota;

    #[test]
    fn a_disk_takes_the_space_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let quota = Quota::new(4 << 20);
        let disk = WritableDisk::make(&folder.path().join("disk"), ext4_size(2048), empty_ext4(2048), &quota).unwrap();
        assert!(disk.charge());
        let empty = quota.total() - quota.left();
        assert!((1..1 << 20).contains(&empty), "{empty} bytes of {}", disk.file().metadata().unwrap().len());
        // Apart from the bitmaps at the start of each 128 MiB.
        let place = (1 << 30) + (8 << 20);
        disk.file().write_all_at(&vec![1; 1 << 20], place).unwrap();
        assert!(disk.charge() && quota.total() - quota.left() >= empty + (1 << 20));
        disk.file().write_all_at(&vec![1; 4 << 20], place).unwrap();
        assert!(!disk.charge());
        drop(disk);
        assert_eq!(quota.left(), quota.total());
    }
}

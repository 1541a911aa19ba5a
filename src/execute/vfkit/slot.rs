//! Job slots: numbers of guests, unique among all running guests of a user in all runs and projects.

#![expect(clippy::disallowed_methods, reason = "creates a folder among temporary files")]

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::state::FileLock;

/// Number of slots: the number of macOS's DHCP leases.
const SLOTS: u8 = 253;

/// A job slot, which is free again when this value is dropped.
#[derive(Debug)]
pub struct JobSlot {
    /// Number of the slot.
    pub number: u8,
    _lock: FileLock,
}

/// Acquires the first free slot of a user.
///
/// # Errors
/// When no slot is free, or the folder of the locks can't be used.
pub fn acquire_job_slot(uid: u32) -> Result<JobSlot> {
    acquire_in(&std::env::temp_dir().join(format!("pikaci-slots-{uid}")), uid)
}

fn acquire_in(folder: &Path, uid: u32) -> Result<JobSlot> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))?;
    let owner = fs::symlink_metadata(folder).with_context(|| format!("reading {}", folder.display()))?;
    if !owner.is_dir() || owner.uid() != uid {
        bail!("{} isn't a folder of this user", folder.display());
    }
    for number in 0..SLOTS {
        if let Some(lock) = FileLock::try_exclusive(Point::Slot, &Beneath::new(folder).join(number.to_string()))? {
            return Ok(JobSlot { number, _lock: lock });
        }
    }
    bail!("{SLOTS} guests with a network are running already")
}

#[cfg(test)]
mod tests {
    use super::acquire_in;

    #[test]
    fn a_dropped_slot_is_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("slots");
        let uid = rustix::process::getuid().as_raw();
        let acquire = || acquire_in(&folder, uid).unwrap();
        let (first, second) = (acquire(), acquire());
        assert_eq!((first.number, second.number), (0, 1));
        drop(first);
        assert_eq!(acquire().number, 0);
        assert!(acquire_in(&folder, uid + 1).unwrap_err().to_string().contains("of this user"));
    }
}

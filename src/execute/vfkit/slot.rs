//! Job slots: numbers that no two guests of a user have at the same time, whatever run or project they belong to.

#![expect(clippy::disallowed_methods, reason = "asks where temporary files go and makes a folder there")]

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::state::FileLock;

/// How many there are: as many as macOS has leases.
const SLOTS: u8 = 253;

/// A slot, as long as it is held.
#[derive(Debug)]
pub struct Slot {
    /// Its number.
    pub number: u8,
    _lock: FileLock,
}

/// Takes the first free slot of a user.
///
/// # Errors
/// When all are taken, or the folder of their locks can't be used.
pub fn take(uid: u32) -> Result<Slot> {
    take_in(&std::env::temp_dir().join(format!("pikaci-slots-{uid}")), uid)
}

fn take_in(folder: &Path, uid: u32) -> Result<Slot> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making {}", folder.display()))?;
    let owner = fs::symlink_metadata(folder).with_context(|| format!("reading {}", folder.display()))?;
    if !owner.is_dir() || owner.uid() != uid {
        bail!("{} isn't a folder of this user's", folder.display());
    }
    for number in 0..SLOTS {
        if let Some(lock) = FileLock::try_exclusive(Point::Slot, &Beneath::new(folder).join(number.to_string()))? {
            return Ok(Slot { number, _lock: lock });
        }
    }
    bail!("{SLOTS} guests with a network run already")
}

#[cfg(test)]
mod tests {
    use super::take_in;

    #[test]
    fn a_slot_is_free_again_when_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("slots");
        let uid = rustix::process::getuid().as_raw();
        let take = || take_in(&folder, uid).unwrap();
        let (first, second) = (take(), take());
        assert_eq!((first.number, second.number), (0, 1));
        drop(first);
        assert_eq!(take().number, 0);
        assert!(take_in(&folder, uid + 1).unwrap_err().to_string().contains("this user's"));
    }
}

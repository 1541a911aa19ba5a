#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "locks are files")]
//! Advisory locks, which the kernel lets go when their holder ends, however it ends.

use std::fs::File;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{Errno, retry_on_intr};

use crate::failpoint::{Moment, Point, reach};
use crate::foreign::Beneath;

/// A lock on a file, held until it is dropped; no child process inherits it.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits until nobody else holds a lock on the file, and takes it.
    ///
    /// # Errors
    /// When the file can't be made or locked.
    pub fn exclusive(point: Point, path: &Beneath) -> Result<Self> {
        reach(point, Moment::Before)?;
        let lock = wait(open_lock(path)?, path, FlockOperation::LockExclusive)?;
        reach(point, Moment::After)?;
        Ok(lock)
    }

    /// Waits until nobody holds the file exclusively, and takes a share of it.
    ///
    /// # Errors
    /// When the file can't be made or locked.
    pub fn shared(point: Point, path: &Beneath) -> Result<Self> {
        reach(point, Moment::Before)?;
        let lock = wait(open_lock(path)?, path, FlockOperation::LockShared)?;
        reach(point, Moment::After)?;
        Ok(lock)
    }

    /// Waits until nobody cleans the folder, and takes a share of it: whatever is made in it meanwhile and has a
    /// temporary name isn't left over.
    ///
    /// # Errors
    /// When the folder can't be opened or locked.
    pub fn share_of_folder(folder: &Beneath) -> Result<Self> {
        wait(open_folder(folder)?, folder, FlockOperation::LockShared)
    }

    /// Takes a folder to clean it, or returns `None` when somebody has a share of it or it isn't there.
    ///
    /// # Errors
    /// When the folder can't be opened or locked.
    pub fn try_folder(point: Point, folder: &Beneath) -> Result<Option<Self>> {
        if !folder.is_there() {
            return Ok(None);
        }
        reach(point, Moment::Before)?;
        taken(point, open_folder(folder)?, folder)
    }

    /// Takes the file exclusively, or returns `None` when somebody holds it.
    ///
    /// # Errors
    /// When the file can't be made or locked.
    pub fn try_exclusive(point: Point, path: &Beneath) -> Result<Option<Self>> {
        reach(point, Moment::Before)?;
        taken(point, open_lock(path)?, path)
    }

    /// As [`FileLock::try_exclusive`], and `None` too when the file isn't there: a folder that has gone isn't made anew.
    ///
    /// # Errors
    /// When the file can't be opened or locked.
    pub fn try_existing(point: Point, path: &Beneath) -> Result<Option<Self>> {
        reach(point, Moment::Before)?;
        let file = match path.regular(OFlags::RDWR, Mode::empty()) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.with_context(|| format!("opening lock {}", path.display()))?,
        };
        taken(point, file, path)
    }

    /// As [`FileLock::exclusive`], but returns `None` when it would take longer than that.
    ///
    /// # Errors
    /// When the file can't be made or locked.
    pub fn exclusive_within(point: Point, path: &Beneath, patience: Duration) -> Result<Option<Self>> {
        const TICK: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            let lock = Self::try_exclusive(point, path)?;
            if lock.is_some() || waited >= patience {
                return Ok(lock);
            }
            std::thread::sleep(TICK);
            waited += TICK;
        }
    }
}

fn wait(file: File, path: &Beneath, operation: FlockOperation) -> Result<FileLock> {
    retry_on_intr(|| flock(&file, operation)).with_context(|| format!("locking {}", path.display()))?;
    Ok(FileLock { _file: file })
}

fn taken(point: Point, file: File, path: &Beneath) -> Result<Option<FileLock>> {
    let free = try_lock(&file, FlockOperation::NonBlockingLockExclusive);
    if !free.with_context(|| format!("locking {}", path.display()))? {
        return Ok(None);
    }
    reach(point, Moment::After)?;
    Ok(Some(FileLock { _file: file }))
}

fn open_folder(folder: &Beneath) -> Result<File> {
    folder.open_folder().with_context(|| format!("opening {}", folder.display()))
}

fn open_lock(path: &Beneath) -> Result<File> {
    let open = || path.regular(OFlags::RDWR | OFlags::CREATE, Mode::from(0o666));
    let file = match (open(), path.parent()) {
        (Err(err), Some(folder)) if err.kind() == ErrorKind::NotFound => folder.make_folders().and_then(|()| open()),
        (result, _) => result,
    };
    file.with_context(|| format!("opening lock {}", path.display()))
}

fn try_lock(file: &File, operation: FlockOperation) -> Result<bool, Errno> {
    match retry_on_intr(|| flock(file, operation)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(err) => Err(err),
    }
}

/// Returns whether somebody holds the file exclusively; a file that isn't there is held by nobody.
///
/// It looks by taking a share for a moment: who takes such a lock exclusively should wait for it, not try it once.
///
/// # Errors
/// When the file can't be opened or asked.
pub fn is_locked(path: &Beneath) -> Result<bool> {
    match path.open() {
        Ok(file) => {
            let free = try_lock(&file, FlockOperation::NonBlockingLockShared);
            Ok(!free.with_context(|| format!("looking at lock {}", path.display()))?)
        }
        // What is no file is no lock of ours.
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => Ok(false),
        Err(err) => Err(err).with_context(|| format!("opening lock {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{FileLock, is_locked};
    use crate::failpoint::Point;
    use crate::foreign::Beneath;

    #[test]
    fn one_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("locks/a");
        assert!(!is_locked(&path).unwrap());
        assert!(!path.exists());

        let held = FileLock::exclusive(Point::Hold, &path).unwrap();
        assert!(is_locked(&path).unwrap());
        assert!(FileLock::try_exclusive(Point::Hold, &path).unwrap().is_none());
        drop(held);

        assert!(!is_locked(&path).unwrap());
        assert!(FileLock::try_exclusive(Point::Hold, &path).unwrap().is_some());
    }

    #[test]
    fn many_have_a_share_and_one_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("locks/a");
        assert!(FileLock::try_existing(Point::Hold, &path).unwrap().is_none() && !path.exists());
        let shares = [FileLock::shared(Point::Hold, &path).unwrap(), FileLock::shared(Point::Hold, &path).unwrap()];
        assert!(!is_locked(&path).unwrap());
        let within = |millis| FileLock::exclusive_within(Point::Hold, &path, Duration::from_millis(millis)).unwrap();
        assert!(FileLock::try_existing(Point::Hold, &path).unwrap().is_none() && within(20).is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| drop(shares));
            assert!(within(60_000).is_some());
        });
        assert!(FileLock::try_existing(Point::Hold, &path).unwrap().is_some());
    }

    #[test]
    fn a_child_does_not_inherit_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a");
        let held = FileLock::exclusive(Point::Hold, &path).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        drop(held);
        // Another test's child may hold it for the moment between fork and exec.
        let free = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            FileLock::try_exclusive(Point::Hold, &path).unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(free);
    }
}

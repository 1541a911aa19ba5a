//! Advisory locks on files. The kernel releases a lock when its process ends in any way.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "locks are files")]

use std::fs::File;
use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{Errno, retry_on_intr};

use crate::failpoint::{Moment, Point, reach};
use crate::foreign::Beneath;

/// A lock on a file, which is released on drop. No child process inherits it.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits until nobody else holds a lock on the file, and locks it exclusively. Creates the file if it is absent.
    ///
    /// # Errors
    /// When the file can't be created or locked.
    pub fn exclusive(point: Point, path: &Beneath) -> Result<Self> {
        reach(point, Moment::Before)?;
        let lock = wait(open_lock(path)?, path, FlockOperation::LockExclusive)?;
        reach(point, Moment::After)?;
        Ok(lock)
    }

    /// Waits until nobody holds an exclusive lock on the file, and takes a shared lock. Creates the file if it is
    /// absent.
    ///
    /// # Errors
    /// When the file can't be created or locked.
    pub fn shared(point: Point, path: &Beneath) -> Result<Self> {
        reach(point, Moment::Before)?;
        let lock = wait(open_lock(path)?, path, FlockOperation::LockShared)?;
        reach(point, Moment::After)?;
        Ok(lock)
    }

    /// Takes a shared lock on a folder. While it is held, a garbage collection keeps the temporary files in the folder.
    ///
    /// # Errors
    /// When the folder can't be opened or locked.
    pub fn share_folder(folder: &Beneath) -> Result<Self> {
        wait(open_folder(folder)?, folder, FlockOperation::LockShared)
    }

    /// Locks a folder exclusively, or returns `None` when somebody else holds a lock on it or the folder is absent.
    ///
    /// # Errors
    /// When the folder can't be opened or locked.
    pub fn try_folder(point: Point, folder: &Beneath) -> Result<Option<Self>> {
        if !folder.is_there() {
            return Ok(None);
        }
        reach(point, Moment::Before)?;
        try_take(point, open_folder(folder)?, folder)
    }

    /// Locks a file exclusively, or returns `None` when somebody else holds a lock on it. Creates the file if it is
    /// absent.
    ///
    /// # Errors
    /// When the file can't be created or locked.
    pub fn try_exclusive(point: Point, path: &Beneath) -> Result<Option<Self>> {
        reach(point, Moment::Before)?;
        try_take(point, open_lock(path)?, path)
    }

    /// Locks an existing file exclusively, or returns `None` when somebody else holds a lock on it or the file is
    /// absent.
    ///
    /// # Errors
    /// When the file can't be opened or locked.
    pub fn try_existing(point: Point, path: &Beneath) -> Result<Option<Self>> {
        reach(point, Moment::Before)?;
        let file = match path.open_regular(OFlags::RDWR, Mode::empty()) {
            Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
            file => file.with_context(|| format!("opening lock {}", path.display()))?,
        };
        try_take(point, file, path)
    }

    /// Locks a file exclusively as [`FileLock::exclusive`] does, or returns `None` after a time limit.
    ///
    /// # Errors
    /// When the file can't be created or locked.
    pub fn exclusive_within(point: Point, path: &Beneath, time_limit: Duration) -> Result<Option<Self>> {
        const TICK: Duration = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        loop {
            let lock = Self::try_exclusive(point, path)?;
            if lock.is_some() || waited >= time_limit {
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

fn try_take(point: Point, file: File, path: &Beneath) -> Result<Option<FileLock>> {
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
    let open = || path.open_regular(OFlags::RDWR | OFlags::CREATE, Mode::from(0o666));
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

/// Returns whether somebody holds an exclusive lock on a file. Nobody does if the file is absent.
///
/// The probe takes a shared lock for a moment, so a process should wait for an exclusive lock on the file rather than
/// try once.
///
/// # Errors
/// When the file can't be opened or probed.
pub fn is_locked(path: &Beneath) -> Result<bool> {
    match path.open() {
        Ok(file) => {
            let free = try_lock(&file, FlockOperation::NonBlockingLockShared);
            Ok(!free.with_context(|| format!("probing lock {}", path.display()))?)
        }
        // A lock of pikaci is a regular file.
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
    fn one_holder_has_an_exclusive_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("locks/a");
        assert!(!is_locked(&path).unwrap());
        assert!(!path.exists());

        let held = FileLock::exclusive(Point::RemovalGuard, &path).unwrap();
        assert!(is_locked(&path).unwrap());
        assert!(FileLock::try_exclusive(Point::RemovalGuard, &path).unwrap().is_none());
        drop(held);

        assert!(!is_locked(&path).unwrap());
        assert!(FileLock::try_exclusive(Point::RemovalGuard, &path).unwrap().is_some());
    }

    #[test]
    fn shared_locks_exclude_an_exclusive_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("locks/a");
        assert!(FileLock::try_existing(Point::RemovalGuard, &path).unwrap().is_none() && !path.exists());
        let shares = [
            FileLock::shared(Point::RemovalGuard, &path).unwrap(),
            FileLock::shared(Point::RemovalGuard, &path).unwrap(),
        ];
        assert!(!is_locked(&path).unwrap());
        let within =
            |millis| FileLock::exclusive_within(Point::RemovalGuard, &path, Duration::from_millis(millis)).unwrap();
        assert!(FileLock::try_existing(Point::RemovalGuard, &path).unwrap().is_none() && within(20).is_none());
        std::thread::scope(|scope| {
            scope.spawn(|| drop(shares));
            assert!(within(60_000).is_some());
        });
        assert!(FileLock::try_existing(Point::RemovalGuard, &path).unwrap().is_some());
    }

    #[test]
    fn a_child_process_does_not_inherit_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = Beneath::new(folder.path()).join("a");
        let held = FileLock::exclusive(Point::RemovalGuard, &path).unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        drop(held);
        // A child of another test may hold the lock between fork and exec.
        let free = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            FileLock::try_exclusive(Point::RemovalGuard, &path).unwrap().is_some()
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(free);
    }
}

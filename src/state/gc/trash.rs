//! Moving things away at once, and removing them in their time.

#![expect(clippy::disallowed_methods, reason = "moves and removes what nobody needs")]

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::meter::Meter;
use super::{Hold, Item};
use crate::failpoint::{Point, around};
use crate::report::{Kind, NotRemoved, Removed};
use crate::state::{FileLock, StateLayout, remove};

/// How the folder's name begins; it is temporary too.
pub(super) const TRASH_PREFIX: &str = ".tmp-gc-";
/// What the owner of a folder needs to move it.
const OPEN: u32 = 0o700;

/// A folder for what goes, in the state folder itself, so that a move is one step.
pub(super) struct Trash<'a> {
    state: &'a StateLayout,
    folder: Option<PathBuf>,
    thrown: Vec<Thrown>,
    failed: Vec<NotRemoved>,
    count: u64,
}

/// Something that was moved away.
struct Thrown {
    kind: Kind,
    /// What it was called.
    name: PathBuf,
    paths: Vec<PathBuf>,
}

impl<'a> Trash<'a> {
    /// Returns an empty one, which is made with the first thing in it.
    pub(super) fn new(state: &'a StateLayout) -> Self {
        Self { state, folder: None, thrown: Vec::new(), failed: Vec::new(), count: 0 }
    }

    /// Moves something away, unless somebody holds it or took it already.
    pub(super) fn take(&mut self, item: &Item) {
        let name = item.name();
        match self.throw(item) {
            Ok(paths) if paths.is_empty() => {}
            Ok(paths) => self.thrown.push(Thrown { kind: item.kind, name, paths }),
            Err(error) => self.failed.push(NotRemoved { path: name, error: format!("{error:#}") }),
        }
    }

    fn throw(&mut self, item: &Item) -> Result<Vec<PathBuf>> {
        let _held = match &item.hold {
            Hold::Nothing => None,
            Hold::Existing(lock) if !lock.is_there() => None,
            Hold::Existing(lock) => match FileLock::try_existing(Point::Hold, lock)? {
                None => return Ok(Vec::new()),
                held => held,
            },
            Hold::Lock(lock) => match FileLock::try_exclusive(Point::Hold, lock)? {
                None => return Ok(Vec::new()),
                held => held,
            },
            Hold::Folder(folder) => match FileLock::try_folder(Point::Hold, folder)? {
                None => return Ok(Vec::new()),
                held => held,
            },
        };
        let mut paths = Vec::new();
        for path in &item.paths {
            let place = self.place()?;
            match around(Point::Trash, || move_to(path.checked()?, &place)) {
                Ok(()) => paths.push(place),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("moving {} away", path.display())),
            }
        }
        Ok(paths)
    }

    fn place(&mut self) -> Result<PathBuf> {
        let folder = if let Some(folder) = &self.folder {
            folder
        } else {
            let made = tempfile::Builder::new().prefix(TRASH_PREFIX).tempdir_in(self.state.root());
            let made = made.with_context(|| format!("making a folder in {}", self.state.root().display()))?;
            self.folder.insert(made.keep())
        };
        self.count += 1;
        Ok(folder.join(self.count.to_string()))
    }

    /// Removes all that was moved here; returns what is gone and what isn't, which the next one tries again.
    pub(super) fn empty(&mut self) -> (Vec<Removed>, Vec<NotRemoved>) {
        let mut removed = Vec::new();
        let mut meter = Meter::default();
        for Thrown { kind, name, paths } in std::mem::take(&mut self.thrown) {
            let bytes = meter.add(&paths);
            match around(Point::Empty, || paths.iter().try_for_each(|path| remove_any(path))) {
                Ok(()) => removed.push(Removed { kind, path: name, bytes }),
                Err(error) => self.failed.push(NotRemoved { path: name, error: format!("{error:#}") }),
            }
        }
        // It isn't empty where something failed, and the next one removes it.
        if let Some(folder) = self.folder.take() {
            fs::remove_dir(folder).ok();
        }
        (removed, std::mem::take(&mut self.failed))
    }
}

fn move_to(path: &Path, place: &Path) -> io::Result<()> {
    match fs::rename(path, place) {
        // A folder has an entry that says where it is: it can't be moved by who can't write it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let meta = fs::symlink_metadata(path)?;
            let mode = meta.permissions().mode();
            if !meta.is_dir() || mode & OPEN == OPEN {
                return Err(error);
            }
            fs::set_permissions(path, Permissions::from_mode(mode | OPEN))?;
            fs::rename(path, place)
        }
        result => result,
    }
}

fn remove_any(path: &Path) -> Result<()> {
    let meta = fs::symlink_metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    if meta.is_dir() {
        remove(path)
    } else {
        fs::remove_file(path).with_context(|| format!("removing {}", path.display()))
    }
}

#![expect(clippy::disallowed_methods, reason = "makes the state folder")]
//! Opening a state folder.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::failpoint::Point;
use crate::guest::quote;

use super::layout::{StateLayout, is_temporary};
use super::write::write_atomic;

/// The version of the layout that this pikaci writes and reads.
const VERSION: u32 = 1;
const VERSION_FILE: &str = "version";

const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This folder holds what pikaci can make again; see https://bford.info/cachedir/
";

/// What a folder holds that is being made: the version comes last.
const FILES: [(&str, &str); 2] = [(".gitignore", "*\n"), ("CACHEDIR.TAG", CACHEDIR_TAG)];

/// What a state folder holds after its first run.
const OURS: [&str; 9] =
    ["indexes", "runs", "snapshots", "flakes", "runners", "locks", "caches", "host.json", "kvm.json"];

/// Why a folder can't be the state folder.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A later pikaci made it.
    #[error("the state folder {path} has version {found:?}, and this pikaci knows version {VERSION}")]
    Version {
        /// The folder.
        path: PathBuf,
        /// What its version file says.
        found: String,
    },
    /// It is no folder.
    #[error("{path} is no folder, and pikaci's state is to be there")]
    NoFolder {
        /// What is there.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("{path} is no state folder: it holds {entry:?} and no file `version`")]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Something that it holds.
        entry: String,
    },
    /// It can't be made or written.
    #[error("the state folder {path} can't be made or written")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: anyhow::Error,
    },
}

impl OpenError {
    /// Returns what to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Version { path, .. } => {
                format!("use the pikaci that made it, or remove it: rm -r {}", quote(&path.to_string_lossy()))
            }
            Self::NoFolder { path } => {
                format!("move {} away, or name another place with --state-root", path.display())
            }
            // Only a state folder has these.
            Self::Foreign { path, entry } if OURS.contains(&entry.as_str()) => format!(
                "if pikaci made it, its file `version` is lost: echo {VERSION} > {}; or name another folder with --state-root",
                quote(&path.join(VERSION_FILE).to_string_lossy())
            ),
            Self::Foreign { .. } | Self::Unwritable { .. } => "name another folder with --state-root".to_owned(),
        }
    }
}

/// Makes the state folder where there is none, for the user alone, and checks that it is one of ours.
///
/// # Errors
/// When it can't be made, holds something else, or was made by a pikaci with another layout.
pub fn open(root: &Path) -> Result<StateLayout, OpenError> {
    let unwritable = |source: anyhow::Error| OpenError::Unwritable { path: root.to_owned(), source };
    let version_file = root.join(VERSION_FILE);
    if has_version(root)? {
        return writable(root).map_err(unwritable);
    }
    make_folder(root).map_err(|err| unwritable(err.into()))?;
    refuse_foreign(root)?;
    // One that was there already may be open to others.
    fs::set_permissions(root, fs::Permissions::from_mode(0o700)).map_err(|err| unwritable(err.into()))?;
    for (name, text) in FILES {
        write_atomic(Point::StateFile, &root.join(name), text.as_bytes()).map_err(unwritable)?;
    }
    write_atomic(Point::StateVersion, &version_file, format!("{VERSION}\n").as_bytes()).map_err(unwritable)?;
    Ok(StateLayout::new(root.to_owned()))
}

/// Checks that a folder can be looked at as a state folder: it isn't there, or no later pikaci made it.
///
/// # Errors
/// When it is no folder, or was made by a pikaci with another layout.
pub fn look(root: &Path) -> Result<StateLayout, OpenError> {
    has_version(root)?;
    Ok(StateLayout::new(root.to_owned()))
}

/// Checks that a folder is a state folder, or could be made one, and makes nothing.
///
/// # Errors
/// As [`open`].
pub fn check(root: &Path) -> Result<(), OpenError> {
    let unwritable = |source: anyhow::Error| OpenError::Unwritable { path: root.to_owned(), source };
    if !has_version(root)? {
        refuse_foreign(root)?;
    }
    let there = root.ancestors().find(|folder| folder.exists()).unwrap_or(root);
    writable(there).map_err(unwritable)?;
    Ok(())
}

/// Returns a state folder that something may be taken from; `None` where there is none yet, and makes nothing.
///
/// # Errors
/// When it is no folder, holds something else, or was made by a pikaci with another layout.
pub fn existing(root: &Path) -> Result<Option<StateLayout>, OpenError> {
    if has_version(root)? {
        return Ok(Some(StateLayout::new(root.to_owned())));
    }
    refuse_foreign(root).map(|()| None)
}

/// Returns whether a folder has our version: without one it may be new, or something else.
fn has_version(root: &Path) -> Result<bool, OpenError> {
    let path = root.to_owned();
    if fs::metadata(root).is_ok_and(|meta| !meta.is_dir()) {
        return Err(OpenError::NoFolder { path });
    }
    match fs::read_to_string(root.join(VERSION_FILE)) {
        Ok(found) if found.trim() == VERSION.to_string() => Ok(true),
        Ok(found) => Err(OpenError::Version { path, found: found.trim().to_owned() }),
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(false),
        Err(err) => Err(OpenError::Unwritable { path, source: err.into() }),
    }
}

fn writable(root: &Path) -> anyhow::Result<StateLayout> {
    rustix::fs::access(root, rustix::fs::Access::WRITE_OK).with_context(|| format!("writing {}", root.display()))?;
    Ok(StateLayout::new(root.to_owned()))
}

fn make_folder(root: &Path) -> io::Result<()> {
    if let Some(parent) = root.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(root) {
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

fn refuse_foreign(root: &Path) -> Result<(), OpenError> {
    let path = root.to_owned();
    match foreign_entry(root) {
        // Who made it meanwhile wrote the version before anything else.
        Ok(Some(_)) if has_version(root)? => Ok(()),
        Ok(Some(entry)) => Err(OpenError::Foreign { path, entry }),
        Err(err) if err.kind() != ErrorKind::NotFound => Err(OpenError::Unwritable { path, source: err.into() }),
        _ => Ok(()),
    }
}

/// Returns something in the folder that neither we nor a pikaci that is making it right now put there.
fn foreign_entry(root: &Path) -> io::Result<Option<String>> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let ours = FILES.iter().any(|(file, _)| name == *file) || name == VERSION_FILE || is_temporary(&name);
        if !ours {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

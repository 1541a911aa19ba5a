#![expect(clippy::disallowed_methods, reason = "makes the state folder")]
//! Opening a state folder.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::FileType;

use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::guest::quote;

use super::layout::{StateLayout, is_temporary};
use super::write::write_atomic;

/// The version of the layout that this pikaci writes and reads.
const VERSION: u32 = 1;
const VERSION_FILE: &str = "version";
/// The longest version file that is read, in bytes.
const VERSION_LIMIT: u64 = 64;
/// The bits of a mode that let others than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

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
    /// It is a link, or a link is where pikaci has something of its own.
    #[error("{path} is a symbolic link, and pikaci follows none to its state")]
    Linked {
        /// The link.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error("the state folder {path} belongs to another user (uid {owner})")]
    Owner {
        /// The folder.
        path: PathBuf,
        /// The user that it belongs to.
        owner: u32,
    },
    /// Others may write it.
    #[error("other users may write the state folder {path} (mode {mode:04o})")]
    Shared {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
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
            Self::Linked { path } => {
                format!("remove it: rm {}; or name the folder itself with --state-root", quote(&path.to_string_lossy()))
            }
            Self::Owner { owner, .. } => {
                format!(
                    "run pikaci as that user: sudo -u '#{owner}' pikaci …; or name another folder with --state-root"
                )
            }
            Self::Shared { path, .. } => {
                let path = quote(&path.to_string_lossy());
                format!("if nobody else wrote there: chmod go-w {path}; else remove it: rm -r {path}")
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
/// When it can't be made, holds something else, or was made by a pikaci with another layout; and as [`verify`].
pub fn open(root: &Path) -> Result<StateLayout, OpenError> {
    let unwritable = |source: anyhow::Error| OpenError::Unwritable { path: root.to_owned(), source };
    if has_version(root)? {
        return writable(root).map_err(unwritable);
    }
    make_folder(root).map_err(|err| unwritable(err.into()))?;
    refuse_foreign(root)?;
    // One that was there already may be open to others.
    fs::set_permissions(root, fs::Permissions::from_mode(0o700)).map_err(|err| unwritable(err.into()))?;
    let folder = Beneath::new(root);
    for (name, text) in FILES {
        write_atomic(Point::StateFile, &folder.join(name), text.as_bytes()).map_err(unwritable)?;
    }
    let version = format!("{VERSION}\n");
    write_atomic(Point::StateVersion, &folder.join(VERSION_FILE), version.as_bytes()).map_err(unwritable)?;
    Ok(StateLayout::new(root.to_owned()))
}

/// Refuses a state folder that another user may have made or can change.
///
/// # Errors
/// When it is a link or has one where pikaci has something of its own, belongs to another user, or others may write it.
pub fn verify(root: &Path) -> Result<(), OpenError> {
    let path = root.to_owned();
    let stat = match fs::symlink_metadata(root) {
        Ok(stat) => stat,
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(err) => return Err(OpenError::Unwritable { path, source: err.into() }),
    };
    if stat.is_symlink() {
        return Err(OpenError::Linked { path });
    }
    if !stat.is_dir() {
        return Err(OpenError::NoFolder { path });
    }
    if stat.uid() != rustix::process::geteuid().as_raw() {
        return Err(OpenError::Owner { path, owner: stat.uid() });
    }
    let folder = Beneath::new(root);
    let mode = stat.mode() & 0o7777;
    // One without a version is empty, or is refused for what it holds.
    if mode & WRITABLE_BY_OTHERS != 0 && folder.join(VERSION_FILE).is_there() {
        return Err(OpenError::Shared { path, mode });
    }
    let names = FILES.iter().map(|(name, _)| *name).chain(OURS).chain([VERSION_FILE]);
    let mut places = names.map(|name| folder.join(name));
    match places.find(|place| place.kind().is_ok_and(|kind| kind == FileType::Symlink)) {
        Some(place) => Err(OpenError::Linked { path: place.to_path_buf() }),
        None => Ok(()),
    }
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
    verify(root)?;
    let path = root.to_owned();
    match Beneath::new(root).join(VERSION_FILE).read(VERSION_LIMIT) {
        Ok(found) if found.trim_ascii() == VERSION.to_string().as_bytes() => Ok(true),
        Ok(found) => Err(OpenError::Version { path, found: String::from_utf8_lossy(found.trim_ascii()).into_owned() }),
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
    for entry in Beneath::new(root).entries()? {
        let name = entry.name;
        let ours = FILES.iter().any(|(file, _)| name == *file) || name == VERSION_FILE || is_temporary(&name);
        if !ours {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

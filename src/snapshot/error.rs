//! What goes wrong with a source tree.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::guest::quote;

/// Why a source tree can't be read or copied.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file was written while it was read.
    #[error("the source tree changes while it is read: {path}")]
    Changing {
        /// The file, relative to the tree.
        path: PathBuf,
    },
    /// A file or folder can't be read.
    #[error("reading {path} of the source tree")]
    Read {
        /// The file, relative to the tree.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The tree is a git repository, and git isn't installed.
    #[error("{root} is in a git repository, and there is no git to list its files")]
    GitMissing {
        /// The tree.
        root: PathBuf,
    },
    /// Git reads no repository that belongs to another user.
    #[error("git refuses to read {root}: it belongs to another user")]
    Ownership {
        /// The tree.
        root: PathBuf,
        /// The user it belongs to, where that can be looked at.
        owner: Option<u32>,
    },
    /// Git failed otherwise.
    #[error("running git {command} in {root}: {message}")]
    Git {
        /// The arguments.
        command: String,
        /// The tree.
        root: PathBuf,
        /// What git said.
        message: String,
    },
    /// Git lists what is no path of a tree.
    #[error("git lists {path:?}, which is no path of a source tree")]
    Path {
        /// The listed path.
        path: PathBuf,
    },
    /// The commit to compare with doesn't exist.
    #[error("comparing with {base}: there is no such commit in {root}")]
    NoSuchBase {
        /// The name that was given.
        base: String,
        /// The tree.
        root: PathBuf,
        /// True if the repository lacks a part of its history.
        shallow: bool,
    },
    /// The clone left out what a comparison needs, and nothing is fetched without being asked for.
    #[error("comparing with {base}: {root} is a partial clone, without the folders of that commit")]
    Partial {
        /// The name that was given.
        base: String,
        /// The tree.
        root: PathBuf,
    },
    /// The copy can't be written.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Error {
    /// Returns what to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Changing { path } => {
                Some(format!("run it again when nothing writes there, or have git ignore it: {}", ignoring(path)))
            }
            Self::Read { path, .. } => Some(format!("make it readable, or have git ignore it: {}", ignoring(path))),
            Self::GitMissing { .. } => Some("install git".to_owned()),
            Self::Ownership { owner, .. } => Some(match owner {
                Some(owner) => format!("run pikaci as that user: sudo -u '#{owner}' pikaci …"),
                None => "run pikaci as that user".to_owned(),
            }),
            Self::Path { .. } => Some("this repository's index isn't one that git makes: clone it again".to_owned()),
            Self::NoSuchBase { shallow: true, .. } => Some("git fetch --unshallow".to_owned()),
            Self::NoSuchBase { .. } => Some("git fetch".to_owned()),
            Self::Partial { base, .. } => {
                Some(format!("let git fetch them: git diff --name-only {}...HEAD", quote(base)))
            }
            Self::Git { .. } | Self::Other(_) => None,
        }
    }

    /// Returns the error for a file that doesn't stand still.
    pub(super) fn changing(path: &[u8]) -> Self {
        Self::Changing { path: PathBuf::from(OsStr::from_bytes(path)) }
    }

    /// Returns the error of reading a file; one that isn't what it just was has changed.
    pub(super) fn read(path: &[u8], errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR => Self::changing(path),
            errno => Self::Read { path: PathBuf::from(OsStr::from_bytes(path)), source: errno.into() },
        }
    }
}

/// Returns the command that has git ignore a file.
fn ignoring(path: &Path) -> String {
    format!("echo {} >> .gitignore", quote(&format!("/{}", path.display())))
}

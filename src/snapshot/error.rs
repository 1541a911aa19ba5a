//! Errors of reading and copying a source tree.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::config::nearest;
use crate::text::quote;

/// An error of reading or copying a source tree.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file was written while it was read.
    #[error("the source tree changed while it was read: {path}")]
    Changing {
        /// Path of the file, relative to the tree.
        path: PathBuf,
    },
    /// A file or folder can't be read.
    #[error("reading {path} of the source tree")]
    Read {
        /// Path of the file, relative to the tree.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The tree is a git repository, and git isn't installed.
    #[error("{root} is in a git repository, but git isn't installed")]
    GitMissing {
        /// Path of the tree.
        root: PathBuf,
    },
    /// The repository belongs to another user, so git refuses to read it.
    #[error("git refuses to read {root}: it belongs to another user")]
    Ownership {
        /// Path of the tree.
        root: PathBuf,
        /// Id of the user that the repository belongs to, if it can be read.
        owner: Option<u32>,
    },
    /// Git failed for any other reason.
    #[error("running git {command} in {root}: {message}")]
    Git {
        /// Arguments of git.
        command: String,
        /// Path of the tree.
        root: PathBuf,
        /// Error message of git.
        message: String,
    },
    /// Git lists a path that leads out of the tree or into `.git`.
    #[error("git lists {path:?}, which is not a valid path of a source tree")]
    Path {
        /// Path as git lists it.
        path: PathBuf,
    },
    /// The globs of a key are too large to be compared with files.
    #[error("the globs of `snapshot.{key}` are too large together: {source}")]
    Globs {
        /// The key.
        key: &'static str,
        /// Error of the compilation.
        source: globset::Error,
    },
    /// A job can't get the repository of the tree.
    #[error("`git = true` gives a job the repository of {root}, but {reason}")]
    NoGuestGit {
        /// Path of the tree.
        root: PathBuf,
        /// Reason why a job can't get it.
        reason: String,
        /// Remedy.
        hint: String,
    },
    /// The commit to compare with doesn't exist.
    #[error("comparing with {base}: there is no such commit in {root}")]
    NoSuchBase {
        /// Name of the commit, as the user gave it.
        base: String,
        /// Path of the tree.
        root: PathBuf,
        /// True if the repository is a shallow clone.
        shallow: bool,
        /// Names of branches that exist.
        branches: Vec<String>,
    },
    /// The repository is a partial clone that lacks the folders of a commit. pikaci never fetches them by itself.
    #[error("comparing with {base}: {root} is a partial clone, without the folders of that commit")]
    Partial {
        /// Name of the commit, as the user gave it.
        base: String,
        /// Path of the tree.
        root: PathBuf,
    },
    /// Any other error, for example of writing the copy.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Error {
    /// Returns the remedy, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Changing { path } => Some(format!(
                "run pikaci again when nothing writes to the file, or make git ignore it: {}",
                ignore_command(path)
            )),
            Self::Read { path, .. } => {
                let ignore = ignore_command(path);
                Some(format!("make it readable, make git ignore it: {ignore}; or name it in `snapshot.exclude`"))
            }
            Self::NoGuestGit { hint, .. } => Some(hint.clone()),
            Self::Globs { .. } => Some("name folders instead of patterns".to_owned()),
            Self::GitMissing { .. } => Some("install git".to_owned()),
            Self::Ownership { owner, .. } => Some(match owner {
                Some(owner) => format!("run pikaci as that user: sudo -u '#{owner}' pikaci …"),
                None => "run pikaci as that user".to_owned(),
            }),
            Self::Path { .. } => {
                Some("the index of the repository holds an invalid path: clone the repository again".to_owned())
            }
            Self::NoSuchBase { shallow: true, .. } => Some("git fetch --unshallow".to_owned()),
            Self::NoSuchBase { base, branches, .. } => {
                let names = || branches.iter().map(String::as_str);
                Some(match nearest(base, names()) {
                    Some(nearest) => format!("git fetch; or did you mean {nearest:?}?"),
                    None if branches.is_empty() => "git fetch".to_owned(),
                    None => format!("git fetch; the branches here are {}", names().collect::<Vec<_>>().join(", ")),
                })
            }
            Self::Partial { base, .. } => {
                Some(format!("let git fetch the missing folders: git diff --name-only {}...HEAD", quote(base)))
            }
            Self::Git { .. } | Self::Other(_) => None,
        }
    }

    /// Returns the error of a repository that no job can get.
    pub(super) fn no_guest_git(root: &Path, reason: &str, hint: &str) -> Self {
        Self::NoGuestGit { root: root.to_owned(), reason: reason.to_owned(), hint: hint.to_owned() }
    }

    /// Returns the error of a file that changed while it was read.
    pub(super) fn changing(path: &[u8]) -> Self {
        Self::Changing { path: PathBuf::from(OsStr::from_bytes(path)) }
    }

    /// Returns the error of reading a file. A file that has disappeared or has another type counts as changed.
    pub(super) fn read(path: &[u8], errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR => Self::changing(path),
            errno => Self::Read { path: PathBuf::from(OsStr::from_bytes(path)), source: errno.into() },
        }
    }
}

/// Returns the command that makes git ignore a file.
fn ignore_command(path: &Path) -> String {
    format!("echo {} >> .gitignore", quote(&format!("/{}", path.display())))
}

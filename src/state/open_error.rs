//! Errors of opening a state folder.

use std::path::PathBuf;

use super::state_layout::StateLayout;
use crate::text::quote;

/// The version of the layout that this pikaci writes and reads.
pub(super) const VERSION: u32 = 1;

/// Reason for which a folder can't be the state folder.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A pikaci with another version of the layout created the folder.
    #[error("the state folder {path} has version {version:?}, and this pikaci supports version {VERSION}")]
    Version {
        /// The folder.
        path: PathBuf,
        /// The content of its file `version`.
        version: String,
    },
    /// The path isn't a folder.
    #[error("the state folder {path} is not a folder")]
    NoFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder contains files of another program.
    #[error("{path} is not a state folder: it contains {entry:?} and no file `version`")]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// An entry of another program.
        entry: String,
    },
    /// The folder or an entry of pikaci in it is a symbolic link.
    #[error("{path} is a symbolic link, and pikaci follows no links to its state")]
    Linked {
        /// The link.
        path: PathBuf,
    },
    /// The folder belongs to another user.
    #[error("the state folder {path} belongs to another user (uid {owner})")]
    Owner {
        /// The folder.
        path: PathBuf,
        /// Id of that user.
        owner: u32,
    },
    /// Other users can write to the folder.
    #[error("other users can write to the state folder {path} (mode {mode:04o})")]
    Shared {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The folder can't be created or written.
    #[error("the state folder {path} can't be created or written")]
    Unwritable {
        /// The folder.
        path: PathBuf,
        /// The error.
        source: anyhow::Error,
    },
}

impl OpenError {
    /// Returns the remedy.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Version { path, .. } => {
                format!("use the pikaci that created it, or remove it: rm -r {}", quote(&path.to_string_lossy()))
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
                format!("if nobody else wrote to it: chmod go-w {path}; otherwise remove it: rm -r {path}")
            }
            Self::NoFolder { path } => {
                format!("move {} away, or name another folder with --state-root", path.display())
            }
            // Only a state folder has such an entry.
            Self::Foreign { path, entry } if StateLayout::ENTRIES.contains(&entry.as_str()) => format!(
                "if pikaci created it, its file `version` was lost: echo {VERSION} > {}; or name another folder with --state-root",
                quote(&StateLayout::new(path.clone()).version().to_string_lossy())
            ),
            Self::Foreign { .. } | Self::Unwritable { .. } => "name another folder with --state-root".to_owned(),
        }
    }
}

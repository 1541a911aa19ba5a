//! Shares: folders of the host that a guest sees.

use std::path::PathBuf;

/// The files that a share shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareTree {
    /// A folder as it is.
    Folder(PathBuf),
    /// The host's `/usr`, the needed part of `/etc` and the package database, as `usr`, `etc` and `dpkg`.
    HostUserland,
    /// A Nix store and the names of the shared paths in it; `None` shares the whole store, which bubblewrap refuses.
    Store(PathBuf, Option<Vec<String>>),
}

/// User ids at both ends of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareUsers {
    /// The user that pikaci runs as.
    pub host: u32,
    /// The user that the job runs as.
    pub guest: u32,
}

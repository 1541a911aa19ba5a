//! The access that this user has to the Nix store.

use std::path::PathBuf;

/// Access of this user to the Nix store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAccess {
    /// The store opens.
    Opens {
        /// Address of the store.
        address: String,
        /// False if the store belongs to a daemon that ignores this user's `--builders`.
        trusts: bool,
    },
    /// The store doesn't open; holds the output of Nix.
    Closed(String),
    /// The store opens, and belongs to this user, in this folder.
    Own(PathBuf),
    /// The store is in another folder or on another machine, at this address.
    Elsewhere(String),
}

//! Candidates for removal.

use std::path::PathBuf;

use crate::foreign::Beneath;
use crate::record::RemovedKind;

/// Something that may be removed.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) kind: RemovedKind,
    /// The path, and the paths of files that belong to it.
    pub(super) paths: Vec<Beneath>,
    pub(super) guard: RemovalGuard,
}

/// The lock that a removal must hold. A candidate stays if another process holds the lock.
#[derive(Clone, Debug)]
pub(super) enum RemovalGuard {
    /// No lock.
    Nothing,
    /// A lock, if its file exists.
    Existing(Beneath),
    /// A lock whose file is created if it is absent.
    Lock(Beneath),
    /// The lock of the parent folder.
    Folder(Beneath),
}

impl Candidate {
    /// Returns a leftover without a guard.
    pub(super) fn leftover(path: Beneath) -> Self {
        Self { kind: RemovedKind::Leftover, paths: vec![path], guard: RemovalGuard::Nothing }
    }

    /// Returns the path for reports, relative to the state folder.
    pub(super) fn name(&self) -> PathBuf {
        self.paths[0].relative().to_owned()
    }
}

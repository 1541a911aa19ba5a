//! References to files of the host, with a digest of their content.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// A file of the host whose content goes into a flake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// Path of the file.
    pub path: PathBuf,
    /// Encoding of the content in the file.
    pub encoding: Encoding,
    /// Length of the content, in bytes.
    pub len: u64,
    /// Digest of the content.
    pub sha256: Digest,
}

/// Encoding of a blob's content in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The file is the content.
    Plain,
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// The ELF kernel in the payload of an x86 bzImage
    /// (`Documentation/arch/x86/boot.rst`, `payload_offset`).
    BzImagePayload,
}

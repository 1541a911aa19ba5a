//! Reading of records.

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;

use crate::foreign::Beneath;

/// Maximum size of a record, in bytes.
const RECORD_LIMIT: u64 = 64 << 20;

/// Reads a record, a plan or a log of events.
///
/// # Errors
/// When the path is not a regular file, the file exceeds 64 MiB, or it can't be read.
pub fn read_bounded(path: &Beneath) -> Result<Vec<u8>> {
    path.read(RECORD_LIMIT).with_context(|| format!("reading {}", path.display()))
}

/// Reads a value from a JSON file.
///
/// # Errors
/// When the file can't be read or doesn't hold such a value.
pub fn read_json<T: DeserializeOwned>(path: &Beneath) -> Result<T> {
    serde_json::from_slice(&read_bounded(path)?).with_context(|| format!("decoding {}", path.display()))
}

//! The disk quota of a run.

use std::path::Path;

use anyhow::Context as _;

use crate::cli::failure::Failure;
use crate::host::free_disk;
use crate::quota::Quota;

/// The disk quota of a run on a large disk, in bytes.
const DEFAULT_BYTES: u64 = 10 << 30;

/// Returns the disk quota that the operator chose, in MiB; by default a tenth of the free space on the disk of a
/// folder, or 10 GiB if that is less.
pub fn disk_quota(chosen_mib: Option<u64>, folder: &Path) -> Result<Quota, Failure> {
    if let Some(mib) = chosen_mib {
        return Ok(Quota::new(mib.saturating_mul(1 << 20)));
    }
    let free =
        free_disk(folder).with_context(|| format!("reading the free space on the disk of {}", folder.display()))?;
    Ok(Quota::new((free / 10).min(DEFAULT_BYTES)))
}

//! Landlock: macOS has none.

use anyhow::{Result, bail};

use super::Allowed;

/// Returns false.
#[must_use]
pub fn has_landlock() -> bool {
    false
}

/// Fails.
pub fn confine_thread(_allowed: &Allowed) -> Result<()> {
    bail!("macOS has no Landlock")
}

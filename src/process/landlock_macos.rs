//! Landlock on macOS, which has none.

use anyhow::{Result, bail};

use super::LandlockRules;

/// Returns false.
#[must_use]
pub fn has_landlock() -> bool {
    false
}

/// Returns an error.
pub fn confine_thread(_allowed: &LandlockRules) -> Result<()> {
    bail!("macOS has no Landlock")
}

//! The programs for guests in vfkit.

use std::path::PathBuf;

use super::boot_form::BootForm;

/// The programs for guests in vfkit.
#[derive(Clone, Debug)]
pub struct VfkitPrograms {
    /// Path of vfkit.
    pub vfkit: PathBuf,
    /// Form of vfkit's arguments for a kernel.
    pub boot: BootForm,
}

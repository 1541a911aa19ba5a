//! The program that runs a guest in vfkit.

use std::path::PathBuf;

use super::boot_form::BootForm;

/// The program that runs a guest in vfkit.
#[derive(Clone, Debug)]
pub struct VfkitPrograms {
    /// Path of vfkit.
    pub vfkit: PathBuf,
    /// The form of its arguments for a kernel.
    pub boot: BootForm,
}

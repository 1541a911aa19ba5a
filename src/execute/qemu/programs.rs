//! The programs for guests in QEMU.

use std::path::PathBuf;

use super::jail::Jail;
use super::virtiofs::VirtiofsProgram;

/// The programs for guests in QEMU.
#[derive(Clone, Debug)]
pub struct QemuPrograms {
    /// QEMU.
    pub qemu: QemuProgram,
    /// The daemon of shares.
    pub virtiofs: VirtiofsProgram,
}

/// QEMU and its jail.
#[derive(Clone, Debug)]
pub struct QemuProgram {
    /// Path of QEMU.
    pub path: PathBuf,
    /// Jail of QEMU.
    pub jail: Jail,
}

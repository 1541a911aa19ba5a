//! The accelerators of QEMU.

/// The way in which QEMU runs the instructions of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// Hardware virtualization by the host's kernel.
    Kvm,
    /// Translation by QEMU, which works on every machine.
    Tcg,
}

impl Accelerator {
    /// Returns the accelerator's name in QEMU.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

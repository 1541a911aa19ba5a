//! The ways in which QEMU runs the instructions of a guest.

/// How QEMU runs the guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By the CPU itself.
    Kvm,
    /// By translation, on any machine.
    Tcg,
}

impl Accelerator {
    /// Returns QEMU's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

//! The options for the machine of a guest.

use clap::Args;

use crate::execute::qemu::jail::JailChoice;
use crate::execute::qemu::kvm_probe::AcceleratorChoice;

/// The options for the machine of a guest.
#[derive(Clone, Copy, Debug, Args)]
pub struct MachineArgs {
    /// Run guests with KVM or with emulation (TCG)
    #[arg(long, value_enum, default_value_t, env = "PIKACI_ACCEL")]
    pub accel: AcceleratorChoice,
    /// Confine QEMU with bubblewrap or Landlock; `none` leaves QEMU and Nix unconfined
    #[arg(long, value_enum, default_value_t, env = "PIKACI_JAIL")]
    pub jail: JailChoice,
}

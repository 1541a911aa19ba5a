//! The capabilities of QEMU and the programs that it needs.

use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::tools::Program;

/// Capabilities of QEMU.
pub const CAPABILITIES: Capabilities = Capabilities {
    hypervisor: Hypervisor::Qemu,
    name: "QEMU",
    read_only_shares: true,
    host_store: true,
    secrets: true,
    programs: &[
        Program {
            name: "qemu-system-",
            oldest: None,
            install: "on Debian: sudo apt-get install qemu-system-x86 (or -arm)",
        },
        Program {
            name: "virtiofsd",
            // The first version with `--readonly`.
            oldest: Some((1, 13)),
            install: "on Debian 13: sudo apt-get install virtiofsd; elsewhere: cargo install virtiofsd",
        },
        Program {
            name: "bwrap",
            // The first version with `--perms`.
            oldest: Some((0, 5)),
            install: "on Debian: sudo apt-get install bubblewrap",
        },
    ],
};

//! The capabilities of QEMU and the programs that it needs.

use crate::plan::hypervisor::{Capabilities, Hypervisor, Program};

/// What QEMU can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    hypervisor: Hypervisor::Qemu,
    name: "QEMU",
    read_only_shares: true,
    host_store: true,
    programs: &[
        Program {
            name: "qemu-system-",
            oldest: None,
            install: "on Debian: sudo apt-get install qemu-system-x86 (or -arm)",
        },
        Program {
            name: "virtiofsd",
            // It has `--readonly` since then.
            oldest: Some((1, 13)),
            install: "on Debian 13: sudo apt-get install virtiofsd; elsewhere: cargo install virtiofsd",
        },
        Program {
            name: "bwrap",
            // It has `--perms` since then.
            oldest: Some((0, 5)),
            install: "on Debian: sudo apt-get install bubblewrap",
        },
    ],
};

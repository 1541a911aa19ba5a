//! The hypervisors of this host, ready to start a guest.

use std::sync::mpsc::SyncSender;

use anyhow::Result;

use super::guest_message::GuestMessage;
use super::qemu::{self, Accelerator, QemuProgram, QemuPrograms, VirtiofsProgram};
use super::running_guest::RunningGuest;
use super::vfkit::{self, VfkitPrograms};
use super::vm_spec::VmSpec;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::process::{Group, LogPipe};

/// The programs of a hypervisor on this host.
#[derive(Clone, Debug)]
pub enum HypervisorPrograms {
    /// QEMU.
    Qemu(QemuPrograms),
    /// vfkit.
    Vfkit(VfkitPrograms),
}

/// A hypervisor with the programs that start a guest.
#[derive(Clone, Copy, Debug)]
pub enum Launcher<'a> {
    /// QEMU.
    Qemu {
        /// QEMU and its jail.
        qemu: &'a QemuProgram,
        /// The daemon of shares, if the guest has any.
        virtiofs: Option<&'a VirtiofsProgram>,
        /// The accelerator.
        accelerator: Accelerator,
    },
    /// vfkit.
    Vfkit(&'a VfkitPrograms),
}

/// Returns the capabilities of a hypervisor.
#[must_use]
pub fn capabilities(hypervisor: Hypervisor) -> &'static Capabilities {
    match hypervisor {
        Hypervisor::Qemu => &qemu::CAPABILITIES,
        Hypervisor::Vfkit => &vfkit::CAPABILITIES,
    }
}

impl Launcher<'_> {
    /// Returns the capabilities of the hypervisor.
    #[must_use]
    pub fn capabilities(&self) -> &'static Capabilities {
        match self {
            Self::Qemu { .. } => capabilities(Hypervisor::Qemu),
            Self::Vfkit(_) => capabilities(Hypervisor::Vfkit),
        }
    }

    /// Starts a guest in a process group. Its programs print into `log`, and messages about the guest go to `sender`.
    pub(super) fn launch(
        &self,
        vm: &VmSpec<'_>,
        group: &Group,
        log: &LogPipe,
        sender: &SyncSender<GuestMessage>,
    ) -> Result<RunningGuest> {
        match *self {
            Self::Qemu { qemu, virtiofs, accelerator } => {
                qemu::launch(qemu, virtiofs, accelerator, vm, group, log, sender)
            }
            Self::Vfkit(programs) => vfkit::launch(programs, vm, group, log, sender),
        }
    }
}

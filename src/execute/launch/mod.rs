//! What differs between hypervisors around a guest: how it is started, where its streams are, how it is asked to end.

#![expect(clippy::disallowed_methods, reason = "waits for processes on threads")]

mod qemu;
pub mod stop;
mod vfkit;

use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use anyhow::Result;

use super::jail::Jail;
use super::qemu::Accelerator;
use super::share;
use super::supervise::Message;
use super::vfkit_boot::BootForm;
use super::vm::Guest;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::process::{Child, Copying, Group, LogPipe, ending};
use stop::Stop;

/// The programs of a hypervisor on this host.
#[derive(Clone, Debug)]
pub enum Programs {
    /// QEMU, and what serves shares.
    Qemu {
        /// QEMU.
        qemu: PathBuf,
        /// Its jail.
        jail: Jail,
        /// What serves shares.
        share: share::Programs,
    },
    /// vfkit.
    Vfkit {
        /// The program.
        vfkit: PathBuf,
        /// The form of its arguments for a kernel.
        boot: BootForm,
    },
}

/// A hypervisor with all that it takes to start it.
#[derive(Clone, Copy, Debug)]
pub enum Launcher<'a> {
    /// QEMU.
    Qemu {
        /// The program.
        qemu: &'a Path,
        /// Its jail.
        jail: &'a Jail,
        /// How instructions run.
        accelerator: Accelerator,
        /// What serves shares.
        share: &'a share::Programs,
    },
    /// vfkit.
    Vfkit {
        /// The program.
        vfkit: &'a Path,
        /// The form of its arguments for a kernel.
        boot: BootForm,
    },
}

/// Returns what a hypervisor can do.
#[must_use]
pub fn capabilities(hypervisor: Hypervisor) -> &'static Capabilities {
    match hypervisor {
        Hypervisor::Qemu => &super::qemu::CAPABILITIES,
        Hypervisor::Vfkit => &super::vfkit::CAPABILITIES,
    }
}

impl Launcher<'_> {
    /// Returns what it can do.
    #[must_use]
    pub fn capabilities(&self) -> &'static Capabilities {
        match self {
            Self::Qemu { .. } => capabilities(Hypervisor::Qemu),
            Self::Vfkit { .. } => capabilities(Hypervisor::Vfkit),
        }
    }

    /// Starts a guest in a group of processes, which print into a log; what it says goes to `sender`.
    pub(super) fn start(
        &self,
        guest: &Guest<'_>,
        group: &Group,
        log: &LogPipe,
        sender: &SyncSender<Message>,
    ) -> Result<Running> {
        match *self {
            Self::Qemu { qemu, jail, accelerator, share } => {
                qemu::start(qemu::Qemu { program: qemu, jail, accelerator, share }, guest, group, log, sender)
            }
            Self::Vfkit { vfkit, boot } => vfkit::start(vfkit, boot, guest, group, log, sender),
        }
    }
}

/// A guest that was started.
pub(super) struct Running {
    /// How its hypervisor is asked to end.
    pub(super) stop: Box<dyn Stop>,
    /// What copies the job's output into its log.
    pub(super) output: Copying,
    /// What copies the console into its log.
    pub(super) console: Copying,
}

/// Has the end of a process told.
fn watch(
    child: impl std::ops::Deref<Target = Child> + Send + 'static,
    sender: SyncSender<Message>,
    message: impl FnOnce(String, bool) -> Message + Send + 'static,
) {
    std::thread::spawn(move || {
        let (ended, well) = child
            .wait()
            .map_or_else(|error| (format!("{error:#}"), false), |status| (ending(status), status.success()));
        sender.send(message(ended, well)).ok();
    });
}

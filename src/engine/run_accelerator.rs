//! The launcher of a guest, with the accelerator that all guests of a run share.

use std::sync::OnceLock;

use anyhow::{Result, anyhow};

use crate::cancel::Cancel;
use crate::execute::launcher::{HypervisorPrograms, Launcher};
use crate::execute::qemu::Accelerator;
use crate::execute::qemu::kvm_probe::{AcceleratorChoice, ResolvedAccelerator, resolve_accelerator};
use crate::prepare::Runner;
use crate::state::StateLayout;

/// The accelerator of all guests of a run, which the first guest resolves.
#[derive(Debug, Default)]
pub struct RunAccelerator(OnceLock<Result<Accelerator, String>>);

impl RunAccelerator {
    /// Returns the launcher of a guest that boots `runner`. The first call resolves the accelerator and passes it to
    /// `report`.
    ///
    /// # Errors
    /// When the accelerator can't be resolved.
    pub fn launcher<'p>(
        &self,
        programs: &'p HypervisorPrograms,
        choice: AcceleratorChoice,
        runner: &Runner,
        state: &StateLayout,
        cancel: &Cancel,
        report: &dyn Fn(&ResolvedAccelerator),
    ) -> Result<Launcher<'p>> {
        let programs = match programs {
            HypervisorPrograms::Qemu(programs) => programs,
            HypervisorPrograms::Vfkit(programs) => return Ok(Launcher::Vfkit(programs)),
        };
        let resolved = self.0.get_or_init(|| {
            let resolved = resolve_accelerator(choice, &programs.qemu, runner, state, cancel);
            let resolved = resolved.map_err(|error| format!("{error:#}"))?;
            report(&resolved);
            Ok(resolved.accelerator)
        });
        let accelerator = resolved.clone().map_err(|error| anyhow!(error))?;
        Ok(Launcher::Qemu { qemu: &programs.qemu, virtiofs: Some(&programs.virtiofs), accelerator })
    }
}

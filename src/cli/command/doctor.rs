//! `pikaci doctor`: can jobs run on this machine?

use clap::Args;

use crate::cli::doctor_probe::Machine;
use crate::cli::execute_plan::watch_signals;
use crate::cli::failure::{Exit, Failure};
use crate::cli::format::Format;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::doctor::{Level, findings};
use crate::execute::qemu::jail::JailChoice;
use crate::plan::hypervisor::Hypervisor;
use crate::report::{self, Diagnosis};

#[derive(Debug, Args)]
pub struct Options {
    /// What is to boot the guests [default: qemu on Linux, vfkit on macOS]
    #[arg(long, value_enum, env = "PIKACI_HYPERVISOR")]
    hypervisor: Option<Hypervisor>,
    /// Confine QEMU by bubblewrap or by Landlock [auto: by the better one that works here]; `none` leaves it unconfined
    #[arg(long, value_enum, default_value_t, env = "PIKACI_JAIL")]
    jail: JailChoice,
    /// The builders that `pikaci run` is to use, in Nix's own words
    #[arg(long, value_name = "SPEC", env = "PIKACI_BUILDERS")]
    builders: Option<String>,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let machine = Machine::find(project_args, options.hypervisor, options.jail);
    let mut seen = machine.ask(options.builders.is_some());
    // A guest that is tried leaves nothing behind when a signal ends it; what was done before needs no such care.
    let cancel = watch_signals()?;
    seen.acceleration = machine.accelerate(&cancel);
    if let Some(exit) = cancel.signal().and_then(Exit::of_signal) {
        return Ok(exit);
    }
    let diagnosis = Diagnosis::new(machine.hypervisor.hypervisor, findings(&seen));
    match options.format {
        Format::Json => print_json(&diagnosis)?,
        Format::Human => print(&report::doctor(&diagnosis))?,
    }
    Ok(if diagnosis.count(Level::Problem) > 0 { Exit::NoVm } else { Exit::Passed })
}

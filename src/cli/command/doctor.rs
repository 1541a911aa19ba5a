//! `pikaci doctor`: checks whether jobs can run on this machine.

use clap::Args;

use crate::cli::doctor_probe::DoctorProbe;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::output::{print, print_json};
use crate::cli::project_args::ProjectArgs;
use crate::cli::watch_signals::watch_signals;
use crate::doctor::diagnose;
use crate::execute::qemu::jail::JailChoice;
use crate::plan::hypervisor::Hypervisor;
use crate::report::{self, Diagnosis};
use crate::tools::Level;

#[derive(Debug, Args)]
pub struct Options {
    /// The hypervisor that boots guests [default: qemu on Linux, vfkit on macOS]
    #[arg(long, value_enum, env = "PIKACI_HYPERVISOR")]
    hypervisor: Option<Hypervisor>,
    /// Check this confinement of QEMU
    #[arg(long, value_enum, default_value_t, env = "PIKACI_JAIL")]
    jail: JailChoice,
    /// The builders that `pikaci run` uses, in the syntax of Nix's `builders` setting
    #[arg(long, value_name = "SPEC", env = "PIKACI_BUILDERS")]
    builders: Option<String>,
    /// Format of the findings
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    format: Format,
}

pub fn main(project_args: &ProjectArgs, options: &Options) -> Result<Exit, Failure> {
    let probe = DoctorProbe::gather(project_args, options.hypervisor, options.jail);
    let mut results = probe.run(options.builders.is_some());
    // From here on a signal must not leave a guest behind; the probes above leave nothing behind.
    let cancel = watch_signals()?;
    results.acceleration = probe.probe_acceleration(&cancel);
    if let Some(exit) = cancel.signal().and_then(Exit::of_signal) {
        return Ok(exit);
    }
    let diagnosis = Diagnosis::new(probe.hypervisor.hypervisor, diagnose(&results));
    match options.format {
        Format::Json => print_json(&diagnosis)?,
        Format::Human => print(&report::doctor(&diagnosis))?,
    }
    Ok(if diagnosis.count(Level::Problem) > 0 { Exit::NoVm } else { Exit::Passed })
}

//! The programs that a run needs: resolves them, and refuses missing or outdated ones.

#![expect(clippy::disallowed_methods, reason = "reads the variables of the environment that Nix reads")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::failure::Failure;
use crate::cli::machine_args::MachineArgs;
use crate::doctor::{self, InstalledProgram};
use crate::engine::GuestPrograms;
use crate::execute::launcher::{HypervisorPrograms, capabilities};
use crate::execute::qemu::jail::{Jail, JailChoice, Jails, bwrap_fault};
use crate::execute::qemu::kvm_probe::{AcceleratorChoice, open_kvm};
use crate::execute::qemu::{QemuProgram, QemuPrograms, VirtiofsProgram};
use crate::execute::vfkit::{BootForm, VfkitPrograms};
use crate::facts::HostFacts;
use crate::nix::Nix;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::process::{Invocation, capture};
use crate::tools::{Finding, Level, NIX, kvm_unavailable};

/// Program that confines the daemons of shares.
pub const BWRAP: &str = "bwrap";
/// Time limit of a program that prints its version or help.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the programs that build and boot guests on this host, or a failure with the remedy if one is missing or too
/// old. Makes only those checks of `pikaci doctor` that take next to no time.
pub fn resolve_guest_programs(
    facts: &HostFacts,
    hypervisor: &Capabilities,
    machine: MachineArgs,
) -> Result<GuestPrograms, Failure> {
    let programs = hypervisor_programs(facts, hypervisor, machine, true)?;
    let arch = facts.arch();
    let nix = confined_nix(facts, machine.jail)?;
    let uid = rustix::process::getuid().as_raw();
    Ok(GuestPrograms { nix, hypervisor: programs, arch: arch.to_owned(), uid })
}

/// Returns the programs that boot a guest. With `confine`, they include the programs that confine the others.
pub fn hypervisor_programs(
    facts: &HostFacts,
    hypervisor: &Capabilities,
    machine: MachineArgs,
    confine: bool,
) -> Result<HypervisorPrograms, Failure> {
    let arch = facts.arch();
    let mut paths = BTreeMap::new();
    for program in hypervisor.programs.iter().filter(|program| confine || program.name != BWRAP) {
        let path = facts.tools.get(&program.name(arch));
        let installed = path.map(|path| InstalledProgram {
            path: path.clone(),
            version_output: program.oldest.map(|_| version_output(path)),
            fault: None,
        });
        refuse_problem(&doctor::check_program(program, arch, installed.as_ref()))?;
        paths.extend(path.map(|path| (program.name, path.clone())));
    }
    if machine.accel == AcceleratorChoice::Kvm && hypervisor.hypervisor == Hypervisor::Qemu {
        refuse_without_kvm()?;
    }
    let mut take = |name| paths.remove(name).with_context(|| format!("{} has no {name}", hypervisor.name));
    Ok(match hypervisor.hypervisor {
        Hypervisor::Vfkit => {
            let vfkit = take("vfkit")?;
            HypervisorPrograms::Vfkit(VfkitPrograms {
                boot: BootForm::of_help(&option_output(&vfkit, "--help")),
                vfkit,
            })
        }
        Hypervisor::Qemu => {
            let jails = if confine {
                let bwrap = take(BWRAP)?;
                let (isolation, jails) = machine.jail.jails(&bwrap, bwrap_fault(&bwrap));
                jails.ok_or_else(|| Failure::no_vm(&doctor::check_isolation(&isolation)))?
            } else {
                Jails { hypervisor: Jail::None, share: Jail::None }
            };
            HypervisorPrograms::Qemu(QemuPrograms {
                qemu: QemuProgram { path: take("qemu-system-")?, jail: jails.hypervisor },
                virtiofs: VirtiofsProgram { virtiofsd: take("virtiofsd")?, jail: jails.share },
            })
        }
    })
}

/// Returns the Nix of this host in its jail, or a failure with the remedy.
pub fn confined_nix(facts: &HostFacts, jail: JailChoice) -> Result<Nix, Failure> {
    let nix = installed_nix(facts).ok_or_else(|| Failure::no_vm(&doctor::check_program(&NIX, facts.arch(), None)))?;
    Ok(nix.confined_by(nix_bwrap(facts, jail)?))
}

/// Returns the Nix of this host.
pub fn installed_nix(facts: &HostFacts) -> Option<Nix> {
    Some(Nix::new(facts.tools.get(NIX.name)?, |name| std::env::var_os(name)))
}

/// Returns the bubblewrap that confines Nix; `None` if the operator declined it, or on macOS, which doesn't have it.
fn nix_bwrap(facts: &HostFacts, jail: JailChoice) -> Result<Option<PathBuf>, Failure> {
    if !facts.system.ends_with("-linux") || jail == JailChoice::None {
        return Ok(None);
    }
    let path = facts.tools.get(BWRAP);
    let bwrap = capabilities(Hypervisor::Qemu).programs.iter().find(|program| program.name == BWRAP);
    match (path, bwrap) {
        (None, Some(bwrap)) => Err(Failure::no_vm(&doctor::check_program(bwrap, facts.arch(), None))),
        _ => Ok(path.cloned()),
    }
}

/// Returns the output of a program's `--version`; empty if the program fails.
pub fn version_output(program: &Path) -> String {
    option_output(program, "--version")
}

fn option_output(program: &Path, option: &str) -> String {
    let output = capture(Invocation::new(program).args([option]), TIMEOUT);
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Refuses to share the host's `/usr` if bubblewrap doesn't work: it hides the files that only root may read.
pub fn refuse_without_bwrap(programs: &HypervisorPrograms, facts: &HostFacts) -> Result<(), Failure> {
    let HypervisorPrograms::Qemu(programs) = programs else { return Ok(()) };
    if matches!(programs.virtiofs.jail, Jail::Bwrap(_)) {
        return Ok(());
    }
    let bwrap = capabilities(Hypervisor::Qemu).programs.iter().find(|program| program.name == BWRAP);
    let installed = facts.tools.get(BWRAP).map(|path| InstalledProgram {
        path: path.clone(),
        version_output: None,
        fault: bwrap_fault(path),
    });
    bwrap.map_or(Ok(()), |bwrap| refuse_problem(&doctor::check_program(bwrap, facts.arch(), installed.as_ref())))
}

fn refuse_problem(finding: &Finding) -> Result<(), Failure> {
    if finding.level == Level::Problem { Err(Failure::no_vm(finding)) } else { Ok(()) }
}

fn refuse_without_kvm() -> Result<(), Failure> {
    open_kvm().map_err(|error| {
        let (reason, remedy) = kvm_unavailable(&error);
        Failure::no_vm(&Finding::problem("kvm", reason, format!("{remedy}; or have guests emulated: --accel=tcg")))
    })
}

//! The programs that a run needs, found and new enough.

#![expect(clippy::disallowed_methods, reason = "asks the environment what Nix listens to")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use crate::cli::failure::Failure;
use crate::doctor::{self, Finding, Level, Seen, closed};
use crate::engine::Machines;
use crate::execute::launcher::{HypervisorPrograms, capabilities};
use crate::execute::qemu::jail::{Jail, JailChoice, Jails, fault};
use crate::execute::qemu::kvm_probe::{AcceleratorChoice, open_kvm};
use crate::execute::qemu::{QemuProgram, QemuPrograms, VirtiofsProgram};
use crate::execute::vfkit::{BootForm, VfkitPrograms};
use crate::nix::Nix;
use crate::plan::facts::HostFacts;
use crate::plan::hypervisor::{Capabilities, Hypervisor, NIX};
use crate::process::{Invocation, capture};

/// What confines the daemons of shares.
pub const BWRAP: &str = "bwrap";
/// How long a program may take to tell its version.
const DEADLINE: Duration = Duration::from_secs(5);

/// The options for the machine of a guest.
#[derive(Clone, Copy, Debug, Args)]
pub struct MachineArgs {
    /// Run guests by KVM, by emulation, or by KVM where it works
    #[arg(long, value_enum, default_value_t, env = "PIKACI_ACCEL")]
    pub accel: AcceleratorChoice,
    /// Confine QEMU by bubblewrap or by Landlock [auto: by the better one that works here]; `none` leaves QEMU and Nix
    /// unconfined
    #[arg(long, value_enum, default_value_t, env = "PIKACI_JAIL")]
    pub jail: JailChoice,
}

/// Returns the programs and the user of this host, or what to do so that any job can run: of all that `pikaci doctor`
/// tells, what costs a run next to nothing.
pub fn machines(facts: &HostFacts, hypervisor: &Capabilities, machine: MachineArgs) -> Result<Machines, Failure> {
    let programs = hypervisor_programs(facts, hypervisor, machine, true)?;
    let arch = facts.arch();
    let nix = nix(facts).ok_or_else(|| Failure::no_vm(&doctor::program(&NIX, arch, None)))?;
    let nix = nix.confined_by(bwrap(facts, machine.jail)?);
    let uid = rustix::process::getuid().as_raw();
    Ok(Machines { nix, programs, arch: arch.to_owned(), uid })
}

/// Returns the programs that boot a guest, with or without what confines the daemons of shares.
pub fn hypervisor_programs(
    facts: &HostFacts,
    hypervisor: &Capabilities,
    machine: MachineArgs,
    confine: bool,
) -> Result<HypervisorPrograms, Failure> {
    let arch = facts.arch();
    let mut found = BTreeMap::new();
    for program in hypervisor.programs.iter().filter(|program| confine || program.name != BWRAP) {
        let path = facts.tools.get(&program.name(arch));
        let said = |path: &Path| program.oldest.map(|_| version(path));
        let seen = path.map(|path| Seen { path: path.clone(), said: said(path), failed: None });
        refuse(&doctor::program(program, arch, seen.as_ref()))?;
        found.extend(path.map(|path| (program.name, path.clone())));
    }
    if machine.accel == AcceleratorChoice::Kvm && hypervisor.hypervisor == Hypervisor::Qemu {
        refuse_without_kvm()?;
    }
    let mut take = |name| found.remove(name).with_context(|| format!("{} has no {name}", hypervisor.name));
    Ok(match hypervisor.hypervisor {
        Hypervisor::Vfkit => {
            let vfkit = take("vfkit")?;
            HypervisorPrograms::Vfkit(VfkitPrograms { boot: BootForm::of_help(&said(&vfkit, "--help")), vfkit })
        }
        Hypervisor::Qemu => {
            let jails = if confine {
                let bwrap = take(BWRAP)?;
                let (isolation, jails) = machine.jail.jails(&bwrap, fault(&bwrap));
                jails.ok_or_else(|| Failure::no_vm(&doctor::isolation(&isolation)))?
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

/// Returns the Nix of this host.
pub fn nix(facts: &HostFacts) -> Option<Nix> {
    Some(Nix::new(facts.tools.get(NIX.name)?, |name| std::env::var_os(name)))
}

/// Returns what confines Nix, if something is to: macOS hasn't got it.
fn bwrap(facts: &HostFacts, jail: JailChoice) -> Result<Option<PathBuf>, Failure> {
    if !facts.system.ends_with("-linux") || jail == JailChoice::None {
        return Ok(None);
    }
    let path = facts.tools.get(BWRAP);
    let bwrap = capabilities(Hypervisor::Qemu).programs.iter().find(|program| program.name == BWRAP);
    match (path, bwrap) {
        (None, Some(bwrap)) => Err(Failure::no_vm(&doctor::program(bwrap, facts.arch(), None))),
        _ => Ok(path.cloned()),
    }
}

/// Returns what a program says of its version; nothing where it doesn't say anything.
pub fn version(program: &Path) -> String {
    said(program, "--version")
}

fn said(program: &Path, option: &str) -> String {
    let said = capture(Invocation::new(program).args([option]), DEADLINE);
    said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
}

/// Refuses to share the host's `/usr` where bubblewrap doesn't work, which shows it without what only root may read.
pub fn refuse_without_bwrap(programs: &HypervisorPrograms, facts: &HostFacts) -> Result<(), Failure> {
    let HypervisorPrograms::Qemu(programs) = programs else { return Ok(()) };
    if matches!(programs.virtiofs.jail, Jail::Bwrap(_)) {
        return Ok(());
    }
    let bwrap = capabilities(Hypervisor::Qemu).programs.iter().find(|program| program.name == BWRAP);
    let seen = facts.tools.get(BWRAP).map(|path| Seen { path: path.clone(), said: None, failed: fault(path) });
    bwrap.map_or(Ok(()), |bwrap| refuse(&doctor::program(bwrap, facts.arch(), seen.as_ref())))
}

fn refuse(finding: &Finding) -> Result<(), Failure> {
    if finding.level == Level::Problem { Err(Failure::no_vm(finding)) } else { Ok(()) }
}

fn refuse_without_kvm() -> Result<(), Failure> {
    open_kvm().map_err(|error| {
        let (why, remedy) = closed(&error);
        Failure::no_vm(&Finding::problem("kvm", why, format!("{remedy}; or have guests emulated: --accel=tcg")))
    })
}

//! The programs that a run needs, found and new enough.

#![expect(clippy::disallowed_methods, reason = "asks the environment what Nix listens to")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

use super::{Exit, Failure};
use crate::engine::Host;
use crate::execute::launch::Programs;
use crate::execute::share;
use crate::nix::Nix;
use crate::plan::facts::HostFacts;
use crate::plan::hypervisor::{Capabilities, Hypervisor, Program};
use crate::process::{Invocation, capture};

const VIRTIOFSD: &str = "virtiofsd";
const BWRAP: &str = "bwrap";
/// How long a program may take to tell its version.
const DEADLINE: Duration = Duration::from_secs(5);

/// Returns the programs and the user of this host, or what to install.
pub fn programs(facts: &HostFacts, hypervisor: &Capabilities) -> Result<(Host, Nix), Failure> {
    let programs = hypervisor_programs(facts, hypervisor, true)?;
    let no_nix =
        || no_vm("there is no nix", "see https://nixos.org/download, or on Debian 13: sudo apt-get install nix-bin");
    let nix = facts.tools.get("nix").ok_or_else(no_nix)?;
    let uid = rustix::process::getuid().as_raw();
    let nix = Nix::new(nix, |name| std::env::var_os(name));
    Ok((Host { programs, arch: facts.arch().to_owned(), uid }, nix))
}

/// Returns the programs that boot a guest, with or without what confines the daemons of shares.
pub fn hypervisor_programs(facts: &HostFacts, hypervisor: &Capabilities, confine: bool) -> Result<Programs, Failure> {
    let arch = facts.arch();
    let mut found = BTreeMap::new();
    for program in hypervisor.programs.iter().filter(|program| confine || program.name != BWRAP) {
        let name = program.name(arch);
        let path = facts.tools.get(&name).ok_or_else(|| no_vm(&format!("there is no {name}"), program.install))?;
        found.insert(program.name, path.clone());
        if program.name == VIRTIOFSD {
            refuse_old(path, program)?;
        }
    }
    let mut take = |name| found.remove(name).with_context(|| format!("{} has no {name}", hypervisor.name));
    Ok(match hypervisor.hypervisor {
        Hypervisor::Vfkit => Programs::Vfkit(take("vfkit")?),
        Hypervisor::Qemu => Programs::Qemu {
            qemu: take("qemu-system-")?,
            share: share::Programs {
                virtiofsd: take(VIRTIOFSD)?,
                bwrap: if confine { Some(take(BWRAP)?) } else { None },
            },
        },
    })
}

fn no_vm(why: &str, install: &str) -> Failure {
    let failure = Failure::new(Exit::NoVm, anyhow!("no virtual machine can run here: {why}"));
    failure.hint(format!("install it, {install}"))
}

/// Refuses a virtiofsd that says that it is too old; one that says nothing is found out by the first job.
fn refuse_old(virtiofsd: &Path, program: &Program) -> Result<(), Failure> {
    let Ok(said) = capture(Invocation::new(virtiofsd).args(["--version"]), DEADLINE) else { return Ok(()) };
    match too_old(&String::from_utf8_lossy(&said.stdout), program.oldest.unwrap_or_default()) {
        Some(what) => {
            let why = format!("{} is {what}, and {} is needed", virtiofsd.display(), program.wanted(""));
            Err(no_vm(&why, program.install))
        }
        None => Ok(()),
    }
}

/// Returns what a virtiofsd is that is too old, by what it says of its version.
fn too_old(said: &str, oldest: (u32, u32)) -> Option<String> {
    // The one that came with QEMU until 8.0 is another program, with QEMU's version.
    if said.contains("FUSE kernel interface") {
        return Some("the one that came with QEMU".to_owned());
    }
    let version = said.lines().next()?.strip_prefix("virtiofsd ")?.trim();
    let mut numbers = version.split('.').map(str::parse);
    let found = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (found < oldest).then(|| format!("version {version}"))
}

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn what_is_too_old_is_known_by_what_it_says() {
        for fine in ["virtiofsd 1.13.0\n", "virtiofsd 1.14.0", "virtiofsd 2.0.0", "", "virtiofsd next"] {
            assert_eq!(too_old(fine, (1, 13)), None, "{fine}");
        }
        assert_eq!(too_old("virtiofsd 1.10.1\n", (1, 13)).as_deref(), Some("version 1.10.1"));
        let of_qemu = "virtiofsd version 7.2.22 (Debian)\nusing FUSE kernel interface version 7.36\n";
        assert_eq!(too_old(of_qemu, (1, 13)).as_deref(), Some("the one that came with QEMU"));
    }
}

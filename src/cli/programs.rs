//! The programs that a run needs, found and new enough.

#![expect(clippy::disallowed_methods, reason = "asks the environment what Nix listens to")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use super::{Exit, Failure};
use crate::engine::Host;
use crate::execute::share;
use crate::nix::Nix;
use crate::plan::facts::HostFacts;
use crate::process::{Invocation, capture};

/// The oldest virtiofsd that has all that shares need, `--readonly` for instance.
const VIRTIOFSD: (u32, u32) = (1, 13);
/// How long it may take to tell its version.
const DEADLINE: Duration = Duration::from_secs(5);
const INSTALL_VIRTIOFSD: &str = "virtiofsd (or: cargo install virtiofsd)";

/// Returns the programs and the user of this host, or what to install.
pub fn programs(facts: &HostFacts) -> Result<(Host, Nix), Failure> {
    let arch = facts.system.split('-').next().unwrap_or_default();
    let program = |name: &str, package: &str| -> Result<PathBuf, Failure> {
        let missing = || no_vm(&format!("there is no {name}"), package);
        facts.tools.get(name).cloned().ok_or_else(missing)
    };
    let qemu = program(&format!("qemu-system-{arch}"), "qemu-system-x86")?;
    let virtiofsd = program("virtiofsd", INSTALL_VIRTIOFSD)?;
    let bwrap = program("bwrap", "bubblewrap")?;
    let nix = program("nix", "nix-bin (2.26 or newer), or see https://nixos.org/download")?;
    refuse_old(&virtiofsd)?;
    let uid = rustix::process::getuid().as_raw();
    let nix = Nix::new(nix, |name| std::env::var_os(name));
    Ok((Host { qemu, share: share::Programs { virtiofsd, bwrap }, uid }, nix))
}

fn no_vm(why: &str, package: &str) -> Failure {
    let failure = Failure::new(Exit::NoVm, anyhow!("no virtual machine can run here: {why}"));
    failure.hint(format!("install it, on Debian: sudo apt-get install {package}"))
}

/// Refuses a virtiofsd that says that it is too old; one that says nothing is found out by the first job.
fn refuse_old(virtiofsd: &Path) -> Result<(), Failure> {
    let Ok(said) = capture(Invocation::new(virtiofsd).args(["--version"]), DEADLINE) else { return Ok(()) };
    match too_old(&String::from_utf8_lossy(&said.stdout)) {
        Some(what) => {
            let (major, minor) = VIRTIOFSD;
            let why = format!("{} is {what}, and virtiofsd {major}.{minor} or newer is needed", virtiofsd.display());
            Err(no_vm(&why, INSTALL_VIRTIOFSD))
        }
        None => Ok(()),
    }
}

/// Returns what a virtiofsd is that is too old, by what it says of its version.
fn too_old(said: &str) -> Option<String> {
    // The one that came with QEMU until 8.0 is another program, with QEMU's version.
    if said.contains("FUSE kernel interface") {
        return Some("the one that came with QEMU".to_owned());
    }
    let version = said.lines().next()?.strip_prefix("virtiofsd ")?.trim();
    let mut numbers = version.split('.').map(str::parse);
    let found = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (found < VIRTIOFSD).then(|| format!("version {version}"))
}

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn what_is_too_old_is_known_by_what_it_says() {
        for fine in ["virtiofsd 1.13.0\n", "virtiofsd 1.14.0", "virtiofsd 2.0.0", "", "virtiofsd next"] {
            assert_eq!(too_old(fine), None, "{fine}");
        }
        assert_eq!(too_old("virtiofsd 1.10.1\n").as_deref(), Some("version 1.10.1"));
        let of_qemu = "virtiofsd version 7.2.22 (Debian)\nusing FUSE kernel interface version 7.36\n";
        assert_eq!(too_old(of_qemu).as_deref(), Some("the one that came with QEMU"));
    }
}

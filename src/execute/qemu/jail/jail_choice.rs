//! The choice of a jail, by the operator and the features of this host.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bwrap_args::{CONFINED, NOBODY};
use super::jail_user::unused_user;
use crate::process::{Invocation, capture, has_landlock};
use crate::tools::Isolation;

/// Time limit of the probe of bubblewrap.
const DEADLINE: Duration = Duration::from_secs(5);

/// The operator's choice of a confinement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum JailChoice {
    /// Bubblewrap if it works, else Landlock.
    #[default]
    Auto,
    /// Namespaces, created by bubblewrap.
    Bwrap,
    /// Landlock, in the namespaces of this host.
    Landlock,
    /// No jail: a guest that breaks out of QEMU has all your permissions.
    None,
}

/// The confinement of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Jail {
    /// Namespaces of its own, created by this bubblewrap.
    Bwrap(PathBuf),
    /// The host's files, as far as Landlock allows.
    Landlock,
    /// None.
    None,
}

/// The confinement of a guest's programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jails {
    /// Jail of the hypervisor.
    pub hypervisor: Jail,
    /// Jail of the daemons of shares.
    pub share: Jail,
}

impl JailChoice {
    /// Returns the isolation that this host provides for the choice, and the jails, or `None` if the choice isn't
    /// available. `bwrap_fault` is the result of [`bwrap_fault`]. The daemons of shares use bubblewrap whenever it
    /// works.
    #[must_use]
    pub fn jails(self, bwrap: &Path, bwrap_fault: Option<String>) -> (Isolation, Option<Jails>) {
        self.jails_with(bwrap, bwrap_fault, has_landlock())
    }

    fn jails_with(self, bwrap: &Path, fault: Option<String>, has_landlock: bool) -> (Isolation, Option<Jails>) {
        let namespaces = fault.is_none().then(|| Jail::Bwrap(bwrap.to_owned()));
        let landlock = has_landlock.then_some(Jail::Landlock);
        let hypervisor = match self {
            Self::Auto => namespaces.clone().or(landlock),
            Self::Bwrap => namespaces.clone(),
            Self::Landlock => landlock,
            Self::None => Some(Jail::None),
        };
        let isolation = match hypervisor {
            Some(Jail::Bwrap(_)) => Isolation::Namespaces,
            Some(Jail::Landlock) => Isolation::Landlock(fault),
            Some(Jail::None) => Isolation::Off,
            None => Isolation::Missing(fault),
        };
        let jails = |hypervisor: Jail| Jails { share: namespaces.unwrap_or_else(|| hypervisor.clone()), hypervisor };
        (isolation, hypervisor.map(jails))
    }
}

/// Probes bubblewrap, and returns its error if it doesn't work.
#[must_use]
pub fn bwrap_fault(bwrap: &Path) -> Option<String> {
    let probe_args = ["--unshare-net", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"].map(OsString::from);
    let args = CONFINED.into_iter().chain(NOBODY).map(OsString::from).chain(probe_args);
    let args = args.chain([OsString::from(bwrap), "--version".into()]);
    let user = unused_user(rustix::process::getpid().as_raw_nonzero().get().unsigned_abs());
    match capture(Invocation::new(bwrap).args(args).user(user).dir("/"), DEADLINE) {
        Ok(end) if end.status.success() => None,
        Ok(end) => Some(end.stderr.trim().to_owned()),
        Err(error) => Some(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Isolation, Jail, JailChoice};

    #[test]
    fn only_the_operator_switches_confinement_off() {
        let bwrap = Path::new("/bin/bwrap");
        let works = || Some(Jail::Bwrap(bwrap.to_owned()));
        for (choice, fault, has_landlock, isolation, hypervisor, share) in [
            (JailChoice::Auto, None, true, Isolation::Namespaces, works(), works()),
            (
                JailChoice::Auto,
                Some("no"),
                true,
                Isolation::Landlock(Some("no".to_owned())),
                Some(Jail::Landlock),
                Some(Jail::Landlock),
            ),
            (JailChoice::Auto, Some("no"), false, Isolation::Missing(Some("no".to_owned())), None, None),
            (JailChoice::Bwrap, Some("no"), true, Isolation::Missing(Some("no".to_owned())), None, None),
            (JailChoice::Landlock, None, true, Isolation::Landlock(None), Some(Jail::Landlock), works()),
            (JailChoice::Landlock, None, false, Isolation::Missing(None), None, None),
            (JailChoice::None, None, true, Isolation::Off, Some(Jail::None), works()),
            (JailChoice::None, Some("no"), true, Isolation::Off, Some(Jail::None), Some(Jail::None)),
        ] {
            let (actual, jails) = choice.jails_with(bwrap, fault.map(str::to_owned), has_landlock);
            let jails = jails.map_or((None, None), |jails| (Some(jails.hypervisor), Some(jails.share)));
            assert_eq!((actual, jails), (isolation, (hypervisor, share)), "{choice:?} {fault:?} {has_landlock}");
        }
    }
}

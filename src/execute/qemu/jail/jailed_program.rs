//! Invocations of programs in their jails.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "inspects programs")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::bwrap_args::{DEVICES, KVM, LINKS, PROGRAM_FD, qemu_args, share_args};
use super::jail_choice::Jail;
use super::jail_user::{JailUser, is_executable_by_all, qemu_user};
use crate::execute::qemu::accelerator::Accelerator;
use crate::nix::STORE;
use crate::process::{Group, Invocation, LandlockRules};

/// Adjustment of the OOM score of a guest's processes, of 1000: the kernel ends them before others.
const OOM_SCORE: u16 = 500;

/// A QEMU that runs in a jail.
#[derive(Clone, Copy, Debug)]
pub struct JailedQemu<'a> {
    /// Path of QEMU.
    pub program: &'a Path,
    /// The accelerator.
    pub accelerator: Accelerator,
    /// True if the process keeps the network of this host.
    pub network: bool,
    /// Files that QEMU opens again by their descriptors.
    pub files: &'a [&'a Path],
}

/// Returns the invocation of QEMU in a jail, without QEMU's arguments.
///
/// # Errors
/// When the program can't be read.
pub fn jail_qemu(jail: &Jail, qemu: JailedQemu<'_>, group: &Group) -> Result<Invocation> {
    let kvm = if qemu.accelerator == Accelerator::Kvm { &[KVM][..] } else { &[] };
    let devices = [&DEVICES, kvm].concat();
    let user = qemu_user(group, qemu.accelerator);
    let invocation = match jail {
        Jail::Bwrap(bwrap) => {
            let program = BwrapProgram::resolve(qemu.program, user)?;
            let args = qemu_args(&program.path, program.file.is_some(), &devices, qemu.network);
            program.jailed(bwrap, args, user)
        }
        Jail::Landlock => {
            let user = user.filter(|_| is_executable_by_all(qemu.program));
            let names: &[&str] = if qemu.network { &["/etc/resolv.conf", "/proc"] } else { &["/proc"] };
            let read = names.iter().map(Path::new).chain(qemu.files.iter().copied());
            landlocked(qemu.program, read, &devices, qemu.network).user(user)
        }
        Jail::None => Invocation::new(qemu.program),
    };
    Ok(invocation.oom_score_adj(OOM_SCORE))
}

/// Returns the invocation of a share's daemon in a jail, without the daemon's arguments. `tree_args` are bubblewrap's
/// arguments for the shared files.
///
/// # Errors
/// When the program can't be read.
pub fn jail_share_daemon(
    jail: &Jail,
    daemon: &Path,
    tree: &Path,
    tree_args: Vec<OsString>,
    user: Option<JailUser>,
) -> Result<Invocation> {
    let invocation = match jail {
        Jail::Bwrap(bwrap) => {
            let program = BwrapProgram::resolve(daemon, user)?;
            let is_root = user.is_none() && rustix::process::getuid().is_root();
            let args = share_args(&program.path, program.file.is_some(), is_root, tree_args);
            program.jailed(bwrap, args, user)
        }
        Jail::Landlock => {
            let user = user.filter(|_| is_executable_by_all(daemon));
            landlocked(daemon, [tree, Path::new("/proc")].into_iter(), &DEVICES, false).user(user)
        }
        Jail::None => Invocation::new(daemon),
    };
    Ok(invocation.oom_score_adj(OOM_SCORE))
}

/// Returns the invocation of a program that Landlock allows to read these paths, besides those of every program, and to
/// use these devices.
fn landlocked<'a>(program: &Path, read: impl Iterator<Item = &'a Path>, devices: &[&str], network: bool) -> Invocation {
    let system = ["/usr", STORE].into_iter().chain(LINKS).map(|name| Path::new("/").join(name));
    let rules = LandlockRules {
        read: system.chain([program.to_owned()]).chain(read.map(Path::to_owned)).collect(),
        write: devices.iter().map(PathBuf::from).collect(),
        network,
    };
    Invocation::new(program).without_env().dir("/").landlock(rules)
}

/// A program that runs in a jail of bubblewrap.
struct BwrapProgram {
    /// Path without symbolic links.
    path: PathBuf,
    /// The opened program, if the jail's user can't open it by its path.
    file: Option<File>,
}

impl BwrapProgram {
    /// Resolves the path of a program for a user.
    fn resolve(program: &Path, user: Option<JailUser>) -> Result<Self> {
        let reading = || format!("reading {}", program.display());
        let path = fs::canonicalize(program).with_context(reading)?;
        let is_closed = user.is_some() && !is_executable_by_all(&path);
        let file = if is_closed { Some(File::open(&path).with_context(reading)?) } else { None };
        Ok(Self { path, file })
    }

    /// Returns the invocation of the program by bubblewrap.
    fn jailed(self, bwrap: &Path, args: Vec<OsString>, user: Option<JailUser>) -> Invocation {
        let invocation = Invocation::new(bwrap).args(args).args([self.path]).without_env().dir("/").user(user);
        match self.file {
            Some(file) => invocation.fd(file, PROGRAM_FD),
            None => invocation,
        }
    }
}

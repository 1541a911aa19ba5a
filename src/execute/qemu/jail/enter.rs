//! Programs in their jails, ready to start.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "looks at programs")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::choice::Jail;
use super::place::{DEVICES, KVM, LINKS, PROGRAM_FD, qemu_place, share_place};
use super::user::{User, is_open_to_all, qemu_user};
use crate::execute::qemu::accelerator::Accelerator;
use crate::nix::STORE;
use crate::process::{Allowed, Group, Invocation};

/// The chance that the kernel ends a guest's processes first when memory runs out, of 1000.
const OOM_SCORE: u16 = 500;

/// A QEMU to put into a jail.
#[derive(Clone, Copy, Debug)]
pub struct Qemu<'a> {
    /// The program.
    pub program: &'a Path,
    /// The accelerator.
    pub accelerator: Accelerator,
    /// True if the process keeps the network of this host.
    pub network: bool,
    /// The files that it opens again by their descriptors.
    pub files: &'a [&'a Path],
}

/// Returns QEMU in a jail, without its arguments.
///
/// # Errors
/// When the program can't be read.
pub fn qemu(jail: &Jail, qemu: Qemu<'_>, group: &Group) -> Result<Invocation> {
    let kvm = if qemu.accelerator == Accelerator::Kvm { &[KVM][..] } else { &[] };
    let devices = [&DEVICES, kvm].concat();
    let user = qemu_user(group, qemu.accelerator);
    let invocation = match jail {
        Jail::Bwrap(bwrap) => {
            let program = Program::resolve(qemu.program, user)?;
            let args = qemu_place(&program.path, program.file.is_some(), &devices, qemu.network);
            program.jailed(bwrap, args, user)
        }
        Jail::Landlock => {
            let user = user.filter(|_| is_open_to_all(qemu.program));
            let names: &[&str] = if qemu.network { &["/etc/resolv.conf", "/proc"] } else { &["/proc"] };
            let read = names.iter().map(Path::new).chain(qemu.files.iter().copied());
            allowed(qemu.program, read, &devices, qemu.network).user(user)
        }
        Jail::None => Invocation::new(qemu.program),
    };
    Ok(invocation.oom_score_adj(OOM_SCORE))
}

/// Returns what serves a tree in a jail, with the tree's own arguments for bubblewrap and without those of the daemon.
///
/// # Errors
/// When the program can't be read.
pub fn share(jail: &Jail, daemon: &Path, tree: &Path, place: Vec<OsString>, user: Option<User>) -> Result<Invocation> {
    let invocation = match jail {
        Jail::Bwrap(bwrap) => {
            let program = Program::resolve(daemon, user)?;
            let is_root = user.is_none() && rustix::process::getuid().is_root();
            let args = share_place(&program.path, program.file.is_some(), is_root, place);
            program.jailed(bwrap, args, user)
        }
        Jail::Landlock => {
            let user = user.filter(|_| is_open_to_all(daemon));
            allowed(daemon, [tree, Path::new("/proc")].into_iter(), &DEVICES, false).user(user)
        }
        Jail::None => Invocation::new(daemon),
    };
    Ok(invocation.oom_score_adj(OOM_SCORE))
}

/// Returns a program that Landlock allows to read this, besides what every program needs, and to use these devices.
fn allowed<'a>(program: &Path, read: impl Iterator<Item = &'a Path>, devices: &[&str], network: bool) -> Invocation {
    let system = ["/usr", STORE].into_iter().chain(LINKS).map(|name| Path::new("/").join(name));
    let allowed = Allowed {
        read: system.chain([program.to_owned()]).chain(read.map(Path::to_owned)).collect(),
        write: devices.iter().map(PathBuf::from).collect(),
        network,
    };
    Invocation::new(program).without_env().dir("/").landlock(allowed)
}

/// A program that runs in a jail of bubblewrap.
struct Program {
    /// Its path without links.
    path: PathBuf,
    /// The opened program, if the jail's user can't open it by its path.
    file: Option<File>,
}

impl Program {
    fn resolve(program: &Path, user: Option<User>) -> Result<Self> {
        let reading = || format!("reading {}", program.display());
        let path = fs::canonicalize(program).with_context(reading)?;
        let is_closed = user.is_some() && !is_open_to_all(&path);
        let file = if is_closed { Some(File::open(&path).with_context(reading)?) } else { None };
        Ok(Self { path, file })
    }

    /// Returns the program in the place that the arguments make.
    fn jailed(self, bwrap: &Path, args: Vec<OsString>, user: Option<User>) -> Invocation {
        let invocation = Invocation::new(bwrap).args(args).args([self.path]).without_env().dir("/").user(user);
        match self.file {
            Some(file) => invocation.fd(file, PROGRAM_FD),
            None => invocation,
        }
    }
}

//! A guest in vfkit: its streams are files that vfkit writes, its shares copies of its own.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "reads a kernel, makes folders and links")]

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::argv::{self, KERNEL_HEADER, Ports};
use super::pattern_watch::PatternWatch;
use super::programs::VfkitPrograms;
use super::rest;
use super::slot::{self, Slot};
use super::tail_file::TailFile;
use crate::config::Network;
use crate::execute::channel;
use crate::execute::console::PANIC;
use crate::execute::machine::{Disk, Machine};
use crate::execute::message::Message;
use crate::execute::private_copy::{private_copy, remove};
use crate::execute::running_guest::{RunningGuest, report_exit};
use crate::execute::runtime_folder::runtime_folder;
use crate::execute::share::ShareTree;
use crate::execute::stop::Stop;
use crate::execute::vm_spec::{LOG_LIMIT, VmSpec, WAIT};
use crate::failpoint::Point;
use crate::process::{Child, Group, Invocation, LogPipe, pump};
use crate::state::TemporaryFolder;

/// How long vfkit may take to end when its service is asked, before it is sent a signal.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long vfkit may take to end in all; it has been seen to hang after a stop.
const GRACE: Duration = Duration::from_secs(12);

/// Starts a guest.
pub(in crate::execute) fn launch(
    programs: &VfkitPrograms,
    vm: &VmSpec<'_>,
    group: &Group,
    log: &LogPipe,
    sender: &SyncSender<Message>,
) -> Result<RunningGuest> {
    if vm.machine.cmdline.split(' ').any(|word| word == WAIT) {
        bail!("a guest can't wait for the host in vfkit, which passes nothing on to it");
    }
    check_kernel(&vm.machine)?;
    let names = Names { folder: runtime_folder()? };
    let [console, output, control, socket] = ["console", "output", "control", "rest"].map(|name| names.path(name));
    let slot = (vm.machine.network != Network::None).then(|| slot::take(vm.users.host)).transpose()?;
    let mac = slot.as_ref().map(|slot| argv::mac(vm.users.host, slot.number));
    let copies = copies(vm)?;
    let shares = copies.iter().map(|Copy { tag, folder }| Ok((tag, names.plain(&format!("share-{tag}"), folder)?)));
    let shares: Vec<(&String, PathBuf)> = shares.collect::<Result<_>>()?;
    let shares: Vec<(&str, &Path)> = shares.iter().map(|(tag, folder)| (tag.as_str(), folder.as_path())).collect();
    let disks = disks(vm.machine.disks, &names)?;
    let disks: Vec<Disk<'_>> = disks.iter().map(|(disk, path)| Disk { path, ..**disk }).collect();
    let machine = Machine { disks: &disks, ..vm.machine };
    let ports = Ports { console: &console, output: &output, control: &control };
    let args = argv::argv(&machine, ports, &shares, &socket, mac.as_deref(), programs.boot)?;

    let gone = Arc::new(AtomicBool::new(false));
    let tail = |path| TailFile::new(path, LOG_LIMIT, gone.clone());
    let panicked = sender.clone();
    let console = PatternWatch::new(tail(console), PANIC, move || drop(panicked.send(Message::Panicked)));
    let console = pump(console, &vm.logs.console, vm.log_limit())?;
    let output = pump(tail(output), &vm.logs.guest, vm.log_limit())?;
    channel::controls(tail(control), sender.clone());
    // Where vfkit finds a socket already it doesn't start.
    fs::remove_file(&socket).ok();
    let vfkit = Arc::new(group.spawn(Point::Hypervisor, Invocation::new(&programs.vfkit).args(args), log)?);
    report_exit(vfkit.clone(), sender.clone(), |ending, _| Message::HypervisorEnded(ending));
    let stop = Vfkit { process: vfkit, socket, gone, _copies: copies, _names: names, _slot: slot };
    Ok(RunningGuest { stop: Box::new(stop), output, console })
}

/// A vfkit that runs, with what lives as long as it does.
struct Vfkit {
    process: Arc<Child>,
    socket: PathBuf,
    gone: Arc<AtomicBool>,
    _copies: Vec<Copy>,
    _names: Names,
    _slot: Option<Slot>,
}

impl Stop for Vfkit {
    fn stop(&mut self) {
        // Where nobody listens the signal does it.
        rest::hard_stop(&self.socket).ok();
    }

    fn insist(&mut self) {
        self.process.terminate();
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn grace(&self) -> Duration {
        GRACE
    }

    fn ended(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Names that vfkit can be given.
struct Names {
    folder: TemporaryFolder,
}

impl Names {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns a path as it is, or by way of a link to its folder if vfkit can't be given the path.
    fn plain(&self, name: &str, path: &Path) -> Result<PathBuf> {
        if !argv::needs_detour(path) {
            return Ok(path.to_owned());
        }
        let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else { return Ok(path.to_owned()) };
        let link = self.path(name);
        symlink(folder, &link).with_context(|| format!("making a link to {}", folder.display()))?;
        Ok(link.join(file))
    }
}

fn check_kernel(machine: &Machine<'_>) -> Result<()> {
    let mut header = Vec::new();
    let file = File::open(machine.kernel);
    file.and_then(|file| file.take(KERNEL_HEADER as u64).read_to_end(&mut header))
        .with_context(|| format!("reading {}", machine.kernel.display()))?;
    Ok(argv::check_kernel(machine.arch, machine.kernel, &header)?)
}

/// A share's folder, which the guest may write into: vfkit knows no other. It goes with the guest.
struct Copy {
    tag: String,
    folder: PathBuf,
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What can't be removed lies in a folder of temporary things.
        remove(&self.folder).ok();
    }
}

fn copies(vm: &VmSpec<'_>) -> Result<Vec<Copy>> {
    let owner = Some(vm.users.guest).filter(|user| *user != vm.users.host);
    let copied = |(tag, tree): &(String, ShareTree)| {
        let ShareTree::Folder(folder) = tree else { bail!("vfkit can't share the host's own files as {tag:?}") };
        let copy = Copy { tag: tag.clone(), folder: vm.scratch.join(format!("share-{tag}")) };
        private_copy(folder, &copy.folder, owner)?;
        Ok(copy)
    };
    vm.shares.iter().map(copied).collect()
}

fn disks<'a>(disks: &'a [Disk<'a>], names: &Names) -> Result<Vec<(&'a Disk<'a>, PathBuf)>> {
    let plain = |(place, disk): (usize, &'a Disk<'a>)| Ok((disk, names.plain(&format!("d{place}"), disk.path)?));
    disks.iter().enumerate().map(plain).collect()
}

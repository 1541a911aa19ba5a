//! Processes that end with the stand-in, even if it is killed: a guest doesn't outlive vfkit.
//!
//! The stand-in starts itself; the new process requests a signal at the end of its parent from the kernel, and then
//! executes the program. Both stay in the process group of the stand-in.

use std::ffi::{OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};
use command_fds::{CommandFdExt as _, FdMapping};

/// The argument of a stand-in that executes another program; the id of its parent follows.
const CHILD_OF: &str = "--child-of=";

/// Starts a program with these files. Only the main thread may call this: the kernel sends the signal at the end of the
/// thread that started the process.
pub fn spawn(program: &OsStr, args: &[String], files: Vec<(OwnedFd, RawFd)>) -> Result<Child> {
    let itself = std::env::current_exe().context("locating the stand-in")?;
    let mappings = files.into_iter().map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd }).collect();
    Command::new(itself)
        .arg(format!("{CHILD_OF}{}", std::process::id()))
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .fd_mappings(mappings)?
        .spawn()
        .with_context(|| format!("starting {}", program.display()))
}

/// Returns the id of the parent, if this process is to execute another program.
pub fn parent(first: Option<&OsString>) -> Option<&str> {
    first?.to_str()?.strip_prefix(CHILD_OF)
}

/// Executes the program of these arguments; returns only an error.
pub fn become_program(parent: &str, args: &[OsString]) -> Result<()> {
    let (program, args) = args.split_first().context("no program to execute")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("requesting a signal at the parent's end")?;
    // The parent may have ended before the request.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    ensure!(now.as_deref() == Some(parent), "the stand-in has ended");
    Err(anyhow!(Command::new(program).args(args).exec()).context(format!("starting {}", program.display())))
}

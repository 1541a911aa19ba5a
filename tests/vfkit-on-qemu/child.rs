//! Processes that end with the stand-in, even when it is killed: a guest doesn't outlive vfkit.
//!
//! The stand-in starts itself, which asks the kernel for that signal and then becomes the program. They stay in the
//! stand-in's process group.

use std::ffi::{OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};
use command_fds::{CommandFdExt as _, FdMapping};

/// The argument of the stand-in that becomes another program, with the process that it ends with behind it.
const CHILD_OF: &str = "--child-of=";

/// Starts a program with these files. Only the main thread may: the kernel takes the end of the thread that started a
/// process for the end of the process's parent.
pub fn spawn(program: &OsStr, args: &[String], files: Vec<(OwnedFd, RawFd)>) -> Result<Child> {
    let itself = std::env::current_exe().context("finding the stand-in")?;
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

/// Returns the parent, when this is the stand-in that becomes another program.
pub fn parent(first: Option<&OsString>) -> Option<&str> {
    first?.to_str()?.strip_prefix(CHILD_OF)
}

/// Becomes the program of these arguments; returns only why it can't.
pub fn become_program(parent: &str, args: &[OsString]) -> Result<()> {
    let (program, args) = args.split_first().context("no program to become")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("asking for a signal at the parent's end")?;
    // It may have ended before that.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    ensure!(now.as_deref() == Some(parent), "the stand-in has ended");
    Err(anyhow!(Command::new(program).args(args).exec()).context(format!("starting {}", program.display())))
}

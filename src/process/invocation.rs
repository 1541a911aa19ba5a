//! Programs to start: what, where, with which files and limits.

#![expect(clippy::disallowed_types, reason = "hands over open files")]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use command_fds::{CommandFdExt as _, FdMapping};
use rustix::process::Pid;

use crate::guest::quote;

/// Ends a shell script that becomes the program.
const BECOME: &str = r#"exec "$@""#;
/// Enters the control group whose entrance is standard input.
const ENTER: &str = "echo 0 >&0 || exit 126\nexec </dev/null\n";

/// The files of this host that a process may use, and those in and below them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Those that it may read and run.
    pub read: Vec<PathBuf>,
    /// Those that it may read and write.
    pub write: Vec<PathBuf>,
    /// True if it may use TCP.
    pub network: bool,
}

/// A program to start: what, where and with which files.
#[derive(Debug)]
pub struct Invocation {
    pub(super) program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    inherits: bool,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    fds: Vec<(OwnedFd, RawFd)>,
    user: Option<(u32, u32)>,
    oom_score_adj: Option<u16>,
    pub(super) allowed: Option<Allowed>,
    entrance: Option<File>,
}

impl Invocation {
    /// Names the program.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherits: true,
            dir: None,
            stdin: Vec::new(),
            fds: Vec::new(),
            user: None,
            oom_score_adj: None,
            allowed: None,
            entrance: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable, or removes it.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: Option<&OsStr>) -> Self {
        self.env.push((name.into(), value.map(OsStr::to_owned)));
        self
    }

    /// Keeps what this process has in its environment from it: only what is set is there.
    #[must_use]
    pub fn without_env(mut self) -> Self {
        self.inherits = false;
        self
    }

    /// Sets the folder to start in.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets what the process reads from its standard input; nothing else.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// Hands over an open file as this file descriptor.
    #[must_use]
    pub fn fd(mut self, file: impl Into<OwnedFd>, number: RawFd) -> Self {
        self.fds.push((file.into(), number));
        self
    }

    /// Sets the user and the group to run as, without any other group; only root can.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// Raises the chance that the kernel ends the process, and what it starts, when memory runs out: up to 1000.
    #[must_use]
    pub fn oom_score_adj(mut self, score: u16) -> Self {
        self.oom_score_adj = Some(score);
        self
    }

    /// Keeps the process, and what it starts, from all files of this host but these, by Landlock.
    #[must_use]
    pub fn landlock(mut self, allowed: Allowed) -> Self {
        self.allowed = Some(allowed);
        self
    }

    /// Has the process begin by entering the control group with this entrance; it reads nothing then.
    pub(super) fn entering(mut self, entrance: Option<File>) -> Self {
        self.entrance = entrance;
        self
    }

    /// Starts the program through a shell, if something is to be done before: children inherit the score and the control
    /// group. Where the score can't be set, the program starts without it.
    fn prepared(mut self) -> Self {
        let enter = self.entrance.as_ref().map(|_| ENTER.to_owned());
        let score = self.oom_score_adj.take();
        let adjust = score.map(|score| format!("{{ echo {score} >/proc/self/oom_score_adj; }} 2>/dev/null\n"));
        let script: String = enter.into_iter().chain(adjust).collect();
        if !script.is_empty() {
            let words = ["-c", &(script + BECOME), "prepare"].map(OsString::from);
            self.args = words.into_iter().chain([self.program.into_os_string()]).chain(self.args).collect();
            self.program = PathBuf::from("/bin/sh");
        }
        self
    }

    pub(super) fn expression(self, group: Option<Pid>) -> duct::Expression {
        let this = self.prepared();
        let (fds, user) = (Mutex::new(this.fds), this.user);
        let expression = duct::cmd(this.program.into_os_string(), this.args).unchecked();
        let mut expression = match this.entrance {
            Some(entrance) => expression.stdin_file(entrance),
            None if this.stdin.is_empty() => expression.stdin_null(),
            None => expression.stdin_bytes(this.stdin),
        };
        if let Some(dir) = this.dir {
            expression = expression.dir(dir);
        }
        if this.inherits {
            for (name, value) in this.env {
                expression = match value {
                    Some(value) => expression.env(name, value),
                    None => expression.env_remove(name),
                };
            }
        } else {
            expression = expression.full_env(this.env.into_iter().filter_map(|(name, value)| Some((name, value?))));
        }
        expression.before_spawn(move |command: &mut Command| {
            command.process_group(group.map_or(0, |pid| pid.as_raw_nonzero().get()));
            if let Some((user, group)) = user {
                command.uid(user).gid(group);
            }
            let mut fds = fds.lock().map_err(|_| io::Error::other("the files of a process are taken already"))?;
            let mapping = |(parent_fd, child_fd)| FdMapping { parent_fd, child_fd };
            // Without any, nothing is left to do between fork and exec, and the system has a quicker way than those.
            if !fds.is_empty() {
                command.fd_mappings(fds.drain(..).map(mapping).collect()).map_err(io::Error::other)?;
            }
            Ok(())
        })
    }
}

/// The command line, quoted for a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", quote(&self.program.to_string_lossy()))?;
        for arg in &self.args {
            write!(f, " {}", quote(&arg.to_string_lossy()))?;
        }
        Ok(())
    }
}

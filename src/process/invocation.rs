//! Programs to start, with their arguments, environment, files and limits.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "prepares processes, and passes open files to them"
)]

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

use super::hidden_variables::hidden_variables;
use super::leave_terminal::leave_terminal;
use crate::text::quote;

/// Last line of a shell script that replaces itself by the program.
const BECOME: &str = r#"exec "$@""#;
/// Lines of a shell script that enter a control group through its `cgroup.procs`, which is standard input.
const ENTER: &str = "echo 0 >&0 || exit 126\nexec </dev/null\n";

/// Files and folders of this host that a process may use; a folder includes everything below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandlockRules {
    /// Files and folders that the process may read and run.
    pub read: Vec<PathBuf>,
    /// Files and folders that the process may read and write.
    pub write: Vec<PathBuf>,
    /// True if the process may use TCP.
    pub network: bool,
}

/// Program to start, with its arguments, environment, files and limits.
#[derive(Debug)]
pub struct Invocation {
    pub(super) program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    inherits_env: bool,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    fds: Vec<(OwnedFd, RawFd)>,
    user: Option<(u32, u32)>,
    oom_score_adj: Option<u16>,
    pub(super) landlock_rules: Option<LandlockRules>,
    entrance: Option<File>,
    leaves_terminal: bool,
}

impl Invocation {
    /// Creates an invocation of a program without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherits_env: true,
            dir: None,
            stdin: Vec::new(),
            fds: Vec::new(),
            user: None,
            oom_score_adj: None,
            landlock_rules: None,
            entrance: None,
            leaves_terminal: false,
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

    /// Starts the process without the environment of pikaci; only the variables that are set here remain.
    #[must_use]
    pub fn without_env(mut self) -> Self {
        self.inherits_env = false;
        self
    }

    /// Sets the working folder.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets the bytes on standard input, which is empty otherwise.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// Passes an open file to the process under a file descriptor.
    #[must_use]
    pub fn fd(mut self, file: impl Into<OwnedFd>, number: RawFd) -> Self {
        self.fds.push((file.into(), number));
        self
    }

    /// Sets the user id and group id of the process, which gets no other group; works only for root.
    #[must_use]
    pub fn user(mut self, user: Option<(u32, u32)>) -> Self {
        self.user = user;
        self
    }

    /// Sets the score, up to 1000, by which the kernel chooses a process to kill when memory runs out. Children inherit
    /// the score.
    #[must_use]
    pub fn oom_score_adj(mut self, score: u16) -> Self {
        self.oom_score_adj = Some(score);
        self
    }

    /// Takes the terminal of pikaci from the process and its children, which then can't prompt at `/dev/tty`.
    #[must_use]
    pub fn without_terminal(mut self) -> Self {
        self.leaves_terminal = true;
        self
    }

    /// Limits the process and its children, by Landlock, to some files of this host.
    #[must_use]
    pub fn landlock(mut self, rules: LandlockRules) -> Self {
        self.landlock_rules = Some(rules);
        self
    }

    /// Makes the process enter a control group before the program starts; standard input is empty then.
    pub(super) fn entering(mut self, entrance: Option<File>) -> Self {
        self.entrance = entrance;
        self
    }

    /// Wraps the program into a shell that sets the score and enters the control group, if one is set. If the score
    /// can't be set, the program starts without it.
    fn wrapped(mut self) -> Self {
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

    /// Converts the invocation into an expression that starts the process in a group, or in a group of its own.
    pub(super) fn expression(self, group: Option<Pid>) -> duct::Expression {
        let this = self.wrapped();
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
        if this.inherits_env {
            for name in hidden_variables() {
                expression = expression.env_remove(name);
            }
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
            if this.leaves_terminal {
                leave_terminal(command);
            }
            let mut fds = fds.lock().map_err(|_| io::Error::other("the files of a process are taken already"))?;
            let mapping = |(parent_fd, child_fd)| FdMapping { parent_fd, child_fd };
            // A process without mapped files starts by `posix_spawn`, which is faster than fork and exec.
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

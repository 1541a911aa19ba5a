//! `nix build`: confined, without the caller's environment and terminal, since it runs code of the project.

#![expect(clippy::disallowed_methods, reason = "reads the environment, looks at folders and waits for processes")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, PipeWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::jail::{Jail, LEASH_FD};
use super::view::{Mode, View};
use super::{Nix, Way};
use crate::cancel::{Cancel, Urgency};
use crate::failpoint::Point;
use crate::process::{Child, Copying, Group, Invocation, Limit, LogPipe, join, own_path};
use crate::state::TemporaryFolder;

/// The most bytes that a build may print into its log.
const LOG_LIMIT: u64 = 64 << 20;
/// Time limit for a build that was asked to end.
const GRACE: Duration = Duration::from_secs(5);
/// The variables that Nix, ssh and what downloads sources get, besides those that begin with `NIX_`.
const KEPT: [&str; 26] = [
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "FTP_PROXY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LC_ALL",
    "LOCALE_ARCHIVE",
    "LOGNAME",
    "NO_PROXY",
    "PATH",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TZ",
    "USER",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// The variables by which git and ssh ask nobody: ssh turns with each question to a program that refuses (`ssh(1)`).
const SILENT: [(&str, &str); 4] =
    [("GIT_TERMINAL_PROMPT", "0"), ("SSH_ASKPASS", "false"), ("SSH_ASKPASS_REQUIRE", "force"), ("NIX_PATH", "")];

/// The end of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// It is built, and its GC root stands.
    Yes,
    /// Nix said no; why is in the log.
    No,
    /// It took longer than it may.
    Late,
    /// It was asked to end.
    Cancelled,
}

/// A build: its flake, and the places of its results.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// The folder of the flake.
    pub folder: &'a Path,
    /// The flake's output.
    pub output: &'a str,
    /// The files and folders of this machine that the flake's lock names, and that it may have.
    pub inputs: &'a [PathBuf],
    /// True if an input is fetched by ssh.
    pub uses_ssh: bool,
    /// The path at which Nix makes the GC root.
    pub link: &'a Path,
    /// The folder for what Nix downloads.
    pub cache: &'a Path,
    /// The log of the build.
    pub log: &'a Path,
    /// Time limit of the build.
    pub timeout: Duration,
}

/// A running build.
struct Running {
    child: Child,
    /// A pipe whose end asks a confined Nix to end: a signal would end bubblewrap first.
    leash: Option<PipeWriter>,
    group: Group,
    /// The thread that copies its output into the log.
    copying: Copying,
    /// The folder for temporary files of Nix and its builds; removed after both.
    _tmp: TemporaryFolder,
}

impl Running {
    /// Waits for the end of the build; ends it at its time limit or when the run is cancelled.
    fn wait(&mut self, timeout: Duration, cancel: &Cancel) -> Result<Built> {
        let tick = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        while waited < timeout && cancel.urgency() == Urgency::None {
            if let Some(status) = self.child.wait_timeout(tick)? {
                return Ok(if status.success() { Built::Yes } else { Built::No });
            }
            waited += tick;
        }
        self.terminate();
        waited = Duration::ZERO;
        while waited < GRACE && cancel.urgency() < Urgency::Now && self.child.wait_timeout(tick)?.is_none() {
            waited += tick;
        }
        Ok(if cancel.urgency() > Urgency::None { Built::Cancelled } else { Built::Late })
    }

    fn terminate(&mut self) {
        if self.leash.take().is_none() {
            self.child.terminate();
        }
    }
}

impl Nix {
    /// Builds an output of the flake in a folder and makes `link` its GC root.
    ///
    /// # Errors
    /// When Nix can't be started, or its log can't be written.
    pub fn build(&self, build: Build<'_>, cancel: &Cancel) -> Result<Built> {
        let Build { log, timeout, .. } = build;
        let mut running = self.start(build)?;
        let ended = running.wait(timeout, cancel);
        running.group.kill();
        // What a daemon of Nix holds open isn't waited for.
        if let Some(copied) = join(running.copying, Instant::now() + GRACE) {
            copied.with_context(|| format!("writing {}", log.display()))?;
        }
        ended
    }

    fn start(&self, build: Build<'_>) -> Result<Running> {
        let tmp = TemporaryFolder::make(&std::env::temp_dir()).context("making a folder for Nix's temporary files")?;
        let real = |path: &Path| fs::canonicalize(path).with_context(|| format!("resolving {}", path.display()));
        let (folder, cache) = (real(build.folder)?, real(build.cache)?);
        let (roots, name) = build.link.parent().zip(build.link.file_name()).context("the GC root has no folder")?;
        let link = real(roots)?.join(name);
        let build = Build { folder: &folder, cache: &cache, link: &link, ..build };
        let (invocation, leash) = match &self.bwrap {
            None => {
                let invocation = Invocation::new(&self.program).args(self.build_args(build)).without_env();
                (invocation.env("TMPDIR", Some(tmp.path().as_os_str())).dir(build.folder), None)
            }
            Some(bwrap) => {
                let (reader, leash) = io::pipe().context("making the pipe that asks Nix to end")?;
                (self.confined(bwrap, build, tmp.path())?.fd(reader, LEASH_FD), Some(leash))
            }
        };
        let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().filter(|(name, _)| is_kept(name)).collect();
        env.extend(SILENT.map(|(name, value)| (name.into(), value.into())));
        env.insert("PATH".into(), own_path());
        env.insert("XDG_CACHE_HOME".into(), build.cache.into());
        let invocation =
            env.into_iter().fold(invocation, |invocation, (name, value)| invocation.env(name, Some(&value)));
        let group = Group::start()?;
        let (log, copying) = LogPipe::open(build.log, Limit { bytes: LOG_LIMIT, quota: &self.quota })?;
        let child = group.spawn(Point::NixBuild, invocation, &log)?;
        Ok(Running { child, leash, group, copying, _tmp: tmp })
    }

    fn build_args(&self, build: Build<'_>) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            ["build", "--extra-experimental-features", "nix-command flakes"].map(OsString::from).into();
        args.extend(["--no-update-lock-file", "--print-build-logs", "--out-link"].map(OsString::from));
        args.push(build.link.into());
        // A relative reference, so that no character of the folder's path has a meaning in it.
        args.push(format!("path:.#{}", build.output).into());
        args.extend(self.store_args().map(OsString::from));
        args.extend(self.builders.iter().flat_map(|builders| ["--builders", builders]).map(OsString::from));
        args
    }

    fn confined(&self, bwrap: &Path, build: Build<'_>, tmp: &Path) -> Result<Invocation> {
        let mut args = self.build_args(build);
        if matches!(self.store.way(), Way::Direct | Way::Chroot(_)) {
            // Nix would make it, but only what is there can be shown.
            let state = self.store.state_dir();
            fs::create_dir_all(state).with_context(|| format!("making {}", state.display()))?;
            // Else Nix builds without a sandbox where it can't have one.
            args.extend(["--option", "sandbox-fallback", "false"].map(OsString::from));
        }
        // Where there are no settings to be had, the build says why.
        let settings = self.settings().ok().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or(Value::Null);
        let variable = |name: &str| std::env::var_os(name);
        let mut view = View::of_system(&self.store);
        view.add_configuration(&settings, &variable, self.builders.as_deref(), build.uses_ssh);
        view.add(&self.program, Mode::ReadOnly);
        view.add(build.folder, Mode::ReadOnly);
        view.add(build.cache, Mode::Writable);
        if let Some(roots) = build.link.parent() {
            view.add(roots, Mode::Writable);
        }
        for input in build.inputs {
            view.add(input, Mode::ReadOnly);
        }
        let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let jail = Jail { bwrap, store: &self.store, view, tmp, home, dir: build.folder };
        Ok(jail.invocation(&self.program, args))
    }
}

/// Returns whether a variable of the caller is passed on.
fn is_kept(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("NIX_") || KEPT.contains(&name))
}

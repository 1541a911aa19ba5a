//! `nix build`: confined, without the caller's environment and terminal, since it evaluates code of the project.

#![expect(clippy::disallowed_methods, reason = "reads the environment, resolves folders and waits for processes")]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, PipeWriter};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::client::Nix;
use super::nix_jail::{LEASH_FD, NixJail};
use super::nix_store::StoreConnection;
use super::visible_paths::{MountMode, VisiblePaths};
use crate::cancel::{Cancel, Urgency};
use crate::failpoint::Point;
use crate::process::{Child, CopyThread, Group, Invocation, LogPipe, LogRules, WaitEnd, join_copy, own_path};
use crate::secret::Masks;
use crate::state::TemporaryFolder;

/// Limit on the log of a build, in bytes.
const LOG_LIMIT: u64 = 64 << 20;
/// Time limit for the end of a build after a cancel request or a timeout.
const GRACE: Duration = Duration::from_secs(5);
/// Environment variables that Nix, ssh and download tools get, besides those that begin with `NIX_`.
const PASSED_VARIABLES: [&str; 26] = [
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
/// Variables that keep git and ssh from prompting: ssh calls a program for each prompt, which refuses (`ssh(1)`).
const NO_PROMPTS: [(&str, &str); 4] =
    [("GIT_TERMINAL_PROMPT", "0"), ("SSH_ASKPASS", "false"), ("SSH_ASKPASS_REQUIRE", "force"), ("NIX_PATH", "")];

/// The outcome of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildOutcome {
    /// The output is built and has a GC root.
    Succeeded,
    /// Nix failed; the log has its message.
    Failed,
    /// The build reached its timeout.
    TimedOut,
    /// The run was cancelled.
    Cancelled,
}

/// The arguments of a build: a flake, and the paths of the results.
#[derive(Clone, Copy, Debug)]
pub struct BuildRequest<'a> {
    /// Folder of the flake.
    pub folder: &'a Path,
    /// Output of the flake to build.
    pub output: &'a str,
    /// Files and folders of this machine that the flake's lock names, and that the build may read.
    pub inputs: &'a [PathBuf],
    /// True if an input is fetched by ssh.
    pub uses_ssh: bool,
    /// Path of the GC root.
    pub link: &'a Path,
    /// Folder for Nix's downloads.
    pub cache: &'a Path,
    /// Path of the log.
    pub log: &'a Path,
    /// Time limit of the build.
    pub timeout: Duration,
}

/// A running build.
struct Running {
    child: Child,
    /// A pipe; a confined Nix ends when the pipe is closed. A signal would end bubblewrap first.
    leash: Option<PipeWriter>,
    group: Group,
    /// Thread that copies the output into the log.
    copying: CopyThread,
    /// Folder for temporary files of Nix and its builds; removed after both.
    _tmp: TemporaryFolder,
}

impl Running {
    /// Waits for the end of the build; ends it at its timeout or when the run is cancelled.
    fn wait(&mut self, timeout: Duration, cancel: &Cancel) -> Result<BuildOutcome> {
        let end = self.child.wait_or_cancel(cancel, Urgency::Polite, timeout)?;
        if let WaitEnd::Exited(status) = end {
            return Ok(if status.success() { BuildOutcome::Succeeded } else { BuildOutcome::Failed });
        }
        self.terminate();
        self.child.wait_or_cancel(cancel, Urgency::Kill, GRACE)?;
        Ok(if cancel.urgency() > Urgency::None { BuildOutcome::Cancelled } else { BuildOutcome::TimedOut })
    }

    fn terminate(&mut self) {
        if self.leash.take().is_none() {
            self.child.terminate();
        }
    }
}

impl Nix {
    /// Builds an output of a flake and creates its GC root.
    ///
    /// # Errors
    /// When Nix can't be started, or its log can't be written.
    pub fn build(&self, request: BuildRequest<'_>, cancel: &Cancel) -> Result<BuildOutcome> {
        let BuildRequest { log, timeout, .. } = request;
        let mut running = self.start(request)?;
        let outcome = running.wait(timeout, cancel);
        running.group.kill();
        // A daemon of Nix may keep the log's pipe open, so the wait has a limit.
        if let Some(copied) = join_copy(running.copying, Instant::now() + GRACE) {
            copied.with_context(|| format!("writing {}", log.display()))?;
        }
        outcome
    }

    fn start(&self, request: BuildRequest<'_>) -> Result<Running> {
        let tmp = TemporaryFolder::make(&std::env::temp_dir()).context("making a folder for Nix's temporary files")?;
        let real = |path: &Path| fs::canonicalize(path).with_context(|| format!("resolving {}", path.display()));
        let (folder, cache) = (real(request.folder)?, real(request.cache)?);
        let (roots, name) = request.link.parent().zip(request.link.file_name()).context("the GC root has no folder")?;
        let link = real(roots)?.join(name);
        let request = BuildRequest { folder: &folder, cache: &cache, link: &link, ..request };
        let (invocation, leash) = match &self.bwrap {
            None => {
                let invocation = Invocation::new(&self.program).args(self.build_args(request)).without_env();
                let invocation = invocation.without_terminal();
                (invocation.env("TMPDIR", Some(tmp.path().as_os_str())).dir(request.folder), None)
            }
            Some(bwrap) => {
                let (reader, leash) = io::pipe().context("making the pipe that ends Nix")?;
                (self.confined(bwrap, request, tmp.path())?.fd(reader, LEASH_FD), Some(leash))
            }
        };
        let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().filter(|(name, _)| is_passed(name)).collect();
        env.extend(NO_PROMPTS.map(|(name, value)| (name.into(), value.into())));
        env.insert("PATH".into(), own_path());
        env.insert("XDG_CACHE_HOME".into(), request.cache.into());
        let invocation =
            env.into_iter().fold(invocation, |invocation, (name, value)| invocation.env(name, Some(&value)));
        let group = Group::start()?;
        // A build gets no secrets.
        let masks = Masks::default();
        let rules = LogRules { bytes: LOG_LIMIT, quota: &self.quota, masks: &masks, offsets: None };
        let (log, copying) = LogPipe::open(request.log, rules)?;
        let child = group.spawn(Point::NixBuild, invocation, &log)?;
        Ok(Running { child, leash, group, copying, _tmp: tmp })
    }

    fn build_args(&self, request: BuildRequest<'_>) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            ["build", "--extra-experimental-features", "nix-command flakes"].map(OsString::from).into();
        args.extend(["--no-update-lock-file", "--print-build-logs", "--out-link"].map(OsString::from));
        args.push(request.link.into());
        // A relative reference, so that no character of the folder's path has a meaning in the URL.
        args.push(format!("path:.#{}", request.output).into());
        args.extend(self.store_args().map(OsString::from));
        args.extend(self.builders.iter().flat_map(|builders| ["--builders", builders]).map(OsString::from));
        args
    }

    fn confined(&self, bwrap: &Path, request: BuildRequest<'_>, tmp: &Path) -> Result<Invocation> {
        let mut args = self.build_args(request);
        if matches!(self.store.connection(), StoreConnection::Direct | StoreConnection::Chroot(_)) {
            // Nix would create the folder, but the jail can show only existing folders.
            let state = self.store.state_dir();
            fs::create_dir_all(state).with_context(|| format!("making {}", state.display()))?;
            // Otherwise Nix builds without a sandbox if it can't set one up.
            args.extend(["--option", "sandbox-fallback", "false"].map(OsString::from));
        }
        // If this query fails, the build fails too and reports the cause.
        let settings =
            self.query_settings().ok().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or(Value::Null);
        let variable = |name: &str| std::env::var_os(name);
        let mut paths = VisiblePaths::of_system(&self.store);
        paths.add_configuration(&settings, &variable, self.builders.as_deref(), request.uses_ssh);
        paths.add(&self.program, MountMode::ReadOnly);
        paths.add(request.folder, MountMode::ReadOnly);
        paths.add(request.cache, MountMode::Writable);
        if let Some(roots) = request.link.parent() {
            paths.add(roots, MountMode::Writable);
        }
        for input in request.inputs {
            paths.add(input, MountMode::ReadOnly);
        }
        let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let jail = NixJail { bwrap, store: &self.store, paths, tmp, home, dir: request.folder };
        Ok(jail.invocation(&self.program, args))
    }
}

/// Returns whether the build gets this variable of the caller.
fn is_passed(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("NIX_") || PASSED_VARIABLES.contains(&name))
}

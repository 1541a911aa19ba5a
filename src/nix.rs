//! Nix: the only place that names its binary and its folders.

#![expect(clippy::disallowed_methods, reason = "looks at the store's folders and waits for processes")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cancel::{Cancel, Urgency};
use crate::doctor::{self, Store};
use crate::failpoint::Point;
use crate::id::Digest;
use crate::process::{self, Captured, Group, Invocation, ending};

/// The folder of the store.
pub const STORE: &str = "/nix/store";
/// How long Nix may take to answer a question.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
/// The most bytes that a build may print into its log.
const LOG_LIMIT: u64 = 64 << 20;
/// How long a build may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The Nix of this machine, and which store it uses.
#[derive(Clone, Debug)]
pub struct Nix {
    program: PathBuf,
    state_dir: PathBuf,
    has_remote: bool,
    store: String,
    builders: Option<String>,
    allows_local_inputs: bool,
}

/// How a build ended.
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

/// What to build, and where its traces go.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// The folder of the flake.
    pub folder: &'a Path,
    /// The flake's output.
    pub output: &'a str,
    /// What becomes the GC root.
    pub link: &'a Path,
    /// The log of the build.
    pub log: &'a Path,
    /// How long it may take.
    pub timeout: Duration,
}

impl Nix {
    /// Takes the program, and the environment variables by which Nix chooses its store.
    pub fn new(program: impl Into<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let state_dir = variable("NIX_STATE_DIR").map_or_else(|| PathBuf::from("/nix/var/nix"), PathBuf::from);
        let part = |name: &str| format!("{name}={}", variable(name).unwrap_or_default().to_string_lossy());
        let store = ["NIX_REMOTE", "NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_CONF_DIR"].map(part).join("\n");
        let has_remote = variable("NIX_REMOTE").is_some_and(|remote| !remote.is_empty());
        Self { program: program.into(), state_dir, has_remote, store, builders: None, allows_local_inputs: false }
    }

    /// Has these machines build, instead of those that Nix's configuration names; `None` leaves it at them.
    #[must_use]
    pub fn with_builders(self, builders: Option<String>) -> Self {
        Self { builders, ..self }
    }

    /// Allows flakes to have inputs on this machine.
    #[must_use]
    pub fn allowing_local_inputs(self, allows_local_inputs: bool) -> Self {
        Self { allows_local_inputs, ..self }
    }

    /// Returns whether flakes may have inputs on this machine.
    #[must_use]
    pub fn allows_local_inputs(&self) -> bool {
        self.allows_local_inputs
    }

    /// Returns the name of the folder for roots in this store.
    #[must_use]
    pub fn store_id(&self) -> String {
        Digest::of(self.store.as_bytes()).short().to_owned()
    }

    /// Returns the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Asks this Nix for its version.
    ///
    /// # Errors
    /// When it can't be started or doesn't tell.
    pub fn version(&self) -> Result<(u32, u32)> {
        let captured = self.ask(&["--version"])?;
        let text = String::from_utf8_lossy(&captured.stdout);
        doctor::nix_version(&text)
            .with_context(|| format!("reading the version of {} from {text:?}", self.program.display()))
    }

    /// Asks this Nix for something of a flake, which has no answer, and returns what it says: that it knows no flakes,
    /// or something else.
    ///
    /// # Errors
    /// When it can't be started or doesn't end in time.
    pub fn try_flakes(&self) -> Result<String> {
        // The store of this name holds nothing and takes nothing in.
        Ok(self.ask(&["flake", "metadata", "--store", "dummy://", "path:/nonexistent"])?.stderr)
    }

    /// Asks this Nix for its settings, and returns them as JSON.
    ///
    /// # Errors
    /// When it can't be started or doesn't tell.
    pub fn settings(&self) -> Result<String> {
        let captured = self.ask(&["--extra-experimental-features", "nix-command", "config", "show", "--json"])?;
        ensure!(captured.status.success(), "nix config show {}: {}", ending(captured.status), captured.stderr.trim());
        Ok(String::from_utf8_lossy(&captured.stdout).into_owned())
    }

    /// Has this Nix open its store.
    ///
    /// # Errors
    /// When it can't be started or doesn't end in time.
    pub fn open_store(&self) -> Result<Store> {
        // Nix would make a store at home for a user who can't make one in /nix.
        if !self.state_dir.exists() && !rustix::process::getuid().is_root() && !self.has_remote {
            return Ok(Store::Missing);
        }
        let captured = self.ask(&["--extra-experimental-features", "nix-command", "store", "info", "--json"])?;
        if !captured.status.success() {
            return Ok(Store::Closed(captured.stderr));
        }
        let told: serde_json::Value = serde_json::from_slice(&captured.stdout).unwrap_or_default();
        Ok(Store::Opens(told["url"].as_str().unwrap_or_default().to_owned()))
    }

    fn ask(&self, args: &[&str]) -> Result<Captured> {
        process::capture(Invocation::new(&self.program).args(args.iter().copied()), ANSWER_DEADLINE)
    }

    /// Returns whether the store knows this GC root: its own record points back to the link.
    #[must_use]
    pub fn knows_root(&self, link: &Path) -> bool {
        let Ok(roots) = fs::read_dir(self.state_dir.join("gcroots/auto")) else { return false };
        let inode = |path: &Path| fs::symlink_metadata(path).map(|link| (link.dev(), link.ino())).ok();
        let Some(known) = inode(link) else { return false };
        // Nix writes its record without the `..` that a path of ours may have.
        let is_link = |target: PathBuf| target.file_name() == link.file_name() && inode(&target) == Some(known);
        roots.filter_map(Result::ok).any(|root| fs::read_link(root.path()).is_ok_and(is_link))
    }

    /// Builds an output of the flake in a folder and makes `link` its GC root.
    ///
    /// # Errors
    /// When Nix can't be started, or prints without end.
    pub fn build(&self, build: Build<'_>, cancel: &Cancel) -> Result<Built> {
        let Build { folder, output, link, log, timeout } = build;
        let invocation = Invocation::new(&self.program)
            .args(["build", "--extra-experimental-features", "nix-command flakes"])
            .args(["--no-update-lock-file", "--print-build-logs", "--out-link"])
            .args([link])
            // A relative reference, so that no character of the folder's path has a meaning in it.
            .args([format!("path:.#{output}")])
            .args(self.builders.iter().flat_map(|builders| ["--builders", builders]))
            .env("NIX_PATH", Some(OsStr::new("")))
            .dir(folder);
        let group = Group::start()?;
        let child = group.spawn(Point::NixBuild, invocation, log)?;
        let tick = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        let mut full = false;
        while waited < timeout && !full && cancel.urgency() == Urgency::None {
            if let Some(status) = child.wait_timeout(tick)? {
                return Ok(if status.success() { Built::Yes } else { Built::No });
            }
            waited += tick;
            full = fs::metadata(log).is_ok_and(|log| log.len() > LOG_LIMIT);
        }
        child.terminate();
        waited = Duration::ZERO;
        while waited < GRACE && cancel.urgency() < Urgency::Now && child.wait_timeout(tick)?.is_none() {
            waited += tick;
        }
        group.kill();
        // A process that is stuck in the kernel doesn't even hear SIGKILL.
        let status = child.wait_timeout(GRACE)?;
        if cancel.urgency() > Urgency::None {
            return Ok(Built::Cancelled);
        }
        if full {
            let ending = status.map_or_else(|| "doesn't die".to_owned(), ending);
            bail!("nix build printed more than {LOG_LIMIT} bytes and {ending}");
        }
        Ok(Built::Late)
    }
}

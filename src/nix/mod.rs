//! Nix: the only place that names its binary and its folders.

#![expect(clippy::disallowed_methods, reason = "looks at a log and waits for processes")]

mod store;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::cancel::{Cancel, Urgency};
use crate::doctor::{self, Store};
use crate::failpoint::Point;
use crate::process::{self, Captured, Group, Invocation, ending};
pub use store::{NixStore, Way};

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
    store: NixStore,
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
        Self { program: program.into(), store: NixStore::choose(variable), builders: None, allows_local_inputs: false }
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

    /// Returns its store.
    #[must_use]
    pub fn store(&self) -> &NixStore {
        &self.store
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
        let captured = self.ask(["--version"])?;
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
        Ok(self.ask(["flake", "metadata", "--store", "dummy://", "path:/nonexistent"])?.stderr)
    }

    /// Asks this Nix for its settings, and returns them as JSON.
    ///
    /// # Errors
    /// When it can't be started or doesn't tell.
    pub fn settings(&self) -> Result<String> {
        let captured = self.ask(["--extra-experimental-features", "nix-command", "config", "show", "--json"])?;
        ensure!(captured.status.success(), "nix config show {}: {}", ending(captured.status), captured.stderr.trim());
        Ok(String::from_utf8_lossy(&captured.stdout).into_owned())
    }

    /// Has this Nix open its store.
    ///
    /// # Errors
    /// When it can't be started or doesn't end in time.
    pub fn open_store(&self) -> Result<Store> {
        // Nix would make what isn't there yet.
        let own = self.store.root().map(|root| Store::Own(root.to_owned()));
        if let Some(own) = own.clone().filter(|_| !self.store.folder().exists()) {
            return Ok(own);
        }
        let ask = ["--extra-experimental-features", "nix-command", "store", "info", "--json"].map(OsStr::new);
        let captured = self.ask(ask.into_iter().chain(self.store_args()))?;
        if !captured.status.success() {
            return Ok(Store::Closed(captured.stderr));
        }
        if let Some(own) = own {
            return Ok(own);
        }
        let told: serde_json::Value = serde_json::from_slice(&captured.stdout).unwrap_or_default();
        Ok(Store::Opens(told["url"].as_str().unwrap_or_default().to_owned()))
    }

    fn ask<S: Into<OsString>>(&self, args: impl IntoIterator<Item = S>) -> Result<Captured> {
        process::capture(Invocation::new(&self.program).args(args), ANSWER_DEADLINE)
    }

    /// Returns the arguments that name the store to Nix where it wouldn't choose this one itself.
    fn store_args(&self) -> impl Iterator<Item = &OsStr> {
        self.store.root().into_iter().flat_map(|root| [OsStr::new("--store"), root.as_os_str()])
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
            .args(self.store_args())
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

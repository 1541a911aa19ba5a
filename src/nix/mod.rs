//! Nix: the only place that names its binary and its folders.

#![expect(clippy::disallowed_methods, reason = "looks whether a store is there")]

mod build;
mod jail;
mod store;
mod view;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::doctor::{self, Finding, Implementation, NixVersion, Store};
use crate::process::{self, Captured, Invocation, ending};
use crate::quota::Quota;
pub use build::{Build, Built};
pub use store::{NixStore, STORE, Way};

/// Time limit for an answer of Nix.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);

/// The Nix of this machine, and which store it uses.
#[derive(Clone, Debug)]
pub struct Nix {
    program: PathBuf,
    store: NixStore,
    bwrap: Option<PathBuf>,
    builders: Option<String>,
    allows_local_inputs: bool,
    quota: Quota,
}

impl Nix {
    /// Takes the program, and the environment variables by which Nix chooses its store.
    pub fn new(program: impl Into<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            program: program.into(),
            store: NixStore::choose(variable),
            bwrap: None,
            builders: None,
            allows_local_inputs: false,
            quota: Quota::unlimited(),
        }
    }

    /// Has this bubblewrap confine it when it evaluates and builds; `None` leaves it unconfined.
    #[must_use]
    pub fn confined_by(self, bwrap: Option<PathBuf>) -> Self {
        Self { bwrap, ..self }
    }

    /// Has these machines build, instead of those that Nix's configuration names; `None` leaves it at them.
    #[must_use]
    pub fn with_builders(self, builders: Option<String>) -> Self {
        Self { builders, ..self }
    }

    /// Has the logs of builds taken from the budget of a run.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        Self { quota, ..self }
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
    pub fn version(&self) -> Result<NixVersion> {
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
    pub fn open_store(&self, implementation: Implementation) -> Result<Store> {
        // Nix would make what isn't there yet.
        let own = self.store.root().map(|root| Store::Own(root.to_owned()));
        if let Some(own) = own.clone().filter(|_| !self.store.folder().exists()) {
            return Ok(own);
        }
        // Lix has it by its older name alone (`lix/nix/ping-store.cc`).
        let info = if implementation == Implementation::Lix { "ping" } else { "info" };
        let ask = ["--extra-experimental-features", "nix-command", "store", info, "--json"].map(OsStr::new);
        let captured = self.ask(ask.into_iter().chain(self.store_args()))?;
        if !captured.status.success() {
            return Ok(Store::Closed(captured.stderr));
        }
        if let Some(own) = own {
            return Ok(own);
        }
        let info: serde_json::Value = serde_json::from_slice(&captured.stdout).unwrap_or_default();
        let address = info["url"].as_str().unwrap_or_default().to_owned();
        // Older versions say 0.
        let trusts = info["trusted"] != false && info["trusted"] != 0;
        Ok(Store::Opens { address, trusts })
    }

    /// Returns whether builders were given that its daemon ignores, with what to do; asks only where that can be.
    #[must_use]
    pub fn ignored_builders(&self) -> Option<Finding> {
        self.builders.as_ref().filter(|_| matches!(self.store.way(), Way::Daemon(_)))?;
        let version = self.version().ok()?;
        doctor::ignored_builders(&self.open_store(version.implementation).ok()?)
    }

    fn ask<S: Into<OsString>>(&self, args: impl IntoIterator<Item = S>) -> Result<Captured> {
        process::capture(Invocation::new(&self.program).args(args), ANSWER_DEADLINE)
    }

    /// Returns the arguments that name the store to Nix where it wouldn't choose this one itself.
    fn store_args(&self) -> impl Iterator<Item = &OsStr> {
        self.store.root().into_iter().flat_map(|root| [OsStr::new("--store"), root.as_os_str()])
    }
}

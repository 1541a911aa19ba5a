//! The Nix of this machine: queries of its version, settings and store.

#![expect(clippy::disallowed_methods, reason = "checks whether a store exists")]

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::nix_store::{NixStore, StoreConnection};
use crate::process::{self, Captured, Invocation, describe_exit};
use crate::quota::Quota;
use crate::tools::{self, Finding, Implementation, NixVersion, StoreAccess};

/// Time limit of a query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(20);

/// The Nix of this machine, with the store that it uses and the options of builds.
#[derive(Clone, Debug)]
pub struct Nix {
    pub(super) program: PathBuf,
    pub(super) store: NixStore,
    pub(super) bwrap: Option<PathBuf>,
    pub(super) builders: Option<String>,
    allows_local_inputs: bool,
    pub(super) quota: Quota,
}

impl Nix {
    /// Returns the Nix of a program, with the store that the environment variables select.
    pub fn new(program: impl Into<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        Self {
            program: program.into(),
            store: NixStore::from_env(variable),
            bwrap: None,
            builders: None,
            allows_local_inputs: false,
            quota: Quota::unlimited(),
        }
    }

    /// Confines evaluation and builds with this bubblewrap; `None` leaves them unconfined.
    #[must_use]
    pub fn confined_by(self, bwrap: Option<PathBuf>) -> Self {
        Self { bwrap, ..self }
    }

    /// Sets the builders; `None` uses those of Nix's configuration.
    #[must_use]
    pub fn with_builders(self, builders: Option<String>) -> Self {
        Self { builders, ..self }
    }

    /// Sets the quota of the builds' logs.
    #[must_use]
    pub fn with_quota(self, quota: Quota) -> Self {
        Self { quota, ..self }
    }

    /// Sets whether flakes may have inputs on this machine.
    #[must_use]
    pub fn with_local_inputs(self, allows_local_inputs: bool) -> Self {
        Self { allows_local_inputs, ..self }
    }

    /// Returns whether flakes may have inputs on this machine.
    #[must_use]
    pub fn allows_local_inputs(&self) -> bool {
        self.allows_local_inputs
    }

    /// Returns the store that this Nix uses.
    #[must_use]
    pub fn store(&self) -> &NixStore {
        &self.store
    }

    /// Returns the path of the program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Queries the version.
    ///
    /// # Errors
    /// When Nix can't be started or prints no version.
    pub fn query_version(&self) -> Result<NixVersion> {
        let captured = self.query(["--version"])?;
        let text = String::from_utf8_lossy(&captured.stdout);
        NixVersion::parse(&text)
            .with_context(|| format!("reading the version of {} from {text:?}", self.program.display()))
    }

    /// Queries a flake that doesn't exist and returns the error message: a Nix without flakes has its own.
    ///
    /// # Errors
    /// When Nix can't be started or doesn't end in time.
    pub fn probe_flakes(&self) -> Result<String> {
        // The dummy store is empty and read-only.
        Ok(self.query(["flake", "metadata", "--store", "dummy://", "path:/nonexistent"])?.stderr)
    }

    /// Queries the settings and returns them as JSON.
    ///
    /// # Errors
    /// When Nix can't be started or fails.
    pub fn query_settings(&self) -> Result<String> {
        let captured = self.query(["--extra-experimental-features", "nix-command", "config", "show", "--json"])?;
        ensure!(
            captured.status.success(),
            "nix config show {}: {}",
            describe_exit(captured.status),
            captured.stderr.trim()
        );
        Ok(String::from_utf8_lossy(&captured.stdout).into_owned())
    }

    /// Opens the store with this Nix and returns the result.
    ///
    /// # Errors
    /// When Nix can't be started or doesn't end in time.
    pub fn open_store(&self, implementation: Implementation) -> Result<StoreAccess> {
        // Nix would create a missing store.
        let own = self.store.chroot().map(|root| StoreAccess::Own(root.to_owned()));
        if let Some(own) = own.clone().filter(|_| !self.store.folder().exists()) {
            return Ok(own);
        }
        // Lix has only the older name of the command (`lix/nix/ping-store.cc`).
        let info = if implementation == Implementation::Lix { "ping" } else { "info" };
        let args = ["--extra-experimental-features", "nix-command", "store", info, "--json"].map(OsStr::new);
        let captured = self.query(args.into_iter().chain(self.store_args()))?;
        if !captured.status.success() {
            return Ok(StoreAccess::Closed(captured.stderr));
        }
        if let Some(own) = own {
            return Ok(own);
        }
        let info: serde_json::Value = serde_json::from_slice(&captured.stdout).unwrap_or_default();
        let address = info["url"].as_str().unwrap_or_default().to_owned();
        // Older versions print 0 instead of false.
        let trusts = info["trusted"] != false && info["trusted"] != 0;
        Ok(StoreAccess::Opens { address, trusts })
    }

    /// Returns a finding if the daemon ignores the builders of [`Nix::with_builders`]. Queries Nix only if there are
    /// builders and a daemon.
    #[must_use]
    pub fn ignored_builders(&self) -> Option<Finding> {
        self.builders.as_ref().filter(|_| matches!(self.store.connection(), StoreConnection::Daemon(_)))?;
        let version = self.query_version().ok()?;
        tools::ignored_builders(&self.open_store(version.implementation).ok()?)
    }

    /// Runs Nix with these arguments and returns its output.
    fn query<S: Into<OsString>>(&self, args: impl IntoIterator<Item = S>) -> Result<Captured> {
        process::capture(Invocation::new(&self.program).args(args), QUERY_TIMEOUT)
    }

    /// Returns the arguments that select a store which Nix doesn't select by default.
    pub(super) fn store_args(&self) -> impl Iterator<Item = &OsStr> {
        self.store.chroot().into_iter().flat_map(|root| [OsStr::new("--store"), root.as_os_str()])
    }
}

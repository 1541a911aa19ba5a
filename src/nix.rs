//! Nix: the only place that names its binary and its folders.

#![expect(clippy::disallowed_methods, reason = "looks at the store's folders and waits for processes")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::cancel::{Cancel, Urgency};
use crate::id::Digest;
use crate::process::{self, Group, Invocation, ending};

/// The oldest Nix that pikaci works with.
pub const OLDEST: (u32, u32) = (2, 26);
/// How long a build of a runner may take.
const BUILD_DEADLINE: Duration = Duration::from_secs(30 * 60);
/// How long Nix may take to tell its version.
const VERSION_DEADLINE: Duration = Duration::from_secs(20);
/// The most bytes that a build may print into its log.
const LOG_LIMIT: u64 = 64 << 20;
/// How long a build may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// The Nix of this machine, and which store it uses.
#[derive(Clone, Debug)]
pub struct Nix {
    program: PathBuf,
    state_dir: PathBuf,
    store: String,
}

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// It is built, and its GC root stands.
    Yes,
    /// Nix said no; why is in the log.
    No,
    /// It was asked to end.
    Cancelled,
}

impl Nix {
    /// Takes the program, and the environment variables by which Nix chooses its store.
    pub fn new(program: impl Into<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let state_dir = variable("NIX_STATE_DIR").map_or_else(|| PathBuf::from("/nix/var/nix"), PathBuf::from);
        let part = |name: &str| format!("{name}={}", variable(name).unwrap_or_default().to_string_lossy());
        let store = ["NIX_REMOTE", "NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_CONF_DIR"].map(part).join("\n");
        Self { program: program.into(), state_dir, store }
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
        let captured = process::capture(Invocation::new(&self.program).args(["--version"]), VERSION_DEADLINE)?;
        let text = String::from_utf8_lossy(&captured.stdout);
        version(&text).with_context(|| format!("reading the version of {} from {text:?}", self.program.display()))
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
    /// When Nix can't be started or doesn't end in time.
    pub fn build(&self, folder: &Path, output: &str, link: &Path, log: &Path, cancel: &Cancel) -> Result<Built> {
        let invocation = Invocation::new(&self.program)
            .args(["build", "--extra-experimental-features", "nix-command flakes"])
            .args(["--no-update-lock-file", "--print-build-logs", "--out-link"])
            .args([link])
            // A relative reference, so that no character of the folder's path has a meaning in it.
            .args([format!("path:.#{output}")])
            .env("NIX_PATH", Some(OsStr::new("")))
            .dir(folder);
        let group = Group::start()?;
        let child = group.spawn(invocation, log)?;
        let tick = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        let mut full = false;
        while waited < BUILD_DEADLINE && !full && cancel.urgency() == Urgency::None {
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
        let ending = status.map_or_else(|| "doesn't die".to_owned(), ending);
        if full {
            bail!("nix build printed more than {LOG_LIMIT} bytes and {ending}");
        }
        bail!("nix build took longer than {} s and {ending}", BUILD_DEADLINE.as_secs())
    }
}

/// Finds the line by which Nix says that this user may not change the store.
#[must_use]
pub fn denied(log: &str) -> Option<&str> {
    let mut lines = log.lines().map(str::trim_start).filter(|line| line.starts_with("error:"));
    lines.find(|line| line.contains("Permission denied") && (line.contains("/big-lock") || line.contains("'/nix/")))
}

/// Reads `nix (Nix) 2.26.3`; other implementations put other words before the number.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().rev().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut parts = word.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{denied, version};

    #[test]
    fn a_store_that_may_not_be_changed_is_told_from_a_build_that_failed() {
        let line = r#"error: opening lock file "/nix/var/nix/db/big-lock": Permission denied"#;
        assert_eq!(denied(&format!("$ nix build\nwarning: x\n       {line}\n")), Some(line));
        assert_eq!(denied("runner> mkdir: '/nix/x': Permission denied\nerror: build of '/nix/x.drv' failed\n"), None);
    }

    #[test]
    fn reads_the_versions_of_all_implementations() {
        assert_eq!(version("nix (Nix) 2.26.3\n"), Some((2, 26)));
        assert_eq!(version("nix (Nix) 2.30pre20250101_abc\n"), Some((2, 30)));
        assert_eq!(version("nix (Lix, like Nix) 2.93.0\n"), Some((2, 93)));
        assert_eq!(version("nix (Determinate Nix 3.6.2) 2.29.0\n"), Some((2, 29)));
        assert_eq!(version("what?"), None);
    }
}

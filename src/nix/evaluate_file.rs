//! `nix eval` of a file that may be hostile: confined, without a store, a network and the files outside of its folder.

#![expect(clippy::disallowed_methods, reason = "resolves the program, and creates a folder in a temporary one")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::client::Nix;
use super::nix_jail::mount_args;
use super::visible_paths::{MountMode, VisiblePaths};
use crate::foreign::Beneath;
use crate::process::{self, Invocation, describe_exit};
use crate::state::TemporaryFolder;

/// Time limit of an evaluation.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum size of a value as JSON, in bytes.
const VALUE_LIMIT: u64 = 16 << 20;
/// Maximum size of an error message of Nix that is read, in bytes.
const MESSAGE_LIMIT: usize = 8 << 10;
/// Script that limits Nix: 60 s of CPU, 4 GiB of memory, 16 MiB in a file.
const SCRIPT: &str = r#"ulimit -t 60; ulimit -v 4194304; ulimit -f 32768; exec "$@" >/tmp/value 2>/tmp/message"#;
/// Folder of the file in the jail.
const INSIDE: &str = "/project";
/// Arguments of Nix. The dummy store can neither keep nor build anything.
const ARGS: [&str; 19] = [
    "eval",
    "--extra-experimental-features",
    "nix-command",
    "--store",
    "dummy://",
    "--json",
    "--restrict-eval",
    "-I",
    INSIDE,
    "--option",
    "allow-import-from-derivation",
    "false",
    "--option",
    "substitute",
    "false",
    "--option",
    "builders",
    "",
    "--file",
];
/// Namespaces and rights of Nix in the jail.
const CONFINEMENT: [&str; 14] = [
    "--die-with-parent",
    "--new-session",
    "--unshare-ipc",
    "--unshare-net",
    "--unshare-pid",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--cap-drop",
    "ALL",
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    "--clearenv",
];

/// The outcome of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evaluation {
    /// The value as JSON.
    Value(Vec<u8>),
    /// Nix refused the file; its message names the files relative to their folder.
    Refused(String),
}

impl Nix {
    /// Evaluates a file of a folder. Nix reads nothing but this folder.
    ///
    /// # Errors
    /// When Nix isn't confined, can't be started or doesn't end in time.
    pub fn evaluate_file(&self, folder: &Path, name: &str) -> Result<Evaluation> {
        let Some(bwrap) = &self.bwrap else {
            bail!("Nix evaluates a job file only in bubblewrap, which isn't used here")
        };
        let program =
            fs::canonicalize(&self.program).with_context(|| format!("resolving {}", self.program.display()))?;
        let tmp = TemporaryFolder::make(&std::env::temp_dir()).context("making a folder for Nix's output")?;
        let mut paths = VisiblePaths::of_programs();
        paths.add(&program, MountMode::ReadOnly);
        let mut args: Vec<OsString> = CONFINEMENT.map(OsString::from).into();
        if !rustix::process::getuid().is_root() {
            args.push("--unshare-user".into());
        }
        let mut option = |words: &[&OsStr]| args.extend(words.iter().map(OsString::from));
        option(&[OsStr::new("--bind"), tmp.path().as_os_str(), OsStr::new("/tmp")]);
        option(&[OsStr::new("--ro-bind"), folder.as_os_str(), OsStr::new(INSIDE)]);
        option(&["--setenv", "HOME", "/tmp", "--chdir", INSIDE].map(OsStr::new));
        args.extend(mount_args(&paths));
        args.extend(["--", "/bin/sh", "-c", SCRIPT, "nix"].map(OsString::from));
        args.push(program.into());
        args.extend(ARGS.map(OsString::from));
        args.push(format!("{INSIDE}/{name}").into());
        let captured = process::capture(Invocation::new(bwrap).args(args).without_env(), TIMEOUT)?;
        let output = Beneath::new(tmp.path());
        let Ok(message) = output.join("message").read(VALUE_LIMIT) else {
            bail!("bubblewrap {}: {}", describe_exit(captured.status), captured.stderr.trim());
        };
        if captured.status.success() {
            let value = output.join("value").read(VALUE_LIMIT).context("reading the value that Nix printed")?;
            return Ok(Evaluation::Value(value));
        }
        let start = message.windows(6).position(|word| word == b"error:");
        Ok(Evaluation::Refused(match start {
            Some(start) => shortened(&message[start..]).replace(&format!("{INSIDE}/"), ""),
            None => format!("nix eval {}", describe_exit(captured.status)),
        }))
    }
}

/// Returns the first and the last lines of a long message; the cause is in the last ones.
fn shortened(message: &[u8]) -> String {
    let message = message.trim_ascii();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    if message.len() <= MESSAGE_LIMIT {
        return text(message);
    }
    let half = MESSAGE_LIMIT / 2;
    format!("{}\n…\n{}", text(&message[..half]), text(&message[message.len() - half..]))
}

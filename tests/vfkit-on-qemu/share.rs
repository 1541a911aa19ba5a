//! Folders for the guest, which may write to them as on a Mac: vfkit has no read-only shares.

use std::ffi::OsString;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Child;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, getrlimit};

use crate::child;

/// File descriptor of the listening socket in virtiofsd.
const LISTENER_FD: i32 = 3;
/// Folders of packages with virtiofsd, outside of `PATH`. The older virtiofsd of QEMU, written in C, is in none of
/// them.
const ELSEWHERE: [&str; 3] = ["/usr/libexec", "/usr/lib", "/usr/local/bin"];

/// Starts the daemon of a share, and returns it with the connection for QEMU; the daemon ends with the connection.
pub fn serve(folder: &str) -> Result<(Child, UnixStream)> {
    let private =
        tempfile::Builder::new().prefix("vfkit-on-qemu-").tempdir().context("making a folder for a socket")?;
    let path = private.path().join("s");
    let listener = UnixListener::bind(&path).with_context(|| format!("making the socket {}", path.display()))?;
    let stream = UnixStream::connect(&path).with_context(|| format!("connecting to {}", path.display()))?;
    // The daemon holds a file open for each file that the guest uses.
    let files = getrlimit(Resource::Nofile).maximum.unwrap_or(1_000_000).min(1_000_000);
    let args = [
        format!("--fd={LISTENER_FD}"),
        format!("--shared-dir={folder}"),
        format!("--rlimit-nofile={files}"),
        "--sandbox=none".to_owned(),
        "--inode-file-handles=never".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    Ok((child::spawn(&program()?, &args, vec![(listener.into(), LISTENER_FD)])?, stream))
}

fn program() -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(ELSEWHERE.map(PathBuf::from));
    let program = folders.map(|folder| folder.join("virtiofsd")).find(|file| file.is_file());
    Ok(program.context("virtiofsd isn't installed")?.into())
}

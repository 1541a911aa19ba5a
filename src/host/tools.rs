//! Paths of the host's programs.
#![expect(clippy::disallowed_methods, reason = "searches the host's programs")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::facts_request::FactsRequest;

/// Paths outside `PATH` to which packages install virtiofsd. QEMU's own virtiofsd in `usr/lib/qemu` isn't listed, because
/// it has no option `--readonly`.
const VIRTIOFSD: [&str; 3] = ["usr/libexec/virtiofsd", "usr/lib/virtiofsd", "usr/local/bin/virtiofsd"];

/// Returns the paths of the installed programs that pikaci may need, by name.
pub(super) fn tools(host: &FactsRequest, arch: &str) -> BTreeMap<String, PathBuf> {
    let programs = [&format!("qemu-system-{arch}"), "vfkit", "bwrap", "nix", "git"];
    let in_path = programs.into_iter().filter_map(|name| Some((name.to_owned(), search_path(&host.path, name)?)));
    let elsewhere = || VIRTIOFSD.iter().map(|file| host.root.join(file)).find(|file| is_program(file));
    let virtiofsd = search_path(&host.path, "virtiofsd").or_else(elsewhere);
    in_path.chain(virtiofsd.map(|file| ("virtiofsd".to_owned(), file))).collect()
}

/// Returns the first program of a name in the absolute folders of a `PATH`.
#[must_use]
pub fn search_path(path: &OsStr, name: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// Returns whether a path leads to an executable file.
pub(super) fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

//! Programs of the host: where they are, and which busybox can run in a guest.
#![expect(clippy::disallowed_methods, reason = "looks for the host's programs")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::blob;
use super::cache::{HashCache, Stamp};
use super::elf::Elf;
use super::{Gather, install};
use crate::flake::{BlobRef, Encoding};
use crate::plan::facts::{MissingFact, OsRelease};

/// Where packages put virtiofsd outside `PATH`. QEMU's own in `usr/lib/qemu` isn't here: it has no `--readonly`.
const VIRTIOFSD: [&str; 3] = ["usr/libexec/virtiofsd", "usr/lib/virtiofsd", "usr/local/bin/virtiofsd"];

/// Returns the programs that pikaci may need and this machine has.
pub(super) fn tools(host: &Gather, arch: &str) -> BTreeMap<String, PathBuf> {
    let programs = [&format!("qemu-system-{arch}"), "vfkit", "bwrap", "nix", "git"];
    let found = programs.into_iter().filter_map(|name| Some((name.to_owned(), on_path(host, name)?)));
    let elsewhere = || VIRTIOFSD.iter().map(|file| host.root.join(file)).find(|file| is_program(file));
    let virtiofsd = on_path(host, "virtiofsd").or_else(elsewhere);
    found.chain(virtiofsd.map(|file| ("virtiofsd".to_owned(), file))).collect()
}

/// Returns the busybox that becomes the guest's userland before the shares are mounted.
pub(super) fn busybox(
    host: &Gather,
    arch: &str,
    os: Option<&OsRelease>,
    cache: &HashCache,
) -> Result<BlobRef, MissingFact> {
    let hint = install(os, "busybox-static");
    let candidates: Vec<PathBuf> =
        on_path(host, "busybox").into_iter().chain([host.root.join("bin/busybox")]).collect();
    let mut linked = None;
    for file in candidates.iter().filter(|file| is_program(file)) {
        match static_blob(file, arch, cache) {
            Ok(Some(blob)) => return Ok(blob),
            Ok(None) => linked = Some(format!("{} isn't a statically linked {arch} program", file.display())),
            Err(error) => linked = Some(format!("{error:#}")),
        }
    }
    let reason = linked.unwrap_or_else(|| format!("neither PATH nor {} has one", host.root.join("bin").display()));
    Err(MissingFact { reason: format!("no busybox that runs in a guest: {reason}"), hint })
}

fn static_blob(file: &Path, arch: &str, cache: &HashCache) -> anyhow::Result<Option<BlobRef>> {
    let stamp = Stamp::of(file)?;
    let known = cache.recall(file, stamp, |known| known.static_for.as_ref().map(|known| known == arch));
    if !known.unwrap_or(false) {
        let mut bytes = Vec::new();
        blob::read(file, Encoding::Plain, &mut bytes)?;
        if !Elf::parse(&bytes).is_some_and(|elf| elf.is_static_program(arch)) {
            return Ok(None);
        }
        cache.learn(file, stamp, |known| known.static_for = Some(arch.to_owned()));
    }
    blob::blob(file, Encoding::Plain, cache).map(Some)
}

fn on_path(host: &Gather, name: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(&host.path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

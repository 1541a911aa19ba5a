//! The busybox that guests of base `host` start with.

use std::path::{Path, PathBuf};

use super::blob;
use super::elf::Elf;
use super::facts_request::FactsRequest;
use super::file_stamp::FileStamp;
use super::hash_cache::HashCache;
use super::packages::install_hint;
use super::tools::{is_program, search_path};
use crate::facts::{BlobRef, Encoding};
use crate::facts::{MissingFact, OsRelease};

/// Returns the busybox that provides the guest's commands until the shares are mounted.
pub(super) fn busybox(
    host: &FactsRequest,
    arch: &str,
    os: Option<&OsRelease>,
    cache: &HashCache,
) -> Result<BlobRef, MissingFact> {
    let hint = install_hint(os, "busybox-static");
    let candidates: Vec<PathBuf> =
        search_path(&host.path, "busybox").into_iter().chain([host.root.join("bin/busybox")]).collect();
    let mut failure = None;
    for file in candidates.iter().filter(|file| is_program(file)) {
        match static_blob(file, arch, cache) {
            Ok(Some(blob)) => return Ok(blob),
            Ok(None) => failure = Some(format!("{} isn't a statically linked {arch} program", file.display())),
            Err(error) => failure = Some(format!("{error:#}")),
        }
    }
    let reason = failure.unwrap_or_else(|| format!("neither PATH nor {} has one", host.root.join("bin").display()));
    Err(MissingFact { reason: format!("no busybox that runs in a guest: {reason}"), hint })
}

/// Returns a program as a blob; `None` when the program isn't statically linked for the architecture.
fn static_blob(file: &Path, arch: &str, cache: &HashCache) -> anyhow::Result<Option<BlobRef>> {
    let stamp = FileStamp::read(file)?;
    let is_static = cache.get(file, stamp, |cached| cached.static_for.as_ref().map(|cached_arch| cached_arch == arch));
    if !is_static.unwrap_or(false) {
        let mut bytes = Vec::new();
        blob::read_content(file, Encoding::Plain, &mut bytes)?;
        if !Elf::parse(&bytes).is_some_and(|elf| elf.is_static_program(arch)) {
            return Ok(None);
        }
        cache.update(file, stamp, |cached| cached.static_for = Some(arch.to_owned()));
    }
    blob::blob_ref(file, Encoding::Plain, cache).map(Some)
}

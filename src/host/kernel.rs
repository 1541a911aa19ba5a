//! Resolves the kernel of a guest with base `host`: an image that QEMU boots, and its modules.
#![expect(clippy::disallowed_methods, reason = "searches for kernels and modules")]

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::blob;
use super::bzimage::{self, BzImage};
use super::cached_file::{ContentDigest, KernelImage, LoadOrder};
use super::elf::Elf;
use super::facts_request::FactsRequest;
use super::file_stamp::FileStamp;
use super::hash_cache::HashCache;
use super::modules;
use super::packages::{install_hint, kernel_package};
use super::release::{ReleaseOrder, is_release};
use crate::facts::Encoding;
use crate::facts::{Kernel, MissingFact, Module, OsRelease};
use crate::foreign::Beneath;

/// The bit of a mode that lets every user read.
const READABLE_BY_ALL: u32 = 0o004;

/// The reason why an image can't be used.
struct UnusableImage {
    reason: String,
    /// Remedy for this image, if there is one.
    hint: Option<String>,
}

impl From<anyhow::Error> for UnusableImage {
    fn from(error: anyhow::Error) -> Self {
        Self { reason: format!("{error:#}"), hint: None }
    }
}

/// Returns the kernel of the image at a path, or without a path the best kernel of the host.
pub(super) fn resolve_kernel(
    path: Option<&Path>,
    host: &FactsRequest,
    os: Option<&OsRelease>,
    cache: &HashCache,
) -> Result<Kernel, MissingFact> {
    let candidates = path.map_or_else(|| candidates(host), |path| vec![path.to_owned()]);
    let mut failures = Vec::new();
    for image in &candidates {
        match read_kernel(image, path.is_some(), host, cache) {
            Ok(kernel) => return Ok(kernel),
            Err(failure) => failures.push(failure),
        }
    }
    let mut reasons: Vec<String> = failures.iter().map(|failure| failure.reason.clone()).collect();
    if reasons.is_empty() {
        let folders = host.kernel_roots().map(|root| root.join("boot").display().to_string());
        reasons.push(format!("neither {} has a vmlinuz-*", folders.join(" nor ")));
    }
    let hint = failures.into_iter().find_map(|failure| failure.hint).unwrap_or_else(|| match path {
        Some(_) => "name another image in the guest's `kernel`, or remove `kernel` to let pikaci choose one".to_owned(),
        None => install_hint(os, kernel_package(os, &host.system)),
    });
    Err(MissingFact { reason: format!("no kernel that a guest can boot: {}", reasons.join("; ")), hint })
}

/// Returns the kernel images of the host, best first.
fn candidates(host: &FactsRequest) -> Vec<PathBuf> {
    host.kernel_roots().iter().flat_map(|root| images(&root.join("boot"), &host.running)).collect()
}

fn images(boot: &Path, running: &str) -> Vec<PathBuf> {
    let entries = boot.read_dir().into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut releases: Vec<String> = names.filter_map(|name| Some(release_in_name(&name)?.to_owned())).collect();
    releases.sort_by_cached_key(|release| std::cmp::Reverse((release == running, ReleaseOrder::new(release))));
    releases.iter().map(|release| boot.join(format!("vmlinuz-{release}"))).collect()
}

fn release_in_name(name: &str) -> Option<&str> {
    name.strip_prefix("vmlinuz-").filter(|release| is_release(release))
}

fn read_kernel(path: &Path, is_named: bool, host: &FactsRequest, cache: &HashCache) -> Result<Kernel, UnusableImage> {
    let image = read_image(path, &host.system, cache)?;
    let folder = modules_folder(path, &image.release, host)?;
    let modules = read_modules(&folder, is_named, cache)?;
    Ok(Kernel { image: blob::blob_ref(path, image.encoding, cache)?, release: image.release, modules })
}

fn read_image(path: &Path, system: &str, cache: &HashCache) -> Result<KernelImage, UnusableImage> {
    let stamp = FileStamp::read(path).map_err(|error| unreadable(path, &error))?;
    rustix::fs::access(path, rustix::fs::Access::READ_OK).map_err(|error| unreadable(path, &error.into()))?;
    if let Some(image) = cache.get(path, stamp, |file| file.image.clone()) {
        return Ok(image);
    }
    let (image, content) = probe_image(path, system)?;
    cache.update(path, stamp, |file| {
        file.contents.extend(content.map(|content| (image.encoding, content)));
        file.image = Some(image.clone());
    });
    Ok(image)
}

fn unreadable(image: &Path, error: &io::Error) -> UnusableImage {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    UnusableImage {
        reason: format!("{} can't be read: {error}", image.display()),
        hint: denied.then(|| format!("sudo chmod +r {}", image.display())),
    }
}

/// Parses an image. Also returns the digest of its content if that had to be read.
fn probe_image(path: &Path, system: &str) -> Result<(KernelImage, Option<ContentDigest>), UnusableImage> {
    let in_name = path.file_name().and_then(|name| release_in_name(name.to_str()?)).map(str::to_owned);
    let shown = path.display();
    let no_release = || format!("neither the content nor the name of {shown} has a kernel release");
    let mut bytes = Vec::new();
    if let Some(header) = BzImage::parse(&blob::read_start(path, bzimage::HEADER_LEN)?) {
        let release = header.release.or(in_name).with_context(no_release)?;
        // QEMU also boots the compressed image, only more slowly.
        let payload = blob::read_content(path, Encoding::BzImagePayload, &mut bytes).ok();
        let payload = payload.filter(|_| Elf::parse(&bytes).is_some_and(Elf::has_pvh_entry));
        let encoding = if payload.is_some() { Encoding::BzImagePayload } else { Encoding::Plain };
        return Ok((KernelImage { release, encoding }, payload));
    }
    let content = blob::read_content(path, Encoding::Plain, &mut bytes)?;
    if system.starts_with("x86_64-") {
        let elf = Elf::parse(&bytes).with_context(|| format!("{shown} is no Linux kernel: neither bzImage nor ELF"))?;
        elf.has_pvh_entry()
            .then_some(())
            .with_context(|| format!("{shown} has no PVH entry, which QEMU needs to boot it"))?;
    }
    let release = release_in_banner(&bytes).or(in_name).with_context(no_release)?;
    Ok((KernelImage { release, encoding: Encoding::Plain }, Some(content)))
}

/// Returns the release from the banner of an uncompressed kernel.
fn release_in_banner(kernel: &[u8]) -> Option<String> {
    const BANNER: &[u8] = b"Linux version ";
    let at = kernel.windows(BANNER.len()).position(|window| window == BANNER)? + BANNER.len();
    let text = kernel[at..].split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(text).ok().filter(|text| is_release(text)).map(str::to_owned)
}

/// Returns the folder of a release's modules: in the `lib` beside the image's folder, or in that of the system.
fn modules_folder(image: &Path, release: &str, host: &FactsRequest) -> Result<PathBuf, UnusableImage> {
    let beside = image.parent().and_then(Path::parent);
    let roots = beside.into_iter().chain([host.root.as_path()]);
    let folders: Vec<PathBuf> = roots
        .flat_map(|root| ["lib/modules", "usr/lib/modules"].map(|folder| root.join(folder).join(release)))
        .collect();
    if let Some(folder) = folders.iter().find(|folder| folder.join("modules.dep").exists()) {
        return Ok(folder.clone());
    }
    let without_list = folders.iter().find(|folder| folder.exists());
    let reason = match without_list {
        Some(folder) => format!("{} has no modules.dep", folder.display()),
        None => format!("{} has no modules in {}", image.display(), folders[0].display()),
    };
    let base = without_list.and_then(|folder| folder.ancestors().find(|base| folder.starts_with(base.join("lib"))));
    Err(UnusableImage { reason, hint: base.map(|base| format!("sudo depmod -b {} {release}", base.display())) })
}

/// Reads the modules that a guest loads. They are copied into the Nix store, where every user may read them. A job file
/// that names a kernel must not expose other files, so each module has to lie in the folder and be readable by every user.
fn read_modules(folder: &Path, is_named: bool, cache: &HashCache) -> Result<Vec<Module>, UnusableImage> {
    let module = |file: &String| {
        let path = Beneath::new(folder).join(file);
        let is_public = || path.open().and_then(|file| file.metadata()).map(|meta| meta.mode() & READABLE_BY_ALL != 0);
        if is_named && !is_public().with_context(|| format!("reading {}", path.display()))? {
            bail!("{} isn't readable by every user, as the modules of a guest are", path.display());
        }
        let (name, encoding) =
            modules::parse_file_name(file).with_context(|| format!("{} is not a kernel module", path.display()))?;
        anyhow::Ok(Module { name: name.to_owned(), blob: blob::blob_ref(&path, encoding, cache)? })
    };
    read_load_order(folder, cache)?.iter().map(|file| module(file).map_err(UnusableImage::from)).collect()
}

fn read_load_order(folder: &Path, cache: &HashCache) -> Result<Vec<String>, UnusableImage> {
    let (dep, builtin) = (folder.join("modules.dep"), folder.join("modules.builtin"));
    let stamp = FileStamp::read(&dep).with_context(|| format!("reading {}", dep.display()))?;
    let builtin_stamp = FileStamp::read(&builtin).ok();
    let requested = modules::requested();
    let cached = cache.get(&dep, stamp, |file| file.closure.clone());
    if let Some(cached) = cached.filter(|cached| cached.builtin == builtin_stamp && cached.requested == requested) {
        return Ok(cached.files);
    }
    let read = |path: &Path| -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        blob::read_content(path, Encoding::Plain, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let builtin_text = builtin_stamp.map(|_| read(&builtin)).transpose()?.unwrap_or_default();
    let files = modules::load_order(&read(&dep)?, &builtin_text).map_err(|missing| UnusableImage {
        reason: format!("{} lacks modules that a guest needs: {}", folder.display(), missing.join(", ")),
        hint: None,
    })?;
    let order = LoadOrder { requested, builtin: builtin_stamp, files: files.clone() };
    cache.update(&dep, stamp, |file| file.closure = Some(order));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::unreadable;

    #[test]
    fn an_image_that_only_root_may_read_has_a_hint_that_makes_it_readable() {
        let failure = unreadable("/boot/vmlinuz-6.8.0-31-generic".as_ref(), &io::ErrorKind::PermissionDenied.into());
        assert_eq!(failure.reason, "/boot/vmlinuz-6.8.0-31-generic can't be read: permission denied");
        assert_eq!(failure.hint.as_deref(), Some("sudo chmod +r /boot/vmlinuz-6.8.0-31-generic"));
        assert!(unreadable("/x".as_ref(), &io::ErrorKind::NotFound.into()).hint.is_none());
    }
}

//! The kernel of a guest with base `host`: an image that QEMU boots and the modules that go with it.
#![expect(clippy::disallowed_methods, reason = "looks for kernels and modules")]

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::blob;
use super::bzimage::{self, BzImage};
use super::cache::{Closure, Content, HashCache, Image, Stamp};
use super::elf::Elf;
use super::version::ReleaseOrder;
use super::{Gather, install, modules};
use crate::flake::Encoding;
use crate::foreign::Beneath;
use crate::plan::facts::{Kernel, MissingFact, Module, OsRelease};

/// The bit of a mode that lets every user read.
const READABLE_BY_ALL: u32 = 0o004;

/// Why an image can't be used.
struct Unusable {
    reason: String,
    /// What to do, where it is about this image.
    hint: Option<String>,
}

impl From<anyhow::Error> for Unusable {
    fn from(error: anyhow::Error) -> Self {
        Self { reason: format!("{error:#}"), hint: None }
    }
}

/// Returns the kernel of the image that a guest names, or the best one that this machine has.
pub(super) fn kernel(
    path: Option<&Path>,
    host: &Gather,
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
        Some(_) => "name another image in the guest's `kernel`, or leave it out to have one found".to_owned(),
        None => install(os, package(os, &host.system)),
    });
    Err(MissingFact { reason: format!("no kernel that a guest can boot: {}", reasons.join("; ")), hint })
}

/// Returns the images of the places where kernels are kept, best first.
fn candidates(host: &Gather) -> Vec<PathBuf> {
    host.kernel_roots().iter().flat_map(|root| images(&root.join("boot"), &host.running)).collect()
}

fn images(boot: &Path, running: &str) -> Vec<PathBuf> {
    let entries = boot.read_dir().into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut releases: Vec<String> = names.filter_map(|name| Some(release_in_name(&name)?.to_owned())).collect();
    releases.sort_by_cached_key(|release| std::cmp::Reverse((release == running, ReleaseOrder::of(release))));
    releases.iter().map(|release| boot.join(format!("vmlinuz-{release}"))).collect()
}

fn release_in_name(name: &str) -> Option<&str> {
    name.strip_prefix("vmlinuz-").filter(|release| bzimage::is_release(release))
}

fn read_kernel(path: &Path, is_named: bool, host: &Gather, cache: &HashCache) -> Result<Kernel, Unusable> {
    let image = read_image(path, &host.system, cache)?;
    let folder = modules_folder(path, &image.release, host)?;
    let modules = read_modules(&folder, is_named, cache)?;
    Ok(Kernel { image: blob::blob(path, image.encoding, cache)?, release: image.release, modules })
}

fn read_image(path: &Path, system: &str, cache: &HashCache) -> Result<Image, Unusable> {
    let stamp = Stamp::of(path).map_err(|error| unreadable(path, &error))?;
    rustix::fs::access(path, rustix::fs::Access::READ_OK).map_err(|error| unreadable(path, &error.into()))?;
    if let Some(image) = cache.recall(path, stamp, |known| known.image.clone()) {
        return Ok(image);
    }
    let (image, content) = probe(path, system)?;
    cache.learn(path, stamp, |known| {
        known.contents.extend(content.map(|content| (image.encoding, content)));
        known.image = Some(image.clone());
    });
    Ok(image)
}

fn unreadable(image: &Path, error: &io::Error) -> Unusable {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    Unusable {
        reason: format!("{} can't be read: {error}", image.display()),
        hint: denied.then(|| format!("sudo chmod +r {}", image.display())),
    }
}

/// Returns how an image is booted, and the content if it was hashed by the way.
fn probe(path: &Path, system: &str) -> Result<(Image, Option<Content>), Unusable> {
    let in_name = path.file_name().and_then(|name| release_in_name(name.to_str()?)).map(str::to_owned);
    let shown = path.display();
    let nameless = || format!("{shown} doesn't say which release it is");
    let mut bytes = Vec::new();
    if let Some(header) = BzImage::parse(&blob::start(path, bzimage::HEADER_LEN)?) {
        let release = header.release.or(in_name).with_context(nameless)?;
        // What can't be decoded boots as it is, only later.
        let payload = blob::read(path, Encoding::BzImagePayload, &mut bytes).ok();
        let payload = payload.filter(|_| Elf::parse(&bytes).is_some_and(Elf::has_pvh_entry));
        let encoding = if payload.is_some() { Encoding::BzImagePayload } else { Encoding::Plain };
        return Ok((Image { release, encoding }, payload));
    }
    let content = blob::read(path, Encoding::Plain, &mut bytes)?;
    if system.starts_with("x86_64-") {
        let elf = Elf::parse(&bytes).with_context(|| format!("{shown} is no Linux kernel: neither bzImage nor ELF"))?;
        elf.has_pvh_entry().then_some(()).with_context(|| format!("{shown} has no PVH entry, which QEMU starts"))?;
    }
    let release = release_in_banner(&bytes).or(in_name).with_context(nameless)?;
    Ok((Image { release, encoding: Encoding::Plain }, Some(content)))
}

/// Returns the release in the banner of an uncompressed kernel.
fn release_in_banner(kernel: &[u8]) -> Option<String> {
    const BANNER: &[u8] = b"Linux version ";
    let at = kernel.windows(BANNER.len()).position(|window| window == BANNER)? + BANNER.len();
    let text = kernel[at..].split(|byte| *byte == b' ').next()?;
    std::str::from_utf8(text).ok().filter(|text| bzimage::is_release(text)).map(str::to_owned)
}

/// Returns the folder of a release's modules: beside the folder that holds the image, or the system's own.
fn modules_folder(image: &Path, release: &str, host: &Gather) -> Result<PathBuf, Unusable> {
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
    Err(Unusable { reason, hint: base.map(|base| format!("sudo depmod -b {} {release}", base.display())) })
}

/// Reads the modules that a guest loads. They are copied into the Nix store, where everybody may read them: a job file that
/// names a kernel can have none copied but what lies in its folder of modules and is no secret.
fn read_modules(folder: &Path, is_named: bool, cache: &HashCache) -> Result<Vec<Module>, Unusable> {
    let module = |file: &String| {
        let path = Beneath::new(folder).join(file);
        let is_public = || path.open().and_then(|file| file.metadata()).map(|meta| meta.mode() & READABLE_BY_ALL != 0);
        if is_named && !is_public().with_context(|| format!("reading {}", path.display()))? {
            bail!("{} may not be read by every user, and a guest's modules may", path.display());
        }
        let (name, encoding) = modules::file_form(file).with_context(|| format!("{} is no module", path.display()))?;
        anyhow::Ok(Module { name: name.to_owned(), blob: blob::blob(&path, encoding, cache)? })
    };
    load_order(folder, cache)?.iter().map(|file| module(file).map_err(Unusable::from)).collect()
}

fn load_order(folder: &Path, cache: &HashCache) -> Result<Vec<String>, Unusable> {
    let (dep, builtin) = (folder.join("modules.dep"), folder.join("modules.builtin"));
    let stamp = Stamp::of(&dep).with_context(|| format!("reading {}", dep.display()))?;
    let builtin_stamp = Stamp::of(&builtin).ok();
    let wanted = modules::wanted();
    let known = cache.recall(&dep, stamp, |known| known.closure.clone());
    if let Some(known) = known.filter(|known| known.builtin == builtin_stamp && known.wanted == wanted) {
        return Ok(known.files);
    }
    let read = |path: &Path| -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        blob::read(path, Encoding::Plain, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let builtin_text = builtin_stamp.map(|_| read(&builtin)).transpose()?.unwrap_or_default();
    let files = modules::load_order(&read(&dep)?, &builtin_text).map_err(|missing| Unusable {
        reason: format!("{} lacks what a guest needs: {}", folder.display(), missing.join(", ")),
        hint: None,
    })?;
    let closure = Closure { wanted, builtin: builtin_stamp, files: files.clone() };
    cache.learn(&dep, stamp, |known| known.closure = Some(closure));
    Ok(files)
}

fn package(os: Option<&OsRelease>, system: &str) -> &'static str {
    match os.map(|os| os.id.as_str()) {
        Some("debian") if system.starts_with("aarch64-") => "linux-image-cloud-arm64",
        Some("debian") => "linux-image-cloud-amd64",
        Some("ubuntu") => "linux-image-virtual",
        _ => "a Linux kernel with its modules",
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::unreadable;

    #[test]
    fn image_of_root_alone_has_the_command_that_opens_it() {
        let failure = unreadable("/boot/vmlinuz-6.8.0-31-generic".as_ref(), &io::ErrorKind::PermissionDenied.into());
        assert_eq!(failure.reason, "/boot/vmlinuz-6.8.0-31-generic can't be read: permission denied");
        assert_eq!(failure.hint.as_deref(), Some("sudo chmod +r /boot/vmlinuz-6.8.0-31-generic"));
        assert!(unreadable("/x".as_ref(), &io::ErrorKind::NotFound.into()).hint.is_none());
    }
}

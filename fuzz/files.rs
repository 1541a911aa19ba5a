//! Targets that read files.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path};

use pikaci::execute::collect::ArtifactDisk;
use pikaci::facts::{BlobRef, Encoding, Kernel, MissingFact};
use pikaci::foreign::Beneath;
use pikaci::host::{FactsRequest, HashCache, decode, gather_facts};
use pikaci::id::Digest;
use pikaci::prepare::Runner;
use pikaci::quota::Quota;
use tempfile::TempDir;

/// The longest planned length of a blob, in bytes.
const CONTENT: u64 = 1 << 20;

/// Unpacks an artifact disk: the files lie in their folder, are plain, and are those of the manifest.
pub fn artifacts(bytes: &[u8]) {
    let place = TempDir::new().unwrap();
    let (disk, folder) = (place.path().join("disk"), place.path().join("artifacts"));
    let made = ArtifactDisk::make(&disk, 1024, &Quota::unlimited()).unwrap();
    let written = File::options().write(true).open(&disk).unwrap();
    written.write_all_at(bytes, 0).unwrap();
    written.set_len(bytes.len() as u64).unwrap();
    let unpacked = made.unpack(u64::MAX, &["**".to_owned()], &folder);
    assert_eq!(fs::read(&disk).unwrap(), bytes);
    let beside: BTreeSet<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(beside.iter().all(|name| name == "disk" || name == "artifacts"), "{beside:?}");
    let mut lengths = Vec::new();
    if folder.exists() {
        plain_files(&folder, &folder, &mut lengths);
    }
    if let Ok((manifest, _)) = unpacked {
        let mut listed: Vec<u64> = manifest.files.iter().map(|file| file.len).collect();
        listed.sort_unstable();
        lengths.sort_unstable();
        assert_eq!(listed, lengths);
    }
}

/// Collects the lengths of the files below a folder, and asserts that it has only folders, plain files that nobody else
/// may write, and links inside of the top folder.
fn plain_files(top: &Path, folder: &Path, lengths: &mut Vec<u64>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            plain_files(top, &path, lengths);
        } else if metadata.is_symlink() {
            let target = fs::canonicalize(&path).unwrap();
            assert!(target.starts_with(fs::canonicalize(top).unwrap()), "{}", path.display());
        } else {
            assert!(metadata.is_file() && metadata.permissions().mode() & 0o7022 == 0, "{}", path.display());
            lengths.push(metadata.len());
        }
    }
}

/// Reads the files of a runner: it names only its own files, with their real lengths.
pub fn boot(bytes: &[u8]) {
    let store = TempDir::new().unwrap();
    let path = store.path().join("runner");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("boot.json"), bytes).unwrap();
    for (name, content) in [("kernel", "kernel"), ("initrd", "initrd")] {
        fs::write(path.join(name), content).unwrap();
    }
    if let Some(runner) = Runner::load(&path) {
        assert_eq!(runner.boot.schema_version, 1);
        let own = fs::canonicalize(&path).unwrap();
        for file in [runner.kernel(), runner.initrd()].into_iter().chain(runner.store_disk()) {
            let name = file.strip_prefix(&path).unwrap().to_str().unwrap();
            let real = fs::canonicalize(&file).unwrap();
            assert!(real.starts_with(&own) && real.is_file(), "{name}");
            assert_eq!(fs::metadata(real).unwrap().len(), runner.boot.sizes[name]);
        }
    }
}

/// Reads a kernel: it has a release that names one folder, or a reason for its refusal.
pub fn kernel(bytes: &[u8]) {
    let root = TempDir::new().unwrap();
    let image = root.path().join("image");
    fs::write(&image, bytes).unwrap();
    let modules = root.path().join("lib/modules/6.1.0");
    fs::create_dir_all(&modules).unwrap();
    fs::write(modules.join("modules.dep"), "kernel/virtiofs.ko:\n").unwrap();
    match read_kernel(root.path(), Some(&image), &HashCache::default()) {
        Ok(kernel) => assert!(!kernel.release.contains('/') && kernel.release != ".."),
        Err(missing) => assert!(!missing.reason.is_empty() && !missing.hint.is_empty()),
    }
}

/// A cache may say anything about a kernel, but names no files outside of the folder of its modules.
pub fn hash_cache(bytes: &[u8]) {
    let root = TempDir::new().unwrap();
    let (image, modules) = (root.path().join("boot/vmlinuz-6.1.0"), root.path().join("lib/modules/6.1.0"));
    let list = modules.join("modules.dep");
    let files = [&image, &list, &modules.join("virtio.ko"), &root.path().join("outside.ko")];
    for file in files {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    }
    // An input can't contain the paths and the metadata of these files, and has their names instead.
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        text = text.replace(&format!("\"stamp of {name}\""), &stamp(file));
        text = text.replace(&format!("\"{name}\":"), &format!("\"{}\":", file.display()));
    }
    let cache = Beneath::new(root.path()).join("host.json");
    fs::write(&cache, text).unwrap();
    for named in [None, Some(image.as_path())] {
        let Ok(kernel) = read_kernel(root.path(), named, &HashCache::load(&cache)) else { continue };
        assert!(!kernel.release.contains('/') && kernel.release != "..", "{kernel:?}");
        for module in kernel.modules {
            let inside = module.blob.path.strip_prefix(&modules).unwrap();
            assert!(inside.components().all(|part| matches!(part, Component::Normal(_))), "{}", inside.display());
        }
    }
}

/// Returns the kernel of an image, or the best one of a host whose root is a folder.
fn read_kernel(root: &Path, image: Option<&Path>, cache: &HashCache) -> Result<Kernel, MissingFact> {
    let image = image.map(Path::to_owned);
    let request = FactsRequest {
        system: "x86_64-linux".to_owned(),
        running: "6.1.0".to_owned(),
        path: "".into(),
        root: root.to_owned(),
        set_up: root.join("none"),
        kernels: BTreeSet::from([image.clone()]),
        userland: false,
    };
    gather_facts(&request, cache).kernels.remove(&image).unwrap()
}

/// Returns the metadata by which a cache recognizes a file, as JSON.
fn stamp(file: &Path) -> String {
    let meta = fs::metadata(file).unwrap();
    let [mtime, ctime] = [(meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec())]
        .map(|(secs, nanos)| secs * 1_000_000_000 + nanos);
    let (dev, inode, size) = (meta.dev(), meta.ino(), meta.size());
    format!(r#"{{"dev":{dev},"inode":{inode},"size":{size},"mtime_ns":{mtime},"ctime_ns":{ctime}}}"#)
}

/// Decodes a blob: the result is never longer than the plan allows.
pub fn blob(bytes: &[u8]) {
    let Some((kind, content)) = bytes.split_first() else { return };
    let encodings = [Encoding::Plain, Encoding::Gzip, Encoding::Xz, Encoding::Zstd, Encoding::BzImagePayload];
    let encoding = encodings[usize::from(*kind) % encodings.len()];
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("blob");
    fs::write(&path, content).unwrap();
    let blob = BlobRef { path, encoding, len: CONTENT, sha256: Digest::of(b"") };
    let mut counted = Counted(0);
    // No content has both this digest and this length.
    assert!(decode(&blob, &mut counted).is_err());
    assert!(counted.0 <= CONTENT, "{}", counted.0);
}

struct Counted(u64);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

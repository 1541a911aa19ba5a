//! Made-up hosts for the tests.
#![expect(clippy::disallowed_methods, reason = "makes hosts in temporary folders")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lzma_rust2::{XzOptions, XzWriter};

use super::bzimage::tests::bzimage;
use super::elf::tests::{elf, pvh_kernel};
use super::{Gather, HashCache, gather};
use crate::plan::facts::{Kernel, MissingFact};

pub(super) const RELEASE: &str = "6.1.0-9-cloud-amd64";

/// A made-up host in a temporary folder.
pub(super) struct Host(tempfile::TempDir);

impl Host {
    /// Makes a Debian that has a kernel, its modules and busybox.
    pub(super) fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        host.write("etc/os-release", b"ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian\n");
        host.write("proc/meminfo", b"MemFree: 1 kB\nMemTotal:  2097152 kB\n");
        host.write("bin/busybox", &elf(&[(1, vec![7; 8])]));
        host.executable("bin/busybox");
        host.add_kernel("", RELEASE);
        host
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(super) fn write(&self, file: &str, content: &[u8]) {
        fs::create_dir_all(self.path(file).parent().unwrap()).unwrap();
        fs::write(self.path(file), content).unwrap();
    }

    pub(super) fn executable(&self, file: &str) {
        fs::set_permissions(self.path(file), fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(super) fn add_kernel(&self, root: &str, release: &str) {
        self.write(&format!("{root}boot/vmlinuz-{release}"), &bzimage(release, &lz4(&pvh_kernel())));
        let folder = format!("{root}lib/modules/{release}");
        for name in ["fuse", "virtiofs", "virtio", "virtio_pci", "virtio_console"] {
            self.write(&format!("{folder}/kernel/{name}.ko"), name.as_bytes());
        }
        self.write(&format!("{folder}/kernel/virtio_blk.ko.xz"), &xz(b"virtio_blk"));
        self.write(&format!("{folder}/kernel/virtio-rng.ko.gz"), &gzip(b"virtio-rng"));
        let dep = b"\
kernel/virtiofs.ko: kernel/fuse.ko
kernel/virtio_pci.ko: kernel/virtio.ko
kernel/virtio_console.ko:
kernel/virtio_blk.ko.xz:
kernel/virtio-rng.ko.gz: kernel/virtio.ko
";
        self.write(&format!("{folder}/modules.dep"), dep);
        self.write(&format!("{folder}/modules.builtin"), b"kernel/overlay.ko\n");
    }

    pub(super) fn request(&self, kernel: Option<&Path>) -> Gather {
        Gather {
            system: "x86_64-linux".to_owned(),
            running: "0.0.0".to_owned(),
            path: self.path("usr/bin").into(),
            root: self.0.path().to_owned(),
            set_up: self.path("set-up"),
            kernels: [kernel.map(Path::to_owned)].into(),
        }
    }

    pub(super) fn kernel(&self, kernel: Option<&Path>) -> Result<Kernel, MissingFact> {
        let facts = gather(&self.request(kernel), &HashCache::default());
        facts.kernels.into_values().next().unwrap()
    }
}

pub(super) fn lz4(content: &[u8]) -> Vec<u8> {
    let block = lz4_flex::block::compress(content);
    let len = u32::try_from(block.len()).unwrap();
    sized([&0x184c_2102_u32.to_le_bytes(), &len.to_le_bytes(), block.as_slice()].concat(), content)
}

pub(super) fn sized(mut payload: Vec<u8>, content: &[u8]) -> Vec<u8> {
    payload.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    payload
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

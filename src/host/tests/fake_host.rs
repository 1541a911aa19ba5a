//! A made-up host.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::images::{bzimage, elf, gzip, lz4, pvh_kernel, xz};
use crate::facts::{Kernel, MissingFact};
use crate::host::{FactsRequest, HashCache, gather_facts};

pub(super) const RELEASE: &str = "6.1.0-9-cloud-amd64";

/// A made-up host in a temporary folder.
pub(super) struct FakeHost(tempfile::TempDir);

impl FakeHost {
    /// Makes a Debian host with a kernel, its modules and busybox.
    pub(super) fn new() -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        host.write("etc/os-release", b"ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian\n");
        host.write("proc/meminfo", b"MemFree: 1 kB\nMemTotal:  2097152 kB\n");
        host.write("bin/busybox", &elf(&[(1, vec![7; 8])]));
        host.make_executable("bin/busybox");
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

    pub(super) fn make_executable(&self, file: &str) {
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

    pub(super) fn request(&self, kernel: Option<&Path>) -> FactsRequest {
        FactsRequest {
            system: "x86_64-linux".to_owned(),
            running: "0.0.0".to_owned(),
            path: self.path("usr/bin").into(),
            root: self.0.path().to_owned(),
            set_up: self.path("set-up"),
            kernels: [kernel.map(Path::to_owned)].into(),
            userland: false,
        }
    }

    pub(super) fn kernel(&self, kernel: Option<&Path>) -> Result<Kernel, MissingFact> {
        let facts = gather_facts(&self.request(kernel), &HashCache::default());
        facts.kernels.into_values().next().unwrap()
    }
}

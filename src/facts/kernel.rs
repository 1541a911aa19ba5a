//! A Linux kernel of the host.

use super::blob::BlobRef;

/// A Linux kernel of the host with the modules that a guest loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The release, as `uname -r` prints it.
    pub release: String,
    /// The image to boot: an ELF file with a PVH entry if the file has one, else the file itself.
    pub image: BlobRef,
    /// The modules in the order in which they are loaded: dependencies come first. Built-in modules aren't listed.
    pub modules: Vec<Module>,
}

/// A kernel module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Name of the file without the suffix of its compression, for instance `virtio_pci.ko`.
    pub name: String,
    /// The decompressed module.
    pub blob: BlobRef,
}

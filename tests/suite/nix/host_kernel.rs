//! The kernel of this machine that guests of base `host` boot.

use std::path::Path;

use pikaci::facts::Encoding;
use pikaci::host::{FactsRequest, HashCache, decode, gather_facts};

const SET_UP: &str = "/usr/local/lib/pikaci";

#[test]
fn the_kernel_of_the_set_up_is_uncompressed_and_its_modules_are_in_order() {
    assert!(Path::new(SET_UP).join("boot").exists(), "{SET_UP}/boot is missing: run `.ci/setup test`");
    let request = FactsRequest::new("/usr/bin:/bin".into(), [None].into());
    let facts = gather_facts(&request, &HashCache::default());
    let kernel = facts.kernels[&None].clone().unwrap();
    assert!(kernel.image.path.starts_with(SET_UP));
    assert_eq!(kernel.image.encoding, Encoding::BzImagePayload);
    assert!(kernel.image.len > 20 << 20, "{} bytes", kernel.image.len);
    let names: Vec<_> = kernel.modules.iter().map(|module| module.name.as_str()).collect();
    let at = |name: &str| names.iter().position(|module| *module == name);
    assert!(at("failover.ko").is_some() && at("net_failover.ko").is_some(), "{names:?}");
    // Some kernels have a few of these built in.
    let order =
        ["virtio_ring.ko", "virtio.ko", "virtio_pci.ko", "fuse.ko", "virtiofs.ko", "failover.ko", "net_failover.ko"];
    let order: Vec<_> = order.into_iter().filter_map(at).collect();
    assert!(order.is_sorted(), "{names:?}");
    assert!(facts.busybox.is_ok(), "{:?}", facts.busybox);
    let mut module = Vec::new();
    decode(&kernel.modules[0].blob, &mut module).unwrap();
    assert!(module.starts_with(b"\x7fELF"));
}

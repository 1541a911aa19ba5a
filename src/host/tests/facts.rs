//! Tests of the gathered facts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::fake_host::{FakeHost, RELEASE};
use super::images::{bzimage, elf, gzip, lz4, pvh_kernel, sized, xz, zstd};
use crate::facts::{BlobRef, Encoding};
use crate::foreign::Beneath;
use crate::host::{FactsRequest, HashCache, decode, gather_facts};
use crate::id::Digest;

fn decoded(blob: &BlobRef) -> Vec<u8> {
    let mut content = Vec::new();
    decode(blob, &mut content).unwrap();
    assert_eq!((content.len() as u64, Digest::of(&content)), (blob.len, blob.sha256.clone()));
    content
}

#[test]
fn facts_have_system_memory_release_and_busybox() {
    let host = FakeHost::new();
    let facts = gather_facts(&host.request(None), &HashCache::default());
    assert_eq!((facts.system.as_str(), facts.memory_mib), ("x86_64-linux", 2048));
    assert!(facts.cpus > 0);
    assert_eq!(facts.os_release.unwrap().version_id, "12");
    assert_eq!(decoded(&facts.busybox.unwrap()), elf(&[(1, vec![7; 8])]));
}

/// Every user may read the modules once they are in the Nix store, and a job file may name any kernel.
#[test]
fn a_module_of_a_named_kernel_must_be_public_and_in_its_folder() {
    let host = FakeHost::new();
    host.add_kernel("own/", RELEASE);
    let image = host.path(&format!("own/boot/vmlinuz-{RELEASE}"));
    let kernel =
        || gather_facts(&host.request(Some(&image)), &HashCache::default()).kernels[&Some(image.clone())].clone();
    assert_eq!(kernel().unwrap().modules.len(), 7);
    let folder = format!("own/lib/modules/{RELEASE}");
    let module = host.path(&format!("{folder}/kernel/virtio.ko"));
    let refused = |expected: &str| {
        let reason = kernel().unwrap_err().reason;
        assert!(reason.contains(expected), "{reason}");
    };
    fs::set_permissions(&module, fs::Permissions::from_mode(0o600)).unwrap();
    refused("virtio.ko isn't readable by every user");
    host.write("secret", b"secret");
    fs::remove_file(&module).unwrap();
    std::os::unix::fs::symlink(host.path("secret"), &module).unwrap();
    refused("it is a symbolic link");
    let list = fs::read_to_string(host.path(&format!("{folder}/modules.dep"))).unwrap();
    let up = host.path("secret.ko");
    host.write("secret.ko", b"secret");
    host.write(&format!("{folder}/modules.dep"), list.replace("kernel/virtio.ko", up.to_str().unwrap()).as_bytes());
    refused("it leads out of its folder");
}

#[test]
fn tools_are_searched_in_path_and_virtiofsd_in_fixed_places_too() {
    let host = FakeHost::new();
    for file in ["usr/bin/nix", "usr/bin/qemu-system-x86_64", "usr/libexec/virtiofsd", "usr/lib/qemu/virtiofsd"] {
        host.write(file, b"#!");
        host.make_executable(file);
    }
    host.write("usr/bin/git", b"not executable");
    let tools = gather_facts(&host.request(None), &HashCache::default()).tools;
    assert_eq!(tools.keys().collect::<Vec<_>>(), ["nix", "qemu-system-x86_64", "virtiofsd"]);
    assert_eq!(tools["virtiofsd"], host.path("usr/libexec/virtiofsd"));
    fs::remove_file(host.path("usr/libexec/virtiofsd")).unwrap();
    assert!(
        !gather_facts(&host.request(None), &HashCache::default()).tools.contains_key("virtiofsd"),
        "QEMU's own virtiofsd is not used"
    );
}

#[test]
fn a_kernel_is_decompressed_and_has_its_modules_in_load_order() {
    let host = FakeHost::new();
    let kernel = host.kernel(None).unwrap();
    let names: Vec<_> = kernel.modules.iter().map(|module| module.name.as_str()).collect();
    let expected =
        ["virtio.ko", "virtio_pci.ko", "fuse.ko", "virtiofs.ko", "virtio_console.ko", "virtio_blk.ko", "virtio-rng.ko"];
    assert_eq!(names, expected);
    for module in &kernel.modules {
        assert_eq!(String::from_utf8(decoded(&module.blob)).unwrap() + ".ko", module.name);
    }
    assert_eq!((kernel.release.as_str(), kernel.image.encoding), (RELEASE, Encoding::BzImagePayload));
    assert!(decoded(&kernel.image) == pvh_kernel());
}

#[test]
fn every_compression_of_the_payload_is_decoded() {
    let host = FakeHost::new();
    let kernel = pvh_kernel();
    let payloads = [gzip(&kernel), sized(xz(&kernel), &kernel), sized(zstd(&kernel), &kernel), lz4(&kernel)];
    for payload in payloads {
        host.write(&format!("boot/vmlinuz-{RELEASE}"), &bzimage(RELEASE, &payload));
        let image_ref = host.kernel(None).unwrap().image;
        assert_eq!(image_ref.encoding, Encoding::BzImagePayload, "{:x?}", &payload[..6]);
        assert!(decoded(&image_ref) == kernel);
    }
}

#[test]
fn an_image_without_a_usable_payload_is_used_unchanged() {
    let host = FakeHost::new();
    let bzip2 = bzimage(RELEASE, b"BZh9 whatever follows");
    let cut = bzimage(RELEASE, &gzip(&pvh_kernel())[..20]);
    let without_entry = bzimage(RELEASE, &gzip(&elf(&[(1, vec![0; 8])])));
    for image in [bzip2, cut, without_entry] {
        host.write(&format!("boot/vmlinuz-{RELEASE}"), &image);
        let image_ref = host.kernel(None).unwrap().image;
        assert_eq!(image_ref.encoding, Encoding::Plain);
        assert!(decoded(&image_ref) == image);
    }
}

#[test]
fn the_kernel_of_set_up_comes_first_then_the_running_one_then_the_newest() {
    let host = FakeHost::new();
    host.add_kernel("", "6.1.0-10-cloud-amd64");
    host.add_kernel("", "5.10.0-1-amd64");
    let release = |running: &str| {
        let request = FactsRequest { running: running.to_owned(), ..host.request(None) };
        gather_facts(&request, &HashCache::default()).kernels.into_values().next().unwrap().unwrap().release
    };
    assert_eq!(release("6.18.44-other"), "6.1.0-10-cloud-amd64");
    assert_eq!(release("5.10.0-1-amd64"), "5.10.0-1-amd64");
    host.add_kernel("set-up/", "6.1.0-2-cloud-amd64");
    assert_eq!(release("5.10.0-1-amd64"), "6.1.0-2-cloud-amd64");
    fs::remove_dir_all(host.path("set-up/lib")).unwrap();
    assert_eq!(release("5.10.0-1-amd64"), "5.10.0-1-amd64", "a kernel without modules is skipped");
}

#[test]
fn a_named_image_has_its_release_in_its_content() {
    let host = FakeHost::new();
    let from = host.path(&format!("boot/vmlinuz-{RELEASE}"));
    host.write("elsewhere/kernel", &fs::read(&from).unwrap());
    assert_eq!(host.kernel(Some(&host.path("elsewhere/kernel"))).unwrap().release, RELEASE);
    let vmlinux = [pvh_kernel(), format!("\0Linux version {RELEASE} (x)\0").into_bytes()].concat();
    host.write("elsewhere/vmlinux", &vmlinux);
    let kernel = host.kernel(Some(&host.path("elsewhere/vmlinux"))).unwrap();
    assert_eq!((kernel.release.as_str(), kernel.image.encoding), (RELEASE, Encoding::Plain));
    assert!(decoded(&kernel.image) == vmlinux);
}

#[test]
fn an_unusable_kernel_has_a_reason_and_a_hint() {
    let host = FakeHost::new();
    let missing = |kernel: Option<&str>| host.kernel(kernel.map(|file| host.path(file)).as_deref()).unwrap_err();
    host.write("junk", b"#!/bin/sh\n");
    host.write("vmlinux", &elf(&[(1, vec![0; 8])]));
    let named = [
        ("none", "none can't be read: No such file"),
        ("boot", "boot can't be read: not a regular file"),
        ("junk", "neither bzImage nor ELF"),
        ("vmlinux", "no PVH entry"),
    ];
    for (file, reason) in named {
        assert!(missing(Some(file)).reason.contains(reason), "{}", missing(Some(file)).reason);
    }
    fs::remove_file(host.path(&format!("lib/modules/{RELEASE}/modules.dep"))).unwrap();
    assert!(missing(None).reason.ends_with("has no modules.dep"), "{}", missing(None).reason);
    assert_eq!(
        missing(None).hint,
        format!("sudo depmod -b {} {RELEASE}", host.path("lib").parent().unwrap().display())
    );
    host.write(&format!("lib/modules/{RELEASE}/modules.dep"), b"kernel/virtio_pci.ko:\n");
    assert!(missing(None).reason.ends_with("lacks modules that a guest needs: virtiofs, virtio_console, virtio_blk"));
    fs::remove_dir_all(host.path("lib")).unwrap();
    assert!(missing(None).reason.contains("has no modules in"));
    fs::remove_dir_all(host.path("boot")).unwrap();
    assert!(missing(None).reason.contains("neither"), "{}", missing(None).reason);
    assert_eq!(missing(None).hint, "sudo apt-get install linux-image-cloud-amd64");
}

#[test]
fn a_dynamically_linked_busybox_is_rejected() {
    let host = FakeHost::new();
    let missing = || gather_facts(&host.request(None), &HashCache::default()).busybox.unwrap_err();
    host.write("bin/busybox", &elf(&[(3, b"/lib/ld.so\0".to_vec())]));
    assert!(missing().reason.ends_with("bin/busybox isn't a statically linked x86_64 program"), "{}", missing().reason);
    assert_eq!(missing().hint, "sudo apt-get install busybox-static");
    fs::remove_file(host.path("bin/busybox")).unwrap();
    assert!(missing().reason.contains("neither PATH nor"));
}

#[test]
fn a_warm_cache_gives_the_same_facts_and_detects_changes() {
    let host = FakeHost::new();
    let cache = HashCache::default();
    let cold = gather_facts(&host.request(None), &cache);
    let unchanged = cold.kernels[&None].clone().unwrap();
    cache.save(&Beneath::in_its_folder(&host.path("first.json"))).unwrap();
    assert_eq!(gather_facts(&host.request(None), &cache), cold);
    cache.save(&Beneath::in_its_folder(&host.path("second.json"))).unwrap();
    assert!(!host.path("second.json").exists(), "a warm cache reads no file, so it has nothing to save");

    let module = host.path(&format!("lib/modules/{RELEASE}/kernel/fuse.ko"));
    fs::write(&module, "another").unwrap();
    let changed = gather_facts(&host.request(None), &cache).kernels[&None].clone().unwrap();
    let differ: Vec<_> = changed.modules.iter().filter(|module| !unchanged.modules.contains(module)).collect();
    assert_eq!(differ.iter().map(|module| module.name.as_str()).collect::<Vec<_>>(), ["fuse.ko"]);
    let planned = unchanged.modules.iter().find(|module| module.name == "fuse.ko").unwrap();
    let error = decode(&planned.blob, Vec::new()).unwrap_err().to_string();
    assert_eq!(error, format!("{} changed since it was planned", module.display()));

    host.write(&format!("lib/modules/{RELEASE}/modules.builtin"), b"kernel/overlay.ko\nkernel/virtio-rng.ko\n");
    let fewer = gather_facts(&host.request(None), &cache).kernels[&None].clone().unwrap();
    assert!(fewer.modules.iter().all(|module| module.name != "virtio-rng.ko"));
}

#[test]
fn decoding_stops_at_the_planned_length() {
    let host = FakeHost::new();
    host.write("bomb.gz", &gzip(&vec![0; 32 << 20]));
    let sha256 = Digest::of(b"little");
    let blob = BlobRef { path: host.path("bomb.gz"), encoding: Encoding::Gzip, len: 100_000, sha256 };
    let mut written = Vec::new();
    assert!(decode(&blob, &mut written).unwrap_err().to_string().ends_with("changed since it was planned"));
    assert!(written.len() <= 100_000);
}

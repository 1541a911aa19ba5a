//! Computes the load order of a guest's modules from `modules.dep` and `modules.builtin`. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::Encoding;

/// The modules without which a guest can't run.
const ESSENTIAL: [&str; 5] = ["virtio_pci", "virtiofs", "virtio_console", "virtio_blk", "overlay"];
/// The modules that a guest loads if the kernel has them: for network, entropy and the raw sockets of DHCP, for jobs with
/// containers and disk images, and for the disk of a guest. ext4 needs a checksum of which `modules.dep` says nothing.
const OPTIONAL: [&str; 9] =
    ["virtio_net", "virtio_rng", "af_packet", "fuse", "loop", "tun", "veth", "crc32c_generic", "ext4"];

/// Returns the names of all modules that a guest loads if the kernel has them.
pub(super) fn requested() -> Vec<String> {
    ESSENTIAL.into_iter().chain(OPTIONAL).map(str::to_owned).collect()
}

/// Returns the module files in load order, relative to the folder of modules.
///
/// # Errors
/// With the names of the essential modules that the kernel lacks.
pub(super) fn load_order(dep: &str, builtin: &str) -> Result<Vec<String>, Vec<&'static str>> {
    let builtin: BTreeSet<String> = builtin.lines().filter_map(module_name).collect();
    let loadable: BTreeMap<String, (&str, &str)> = dep
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(file, needs)| Some((module_name(file)?, (file.trim(), needs))))
        .collect();
    let lacking = |name: &&str| !builtin.contains(*name) && !loadable.contains_key(*name);
    let missing: Vec<_> = ESSENTIAL.into_iter().filter(lacking).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut order: Vec<String> = Vec::new();
    for name in ESSENTIAL.into_iter().chain(OPTIONAL).filter(|name| !builtin.contains(*name)) {
        let Some((file, needs)) = loadable.get(name) else { continue };
        // A line names all direct and indirect dependencies of the module, and depmod puts the first one to load last.
        for file in needs.split_whitespace().rev().chain([*file]) {
            if !order.iter().any(|earlier| earlier == file) {
                order.push(file.to_owned());
            }
        }
    }
    Ok(order)
}

/// Returns the file name of a module without the suffix of its compression, and the compression.
pub(super) fn parse_file_name(file: &str) -> Option<(&str, Encoding)> {
    let name = file.rsplit('/').next()?;
    let suffixes = [("", Encoding::Plain), (".gz", Encoding::Gzip), (".xz", Encoding::Xz), (".zst", Encoding::Zstd)];
    suffixes.into_iter().find_map(|(suffix, encoding)| {
        let name = name.strip_suffix(suffix)?;
        name.strip_suffix(".ko").filter(|stem| !stem.is_empty()).map(|_| (name, encoding))
    })
}

fn module_name(file: &str) -> Option<String> {
    let (name, _) = parse_file_name(file.trim())?;
    Some(name.trim_end_matches(".ko").replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{load_order, parse_file_name};
    use crate::facts::Encoding;

    const DEP: &str = "\
kernel/fs/fuse/fuse.ko.xz:
kernel/fs/fuse/virtiofs.ko.xz: kernel/v/virtio.ko.xz kernel/v/virtio_ring.ko.xz kernel/fs/fuse/fuse.ko.xz
kernel/v/virtio.ko.xz: kernel/v/virtio_ring.ko.xz
kernel/v/virtio_ring.ko.xz:
kernel/v/virtio_pci.ko.xz: kernel/v/virtio.ko.xz kernel/v/virtio_ring.ko.xz
kernel/c/virtio-rng.ko.zst: kernel/v/virtio.ko.xz kernel/v/virtio_ring.ko.xz
kernel/b/virtio-blk.ko: kernel/v/virtio.ko.xz kernel/v/virtio_ring.ko.xz
kernel/o/overlay.ko.gz:
";

    #[test]
    fn dependencies_are_loaded_first_and_builtin_modules_not_at_all() {
        let order = load_order(DEP, "kernel/c/virtio_console.ko\nkernel/n/af_packet.ko\n").unwrap();
        let names: Vec<_> = order.iter().map(|file| parse_file_name(file).unwrap().0).collect();
        let expected = [
            "virtio_ring.ko",
            "virtio.ko",
            "virtio_pci.ko",
            "fuse.ko",
            "virtiofs.ko",
            "virtio-blk.ko",
            "overlay.ko",
            "virtio-rng.ko",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn missing_essential_modules_are_reported() {
        let without = DEP.lines().filter(|line| !line.contains("overlay")).collect::<Vec<_>>().join("\n");
        assert_eq!(load_order(&without, ""), Err(vec!["virtio_console", "overlay"]));
        assert_eq!(load_order(&without, "a/virtio-console.ko\nb/overlay.ko").map(|order| order.len()), Ok(7));
    }

    #[test]
    fn the_suffix_names_the_compression() {
        assert_eq!(parse_file_name("a/b/x.ko"), Some(("x.ko", Encoding::Plain)));
        assert_eq!(parse_file_name("x.ko.zst"), Some(("x.ko", Encoding::Zstd)));
        assert_eq!(parse_file_name("x.ko.xz"), Some(("x.ko", Encoding::Xz)));
        assert_eq!(parse_file_name("x.ko.gz"), Some(("x.ko", Encoding::Gzip)));
        for bad in ["", ".ko", "x", "x.ko.br", "x.ko/", "y/.ko.xz"] {
            assert_eq!(parse_file_name(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed(dep in "([a-z/._:-]|\n| |virtio_pci|\\.ko|\\.xz)*", builtin in "\\PC*") {
            drop(load_order(&dep, &builtin));
            let all = super::requested().join(&format!(".ko: {dep}\n")) + ".ko:";
            let order = load_order(&all, "").unwrap();
            let mut once = order.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), order.len());
        }
    }
}

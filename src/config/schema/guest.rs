//! Guests.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::reader::{Fields, Reader, attr_path};
use super::{guest_keys, timeout, userland};
use crate::config::eval::Attrs;
use crate::config::guest::{Base, DEFAULT_GUEST, Guest, Timeouts};
use crate::config::problem::quoted;
use crate::config::units::parse_mebibytes;

/// Remedy for an unknown base.
const BASES_HINT: &str = r#"write one of the bases:
  "host": the kernel and /usr of this machine
  "nix": kernel and busybox of nixpkgs, and the `packages` of the guest
  "nixos": a NixOS system
  "none": no virtual machine, and no isolation"#;
const MIN_MEMORY_MIB: u64 = 64;
const MAX_MEMORY_MIB: u64 = 4 << 20;
const MIN_DISK_MIB: u64 = 64;
const MAX_DISK_MIB: u64 = 1 << 20;
const MAX_VCPU: u32 = 256;

/// Reads all guests of a job file, and adds the default guest if the file doesn't define it.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs) -> BTreeMap<String, Guest> {
    let mut guests = BTreeMap::from([(DEFAULT_GUEST.to_owned(), default_guest())]);
    for (name, attr) in attrs {
        let path = attr_path("guests", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, guest_keys::GUEST_KEYS);
        guests.insert(name.to_string(), read(reader, &fields));
    }
    guests
}

fn default_guest() -> Guest {
    Guest {
        base: None,
        vcpu: 1,
        memory_mib: 1024,
        disk_mib: None,
        timeouts: Timeouts::default(),
        kernel: None,
        host_folders: Vec::new(),
        packages: Vec::new(),
        dev_shell: None,
        modules: Vec::new(),
    }
}

fn read(reader: &mut Reader, fields: &Fields) -> Guest {
    let default = default_guest();
    let guest = Guest {
        base: read_base(reader, fields),
        vcpu: read_vcpu(reader, fields).unwrap_or(default.vcpu),
        memory_mib: read_size(reader, fields, "memory", MIN_MEMORY_MIB..=MAX_MEMORY_MIB).unwrap_or(default.memory_mib),
        disk_mib: read_size(reader, fields, "disk", MIN_DISK_MIB..=MAX_DISK_MIB),
        timeouts: read_timeouts(reader, fields, default.timeouts),
        kernel: read_kernel(reader, fields),
        host_folders: userland::read_host_folders(reader, fields),
        packages: userland::read_packages(reader, fields),
        dev_shell: userland::read_dev_shell(reader, fields),
        modules: userland::read_modules(reader, fields),
    };
    userland::check_base(reader, fields, guest.base);
    guest
}

fn read_base(reader: &mut Reader, fields: &Fields) -> Option<Base> {
    const BASES: [Base; 4] = [Base::Host, Base::Nix, Base::Nixos, Base::None];
    let field = fields.get("base")?;
    let base = reader.string(&field)?;
    let parsed = BASES.into_iter().find(|candidate| candidate.name() == &**base);
    if parsed.is_none() {
        let hint = reader.suggest(base, BASES.map(Base::name), BASES_HINT);
        reader.refuse(&field.value.at, format!("unknown base {} in `{}`", quoted(base), field.path), hint);
    }
    parsed
}

fn read_vcpu(reader: &mut Reader, fields: &Fields) -> Option<u32> {
    let field = fields.get("vcpu")?;
    let number = reader.integer(&field)?;
    let vcpu = u32::try_from(number).ok().filter(|vcpu| (1..=MAX_VCPU).contains(vcpu));
    if vcpu.is_none() {
        let hint = format!("write a number from 1 to {MAX_VCPU}");
        reader.refuse(&field.value.at, format!("`{}` can't be {number}", field.path), hint);
    }
    vcpu
}

/// Reads an amount of memory or disk, in MiB.
pub(super) fn read_size(reader: &mut Reader, fields: &Fields, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
    let field = fields.get(key)?;
    let size = reader.quantity(&field, parse_mebibytes, "write it like \"512M\" or \"2G\", or as an integer of MiB")?;
    if !range.contains(&size) {
        let hint = format!("write at least \"{}M\" and at most \"{}G\"", range.start(), range.end() / 1024);
        reader.refuse(&field.value.at, format!("`{}` can't be {size} MiB", field.path), hint);
    }
    Some(size)
}

fn read_timeouts(reader: &mut Reader, fields: &Fields, default: Timeouts) -> Timeouts {
    Timeouts {
        prepare_secs: timeout::read(reader, fields, "prepareTimeout").unwrap_or(default.prepare_secs),
        boot_secs: timeout::read(reader, fields, "bootTimeout").unwrap_or(default.boot_secs),
        collect_secs: timeout::read(reader, fields, "collectTimeout").unwrap_or(default.collect_secs),
    }
}

fn read_kernel(reader: &mut Reader, fields: &Fields) -> Option<PathBuf> {
    let field = fields.get("kernel")?;
    let path = reader.string(&field)?;
    if !path.starts_with('/') {
        let message = format!("`{}` isn't an absolute path: {}", field.path, quoted(path));
        reader.refuse(&field.value.at, message, field.hint());
    }
    Some(PathBuf::from(&**path))
}

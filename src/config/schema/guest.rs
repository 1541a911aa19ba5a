//! Guests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::reader::{Fields, Reader, place};
use super::{keys, timeout, units, userland};
use crate::config::diagnostic::quoted;
use crate::config::eval::Attrs;
use crate::config::{Base, Guest, Timeouts};

const MIN_MEMORY_MIB: u64 = 64;
const MAX_MEMORY_MIB: u64 = 4 << 20;
const MAX_VCPU: u32 = 256;

/// Reads the guests; `default` is there, whether it is written or not.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs) -> BTreeMap<String, Guest> {
    let mut guests = BTreeMap::from([(super::job::DEFAULT_GUEST.to_owned(), unset())]);
    for (name, attr) in attrs {
        let place = place("guests", name);
        let Some(set) = reader.set(&place, &attr.value) else { continue };
        let fields = reader.fields(&place, set, keys::GUEST_KEYS);
        guests.insert(name.to_string(), read(reader, &fields));
    }
    guests
}

fn unset() -> Guest {
    Guest {
        base: None,
        vcpu: 1,
        memory_mib: 1024,
        timeouts: Timeouts::default(),
        kernel: None,
        packages: Vec::new(),
        dev_shell: None,
        modules: Vec::new(),
    }
}

fn read(reader: &mut Reader, fields: &Fields) -> Guest {
    let unset = unset();
    let guest = Guest {
        base: read_base(reader, fields),
        vcpu: read_vcpu(reader, fields).unwrap_or(unset.vcpu),
        memory_mib: read_memory(reader, fields).unwrap_or(unset.memory_mib),
        timeouts: read_timeouts(reader, fields, unset.timeouts),
        kernel: read_kernel(reader, fields),
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
    let known = BASES.into_iter().find(|known| known.name() == &**base);
    if known.is_none() {
        let hint = reader.did_you_mean(base, BASES.map(Base::name), &field.hint());
        reader.refuse(&field.value.at, format!("unknown base {} in `{}`", quoted(base), field.place), hint);
    }
    known
}

fn read_vcpu(reader: &mut Reader, fields: &Fields) -> Option<u32> {
    let field = fields.get("vcpu")?;
    let number = reader.integer(&field)?;
    let vcpu = u32::try_from(number).ok().filter(|vcpu| (1..=MAX_VCPU).contains(vcpu));
    if vcpu.is_none() {
        let hint = format!("write a number from 1 to {MAX_VCPU}");
        reader.refuse(&field.value.at, format!("`{}` can't be {number}", field.place), hint);
    }
    vcpu
}

fn read_memory(reader: &mut Reader, fields: &Fields) -> Option<u64> {
    let field = fields.get("memory")?;
    let memory =
        reader.quantity(&field, units::mebibytes, "write it like \"512M\" or \"2G\", or as an integer of MiB")?;
    if !(MIN_MEMORY_MIB..=MAX_MEMORY_MIB).contains(&memory) {
        let hint = format!("write at least \"{MIN_MEMORY_MIB}M\" and at most \"{}G\"", MAX_MEMORY_MIB / 1024);
        reader.refuse(&field.value.at, format!("`{}` can't be {memory} MiB", field.place), hint);
    }
    Some(memory)
}

fn read_timeouts(reader: &mut Reader, fields: &Fields, unset: Timeouts) -> Timeouts {
    Timeouts {
        prepare_secs: timeout::read(reader, fields, "prepareTimeout").unwrap_or(unset.prepare_secs),
        boot_secs: timeout::read(reader, fields, "bootTimeout").unwrap_or(unset.boot_secs),
        collect_secs: timeout::read(reader, fields, "collectTimeout").unwrap_or(unset.collect_secs),
    }
}

fn read_kernel(reader: &mut Reader, fields: &Fields) -> Option<PathBuf> {
    let field = fields.get("kernel")?;
    let path = reader.string(&field)?;
    if !path.starts_with('/') {
        let message = format!("`{}` isn't an absolute path: {}", field.place, quoted(path));
        reader.refuse(&field.value.at, message, field.hint());
    }
    Some(PathBuf::from(&**path))
}

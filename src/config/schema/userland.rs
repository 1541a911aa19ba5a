//! Userland of a guest from nixpkgs and the project: packages, a dev shell, modules.

use std::path::Path;

use super::reader::{Field, Fields, Reader};
use crate::config::Base;
use crate::config::problem::quoted;

/// Maximum length of the name of a package, a dev shell or a module's file, in bytes.
const MAX_NAME: usize = 255;

pub(super) fn read_packages(reader: &mut Reader, fields: &Fields) -> Vec<String> {
    let is_path = |name: &str| is_name(name) && name.split('.').all(|part| !part.is_empty());
    read_names(reader, fields, "packages", is_path, "isn't an attribute path in nixpkgs")
}

pub(super) fn read_dev_shell(reader: &mut Reader, fields: &Fields) -> Option<String> {
    let field = fields.get("devShell")?;
    let name = reader.string(&field)?;
    if !is_name(name) {
        refuse(reader, &field, format!("{} can't be the name of a dev shell", quoted(name)));
    }
    Some(name.to_string())
}

pub(super) fn read_modules(reader: &mut Reader, fields: &Fields) -> Vec<String> {
    let plain = |part: &str| !["", ".", ".."].contains(&part);
    let is_nix = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "nix");
    let is_file = |name: &str| is_name(name) && is_nix(name) && name.split('/').all(plain);
    read_names(reader, fields, "modules", is_file, "isn't the path of a .nix file in the project")
}

pub(super) fn read_host_folders(reader: &mut Reader, fields: &Fields) -> Vec<String> {
    let is_folder = |name: &str| is_host_path(name.trim_end_matches('/'));
    read_names(reader, fields, "hostFolders", is_folder, "isn't a folder below `/` or `~/`")
}

/// Returns whether a name is a plain path of the host, absolute or with `~/` first.
pub(super) fn is_host_path(name: &str) -> bool {
    let below = name.strip_prefix("~/").or_else(|| name.strip_prefix('/'));
    let is_plain = |part: &str| !["", ".", ".."].contains(&part);
    is_name(name) && below.is_some_and(|below| below.split('/').all(is_plain))
}

fn read_names(
    reader: &mut Reader,
    fields: &Fields,
    key: &str,
    is_valid: impl Fn(&str) -> bool,
    error: &str,
) -> Vec<String> {
    let Some(field) = fields.get(key) else { return Vec::new() };
    let names = reader.strings(&field).unwrap_or_default();
    for (name, at) in names.iter().filter(|(name, _)| !is_valid(name)) {
        reader.refuse(at, format!("{} in `{}` {error}", quoted(name), field.path), field.hint());
    }
    names.into_iter().map(|(name, _)| name.to_string()).collect()
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.contains(char::is_control)
}

/// Hint for a key of virtual machines in a guest of base `none`.
const NO_MACHINE_HINT: &str = "remove it: base `none` has no virtual machine";

/// Refuses keys that don't apply to a guest of this base.
pub(super) fn check_base(reader: &mut Reader, fields: &Fields, base: Option<Base>) {
    let (nix, guests) = ([Base::Nix, Base::Nixos], [Base::Host, Base::Nix, Base::Nixos]);
    let keys: [(&str, &[Base], &str); 9] = [
        ("hostFolders", &[Base::Host], "write `base = \"host\";`, or remove `hostFolders`"),
        ("packages", &nix, "write `base = \"nix\";` too"),
        ("devShell", &nix, "write `base = \"nix\";` too"),
        ("modules", &[Base::Nixos], "write `base = \"nixos\";` too"),
        ("disk", &guests, NO_MACHINE_HINT),
        ("prepareTimeout", &guests, NO_MACHINE_HINT),
        ("bootTimeout", &guests, NO_MACHINE_HINT),
        ("collectTimeout", &guests, NO_MACHINE_HINT),
        ("kernel", &[Base::Host], "write `base = \"host\";`, or remove `kernel`"),
    ];
    for (key, bases, hint) in keys {
        let Some(field) = fields.get(key) else { continue };
        let fits = base.map_or(bases.contains(&Base::Host), |base| bases.contains(&base));
        // An invalid base is reported already.
        if !fits && (base.is_some() || fields.get("base").is_none()) {
            let of = base.map_or_else(|| "without a `base`".to_owned(), |base| format!("of base `{}`", base.name()));
            reader.refuse(&field.value.at, format!("a guest {of} can't have `{key}`"), hint);
        }
    }
}

fn refuse(reader: &mut Reader, field: &Field, message: String) {
    reader.refuse(&field.value.at, message, field.hint());
}

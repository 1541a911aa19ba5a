//! What a guest has of nixpkgs and of the project: packages, a dev shell, modules.

use std::path::Path;

use super::reader::{Field, Fields, Reader};
use crate::config::Base;
use crate::config::diagnostic::quoted;

/// The longest name of a package, a dev shell or a module's file, in bytes.
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

fn read_names(reader: &mut Reader, fields: &Fields, key: &str, good: impl Fn(&str) -> bool, bad: &str) -> Vec<String> {
    let Some(field) = fields.get(key) else { return Vec::new() };
    let names = reader.strings(&field).unwrap_or_default();
    for (name, at) in names.iter().filter(|(name, _)| !good(name)) {
        reader.refuse(at, format!("{} in `{}` {bad}", quoted(name), field.place), field.hint());
    }
    names.into_iter().map(|(name, _)| name.to_string()).collect()
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.contains(char::is_control)
}

/// What to do about a key of machines where there is none.
const WITHOUT_MACHINE: &str = "leave it out: there is no machine";

/// Refuses what a guest of this base hasn't got.
pub(super) fn check_base(reader: &mut Reader, fields: &Fields, base: Option<Base>) {
    let (nix, guests) = ([Base::Nix, Base::Nixos], [Base::Host, Base::Nix, Base::Nixos]);
    let keys: [(&str, &[Base], &str); 7] = [
        ("packages", &nix, "write `base = \"nix\";` too"),
        ("devShell", &nix, "write `base = \"nix\";` too"),
        ("modules", &[Base::Nixos], "write `base = \"nixos\";` too"),
        ("prepareTimeout", &guests, WITHOUT_MACHINE),
        ("bootTimeout", &guests, WITHOUT_MACHINE),
        ("collectTimeout", &guests, WITHOUT_MACHINE),
        ("kernel", &[Base::Host], "write `base = \"host\";`, or leave `kernel` out"),
    ];
    for (key, bases, hint) in keys {
        let Some(field) = fields.get(key) else { continue };
        let fits = base.map_or(bases.contains(&Base::Host), |base| bases.contains(&base));
        // A base that isn't one has been refused already.
        if !fits && (base.is_some() || fields.get("base").is_none()) {
            let of = base.map_or_else(|| "without a `base`".to_owned(), |base| format!("of base `{}`", base.name()));
            reader.refuse(&field.value.at, format!("a guest {of} has no `{key}`"), hint);
        }
    }
}

fn refuse(reader: &mut Reader, field: &Field, message: String) {
    reader.refuse(&field.value.at, message, field.hint());
}

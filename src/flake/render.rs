//! Runner flakes from templates.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use super::check::check;
use super::{BlobRef, FlakeContent, FlakeError, FlakeFile, RenderedFlake};
use crate::plan::facts::Kernel;

const SCHEMA_VERSION: u32 = 1;

/// The agent, whatever the base.
pub(super) const AGENT: [(&str, &str); 6] = [
    ("guest/agent.sh", include_str!("../../nix/guest/agent.sh")),
    ("guest/artifacts.sh", include_str!("../../nix/guest/artifacts.sh")),
    ("guest/launch.sh", include_str!("../../nix/guest/launch.sh")),
    ("guest/lease.sh", include_str!("../../nix/guest/lease.sh")),
    ("guest/pack.sh", include_str!("../../nix/guest/pack.sh")),
    ("guest/start.sh", include_str!("../../nix/guest/start.sh")),
];
/// What makes the agent PID 1 of an initial RAM disk.
pub(super) const INIT: [(&str, &str); 2] = [
    ("guest/build-runner.sh", include_str!("../../nix/guest/build-runner.sh")),
    ("guest/init.sh", include_str!("../../nix/guest/init.sh")),
];

#[derive(Template)]
#[template(path = "host/flake.nix", config = "templates/askama.toml")]
struct HostFlake<'a> {
    system: &'a str,
}

/// What `flake.nix` reads as data.
#[derive(Serialize)]
struct GuestJson<'a> {
    schema_version: u32,
    modules: Vec<&'a str>,
}

/// Returns the flake that builds the runner of base `host`.
///
/// # Errors
///
/// When a name can't be one of a file of the flake, and when the flake isn't Nix, which is an error of pikaci.
pub fn render_host(system: &str, kernel: &Kernel, busybox: &BlobRef) -> Result<RenderedFlake, FlakeError> {
    let mut files = BTreeMap::new();
    let text = HostFlake { system }.render().map_err(|_| FlakeError::Nul { name: "flake.nix" })?;
    files.insert("flake.nix".to_owned(), inline(check("flake.nix", text)?));
    files.insert("guest.json".to_owned(), inline(guest_json(kernel)?));
    files.extend(AGENT.iter().chain(&INIT).map(|(name, text)| ((*name).to_owned(), inline(*text))));
    files.insert("kernel".to_owned(), blob(&kernel.image, false));
    files.insert("bin/busybox".to_owned(), blob(busybox, true));
    for module in &kernel.modules {
        let name = &module.name;
        if !is_module_file(name) || files.insert(format!("modules/{name}"), blob(&module.blob, false)).is_some() {
            return Err(FlakeError::Module { name: name.clone() });
        }
    }
    Ok(RenderedFlake { files })
}

fn guest_json(kernel: &Kernel) -> Result<String, FlakeError> {
    let modules = kernel.modules.iter().map(|module| module.name.as_str()).collect();
    let json = serde_json::to_string_pretty(&GuestJson { schema_version: SCHEMA_VERSION, modules });
    Ok(json.map_err(|error| FlakeError::Json { message: error.to_string() })? + "\n")
}

/// Returns whether a name is one word of the shell and one name of a file.
fn is_module_file(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.bytes().all(allowed)
}

pub(super) fn inline(content: impl Into<Vec<u8>>) -> FlakeFile {
    FlakeFile { executable: false, content: FlakeContent::Inline(content.into()) }
}

fn blob(blob: &BlobRef, executable: bool) -> FlakeFile {
    FlakeFile { executable, content: FlakeContent::Blob(blob.clone()) }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::render_host;
    use crate::flake::{BlobRef, Encoding, FlakeContent, FlakeError, RenderedFlake};
    use crate::id::Digest;
    use crate::plan::facts::{Kernel, Module};

    fn blob(path: &str) -> BlobRef {
        BlobRef { path: path.into(), encoding: Encoding::Plain, len: 4, sha256: Digest::of(path.as_bytes()) }
    }

    fn kernel(modules: &[&str]) -> Kernel {
        let module = |name: &&str| Module { name: (*name).to_owned(), blob: blob(&format!("/modules/{name}")) };
        Kernel {
            release: "6.1.0".to_owned(),
            image: blob("/boot/vmlinuz-6.1.0"),
            modules: modules.iter().map(module).collect(),
        }
    }

    fn text<'a>(flake: &'a RenderedFlake, name: &str) -> &'a str {
        match &flake.files[name].content {
            FlakeContent::Inline(bytes) => std::str::from_utf8(bytes).unwrap(),
            FlakeContent::Blob(blob) => panic!("{name} is {}", blob.path.display()),
        }
    }

    #[test]
    fn host_flake_is_the_golden_one() {
        let flake = render_host("x86_64-linux", &kernel(&["virtio.ko", "fuse.ko"]), &blob("/bin/busybox")).unwrap();
        insta::assert_snapshot!("host_flake_nix", text(&flake, "flake.nix"));
        insta::assert_snapshot!("host_guest_json", text(&flake, "guest.json"));
        let mut listing = String::new();
        for (name, file) in &flake.files {
            let source = match &file.content {
                FlakeContent::Inline(_) => "inline".to_owned(),
                FlakeContent::Blob(blob) => blob.path.display().to_string(),
            };
            let mode = if file.executable { "x" } else { "-" };
            writeln!(listing, "{mode} {name}: {source}").unwrap();
        }
        insta::assert_snapshot!("host_files", listing);
    }

    #[test]
    fn names_that_leave_their_place_are_refused() {
        let render = |system, modules: &[&str]| render_host(system, &kernel(modules), &blob("/bin/busybox"));
        for name in ["", "..", "a/b.ko", "a b.ko", "$x.ko", "-x.ko", "é.ko"] {
            assert_eq!(render("s", &[name]), Err(FlakeError::Module { name: name.to_owned() }));
        }
        assert_eq!(render("s", &["a.ko", "a.ko"]), Err(FlakeError::Module { name: "a.ko".to_owned() }));
        assert_eq!(render("s\0", &[]), Err(FlakeError::Nul { name: "flake.nix" }));
        let odd = render("\"; } ${builtins.abort \"x\"} ''", &[]).unwrap();
        assert!(text(&odd, "flake.nix").contains(r#"system = "\"; } \${builtins.abort \"x\"} ''";"#));
    }
}

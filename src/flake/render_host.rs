//! Runner flakes of the base `host`.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use super::agent_files::{AGENT, INIT};
use super::flake_error::FlakeError;
use super::rendered_flake::{FlakeFile, RenderedFlake};
use super::syntax::check_syntax;
use crate::facts::{BlobRef, Kernel};

/// Version of guest.json.
const SCHEMA_VERSION: u32 = 1;

#[derive(Template)]
#[template(path = "host/flake.nix", config = "templates/askama.toml")]
struct HostFlake<'a> {
    system: &'a str,
}

/// The data that `flake.nix` reads.
#[derive(Serialize)]
struct GuestJson<'a> {
    schema_version: u32,
    modules: Vec<&'a str>,
}

/// Returns the flake that builds the runner of base `host`.
///
/// # Errors
/// When the name of a module is no valid file name, and when the flake isn't Nix, which is a bug of pikaci.
pub fn render_host(system: &str, kernel: &Kernel, busybox: &BlobRef) -> Result<RenderedFlake, FlakeError> {
    let mut files = BTreeMap::new();
    let text = HostFlake { system }.render().map_err(|_| FlakeError::Nul { name: "flake.nix" })?;
    files.insert("flake.nix".to_owned(), FlakeFile::inline(check_syntax("flake.nix", text)?));
    files.insert("guest.json".to_owned(), FlakeFile::inline(guest_json(kernel)?));
    files.extend(AGENT.iter().chain(&INIT).map(|(name, text)| ((*name).to_owned(), FlakeFile::inline(*text))));
    files.insert("kernel".to_owned(), FlakeFile::blob(&kernel.image, false));
    files.insert("bin/busybox".to_owned(), FlakeFile::blob(busybox, true));
    for module in &kernel.modules {
        let name = &module.name;
        if !is_module_file(name)
            || files.insert(format!("modules/{name}"), FlakeFile::blob(&module.blob, false)).is_some()
        {
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

/// Returns whether a name is a single word of a shell and a valid file name.
fn is_module_file(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::render_host;
    use crate::facts::{BlobRef, Encoding, Kernel, Module};
    use crate::flake::{FlakeContent, FlakeError, RenderedFlake};
    use crate::id::Digest;

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
    fn the_host_flake_matches_its_snapshot() {
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
    fn invalid_file_names_are_refused() {
        let render = |system, modules: &[&str]| render_host(system, &kernel(modules), &blob("/bin/busybox"));
        for name in ["", "..", "a/b.ko", "a b.ko", "$x.ko", "-x.ko", "é.ko"] {
            assert_eq!(render("s", &[name]), Err(FlakeError::Module { name: name.to_owned() }));
        }
        assert_eq!(render("s", &["a.ko", "a.ko"]), Err(FlakeError::Module { name: "a.ko".to_owned() }));
        assert_eq!(render("s\0", &[]), Err(FlakeError::Nul { name: "flake.nix" }));
        let escaped = render("\"; } ${builtins.abort \"x\"} ''", &[]).unwrap();
        assert!(text(&escaped, "flake.nix").contains(r#"system = "\"; } \${builtins.abort \"x\"} ''";"#));
    }
}

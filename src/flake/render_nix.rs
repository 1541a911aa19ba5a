//! Runner flakes of the bases `nix` and `nixos`.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use super::agent_files::{AGENT, INIT};
use super::flake_error::FlakeError;
use super::nix_config::{NixSetting, parse_nix_config};
use super::nix_guest::{NixGuest, StoreSource};
use super::rendered_flake::{FlakeFile, RenderedFlake};
use super::syntax::check_syntax;

/// Version of guest.json.
const SCHEMA_VERSION: u32 = 1;
/// Lock of nixpkgs and microvm.nix for projects that don't lock them.
const PINNED: &str = include_str!("pinned.lock.json");

#[derive(Template)]
#[template(path = "nix/flake.nix", config = "templates/askama.toml")]
struct NixFlake<'a> {
    host: &'a str,
    settings: &'a [NixSetting],
}

#[derive(Template)]
#[template(path = "nixos/flake.nix", config = "templates/askama.toml")]
struct NixosFlake<'a> {
    host: &'a str,
    settings: &'a [NixSetting],
}

/// The data that `flake.nix` reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GuestJson<'a> {
    #[serde(rename = "schema_version")]
    schema_version: u32,
    system: &'a str,
    packages: &'a [String],
    dev_shell: Option<&'a str>,
    modules: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<StoreSource>,
}

/// Returns the flake that builds the runner of base `nix`.
///
/// # Errors
/// When the project's flake.lock is unusable or a text can't be a Nix string.
pub fn render_nix(guest: NixGuest<'_>, store: StoreSource) -> Result<RenderedFlake, FlakeError> {
    let flake = NixFlake { host: guest.host, settings: &settings(guest) }.render();
    let mut files = common_files(guest, flake, Some(store))?;
    files.extend(INIT.map(|(name, text)| (name.to_owned(), FlakeFile::inline(text))));
    files.insert("guest/nix.nix".to_owned(), FlakeFile::inline(include_str!("../../nix/guest/nix.nix")));
    Ok(RenderedFlake { files })
}

/// Returns the flake that builds the runner of base `nixos`.
///
/// # Errors
/// As [`render_nix`], and when the project lacks the file of a module.
pub fn render_nixos(guest: NixGuest<'_>) -> Result<RenderedFlake, FlakeError> {
    let flake = NixosFlake { host: guest.host, settings: &settings(guest) }.render();
    let mut files = common_files(guest, flake, None)?;
    for name in guest.modules {
        files.insert(format!("project/{name}"), guest.project.file(name)?);
    }
    for (name, text) in [
        ("nixos.nix", include_str!("../../nix/guest/nixos.nix")),
        ("guest-module.nix", include_str!("../../nix/guest/guest-module.nix")),
        ("link-runner.sh", include_str!("../../nix/guest/link-runner.sh")),
        ("service.sh", include_str!("../../nix/guest/service.sh")),
    ] {
        files.insert(format!("guest/{name}"), FlakeFile::inline(text));
    }
    Ok(RenderedFlake { files })
}

/// Returns the settings of Nix in the project's flake; a project without a lock has none.
fn settings(guest: NixGuest<'_>) -> Vec<NixSetting> {
    let has_lock = guest.project.0.contains_key("flake.lock");
    // A flake.nix that isn't text has no settings.
    let flake = guest.project.text("flake.nix").ok().flatten();
    flake.filter(|_| has_lock).map(parse_nix_config).unwrap_or_default()
}

/// Returns the files that both bases have.
fn common_files(
    guest: NixGuest<'_>,
    flake: Result<String, askama::Error>,
    store: Option<StoreSource>,
) -> Result<BTreeMap<String, FlakeFile>, FlakeError> {
    let flake = flake.map_err(|_| FlakeError::Nul { name: "flake.nix" })?;
    let json = GuestJson {
        schema_version: SCHEMA_VERSION,
        system: guest.system,
        packages: guest.packages,
        dev_shell: guest.dev_shell,
        modules: guest.modules,
        store,
    };
    let json = serde_json::to_string_pretty(&json).map_err(|error| FlakeError::Json { message: error.to_string() })?;
    let mut files: BTreeMap<String, FlakeFile> =
        AGENT.map(|(name, text)| (name.to_owned(), FlakeFile::inline(text))).into();
    let lease = "guest/lease.sh";
    files.insert(lease.to_owned(), FlakeFile { executable: true, ..files[lease].clone() });
    for (name, file) in [
        ("flake.nix", FlakeFile::inline(check_syntax("flake.nix", flake)?)),
        ("guest.json", FlakeFile::inline(json + "\n")),
        ("guest/call-flakes.nix", FlakeFile::inline(include_str!("../../nix/guest/call-flakes.nix"))),
        ("guest/inputs.nix", FlakeFile::inline(include_str!("../../nix/guest/inputs.nix"))),
        ("guest/packages.nix", FlakeFile::inline(include_str!("../../nix/guest/packages.nix"))),
        ("pinned.lock.json", FlakeFile::inline(PINNED)),
    ] {
        files.insert(name.to_owned(), file);
    }
    files.extend(project_files(guest)?);
    Ok(files)
}

/// Returns the project's lock, and for a dev shell the project's flake and the flakes of its folders.
fn project_files(guest: NixGuest<'_>) -> Result<BTreeMap<String, FlakeFile>, FlakeError> {
    let mut names = Vec::new();
    if let Some(lock) = guest.project.lock()? {
        if let Some((node, input)) = lock.local_inputs().into_iter().next().filter(|_| !guest.allow_local_inputs) {
            return Err(FlakeError::Local { node, reference: input.reference });
        }
        names.push("flake.lock".to_owned());
    }
    if guest.dev_shell.is_some() {
        names.push("flake.nix".to_owned());
        names.extend(guest.project.flake_folders()?.iter().map(|folder| format!("{folder}/flake.nix")));
    }
    names.into_iter().map(|name| Ok((format!("project/{name}"), guest.project.file(&name)?))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    use super::{FlakeError, NixGuest, StoreSource, render_nix, render_nixos};
    use crate::flake::{FlakeContent, ProjectFiles, RenderedFlake, digest};

    fn files(names: &[&str]) -> ProjectFiles {
        let text = |name: &&str| ((*name).to_owned(), format!("# {name}\n").into_bytes());
        ProjectFiles(names.iter().map(text).collect::<BTreeMap<_, _>>())
    }

    fn guest<'a>(project: &'a ProjectFiles, packages: &'a [String], modules: &'a [String]) -> NixGuest<'a> {
        let (host, system) = ("aarch64-darwin", "aarch64-linux");
        NixGuest { host, system, packages, dev_shell: None, modules, project, allow_local_inputs: false }
    }

    fn text<'a>(flake: &'a RenderedFlake, name: &str) -> &'a str {
        let FlakeContent::Inline(bytes) = &flake.files[name].content else { panic!("{name} is a file of the host") };
        std::str::from_utf8(bytes).unwrap()
    }

    fn listing(flake: &RenderedFlake) -> String {
        let mut lines = String::new();
        for (name, file) in &flake.files {
            writeln!(lines, "{} {name}", if file.executable { "x" } else { "-" }).unwrap();
        }
        lines
    }

    #[test]
    fn a_flake_of_base_nix_matches_its_snapshot() {
        let (project, packages) = (files(&["flake.nix"]), ["hello".to_owned(), "a.b".to_owned()]);
        let flake = render_nix(guest(&project, &packages, &[]), StoreSource::Disk).unwrap();
        insta::assert_snapshot!("nix_flake_nix", text(&flake, "flake.nix"));
        insta::assert_snapshot!("nix_guest_json", text(&flake, "guest.json"));
        insta::assert_snapshot!("nix_files", listing(&flake));
        assert!(!flake.files.contains_key("project/flake.nix"));
        let shared = render_nix(guest(&project, &packages, &[]), StoreSource::Host).unwrap();
        assert!(text(&shared, "guest.json").contains(r#""store": "host""#));
    }

    #[test]
    fn a_flake_of_base_nixos_has_only_the_files_that_the_guest_names() {
        let project = files(&["flake.nix", "nix/db.nix", "other.nix"]);
        let modules = ["nix/db.nix".to_owned()];
        let flake = render_nixos(guest(&project, &[], &modules)).unwrap();
        insta::assert_snapshot!("nixos_flake_nix", text(&flake, "flake.nix"));
        insta::assert_snapshot!("nixos_guest_json", text(&flake, "guest.json"));
        insta::assert_snapshot!("nixos_files", listing(&flake));
        assert_eq!(text(&flake, "project/nix/db.nix"), "# nix/db.nix\n");
        let missing = ["nix/gone.nix".to_owned()];
        let error = FlakeError::NoFile { name: "nix/gone.nix".to_owned() };
        assert_eq!(render_nixos(guest(&project, &[], &missing)), Err(error));
    }

    #[test]
    fn a_flake_with_a_dev_shell_has_the_projects_flake() {
        let project = files(&["flake.nix"]);
        let shell = NixGuest { dev_shell: Some("default"), ..guest(&project, &[], &[]) };
        let flake = render_nix(shell, StoreSource::Host).unwrap();
        assert_eq!(text(&flake, "project/flake.nix"), "# flake.nix\n");
        let none = files(&[]);
        let shell = NixGuest { project: &none, ..shell };
        assert_eq!(render_nix(shell, StoreSource::Host), Err(FlakeError::NoFile { name: "flake.nix".to_owned() }));
    }

    #[test]
    fn other_files_of_the_project_change_nothing() {
        let digest_of =
            |project: &ProjectFiles| digest(&render_nix(guest(project, &[], &[]), StoreSource::Host).unwrap());
        assert_eq!(digest_of(&files(&["flake.nix"])), digest_of(&files(&["flake.nix", "other.nix"])));
        assert_eq!(digest_of(&files(&[])), digest_of(&files(&["flake.nix"])));
    }
}

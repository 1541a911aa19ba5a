//! Runner flakes of the bases `nix` and `nixos`.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use super::check::check;
use super::nix_config::{Setting, nix_config};
use super::render::{AGENT, INIT, inline};
use super::{FlakeError, FlakeFile, ProjectLock, RenderedFlake};

const SCHEMA_VERSION: u32 = 1;
/// The lock of nixpkgs and microvm.nix for projects without their own.
const PINNED: &str = include_str!("pinned.lock.json");

/// Where a guest of base `nix` has its store from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Store {
    /// From a disk of its own.
    Disk,
    /// From the host's, which is shared with it.
    Host,
}

/// A guest that Nix makes.
#[derive(Clone, Copy, Debug)]
pub struct NixGuest<'a> {
    /// The system that evaluates and boots it.
    pub host: &'a str,
    /// Its own system.
    pub system: &'a str,
    /// Attribute paths in nixpkgs.
    pub packages: &'a [String],
    /// A dev shell of the project's flake.
    pub dev_shell: Option<&'a str>,
    /// NixOS modules: files of the project.
    pub modules: &'a [String],
    /// What the project has.
    pub project: &'a ProjectFiles,
    /// True if inputs of the project may lie on this machine.
    pub allow_local_inputs: bool,
}

/// The files of a project that a runner flake may need, by their paths in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectFiles(pub BTreeMap<String, Vec<u8>>);

impl ProjectFiles {
    /// Returns the text of a file, if the project has it.
    fn text(&self, name: &str) -> Result<Option<&str>, FlakeError> {
        let not_text = |_| FlakeError::Lock { message: format!("the project's {name} isn't UTF-8") };
        self.0.get(name).map(|bytes| std::str::from_utf8(bytes).map_err(not_text)).transpose()
    }

    fn lock(&self) -> Result<Option<ProjectLock>, FlakeError> {
        self.text("flake.lock")?.map(ProjectLock::read).transpose()
    }

    /// Returns the folders of the project whose flakes its own takes as inputs.
    ///
    /// # Errors
    /// When the project's flake.lock can't be used.
    pub fn flake_folders(&self) -> Result<Vec<String>, FlakeError> {
        self.lock()?.map_or_else(|| Ok(Vec::new()), |lock| lock.folders())
    }

    fn file(&self, name: &str) -> Result<FlakeFile, FlakeError> {
        let bytes = self.0.get(name).ok_or_else(|| FlakeError::NoFile { name: name.to_owned() })?;
        Ok(inline(bytes.as_slice()))
    }
}

#[derive(Template)]
#[template(path = "nix/flake.nix", config = "templates/askama.toml")]
struct NixFlake<'a> {
    host: &'a str,
    settings: &'a [Setting],
}

#[derive(Template)]
#[template(path = "nixos/flake.nix", config = "templates/askama.toml")]
struct NixosFlake<'a> {
    host: &'a str,
    settings: &'a [Setting],
}

/// What `flake.nix` reads as data.
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
    store: Option<Store>,
}

/// Returns the flake that builds the runner of base `nix`.
///
/// # Errors
/// When the project's flake.lock can't be used or a text can't be Nix.
pub fn render_nix(guest: NixGuest<'_>, store: Store) -> Result<RenderedFlake, FlakeError> {
    let flake = NixFlake { host: guest.host, settings: &settings(guest) }.render();
    let mut files = common(guest, flake, Some(store))?;
    files.extend(INIT.map(|(name, text)| (name.to_owned(), inline(text))));
    files.insert("guest/nix.nix".to_owned(), inline(include_str!("../../nix/guest/nix.nix")));
    Ok(RenderedFlake { files })
}

/// Returns the flake that builds the runner of base `nixos`.
///
/// # Errors
/// As [`render_nix`], and when the project lacks a module's file.
pub fn render_nixos(guest: NixGuest<'_>) -> Result<RenderedFlake, FlakeError> {
    let flake = NixosFlake { host: guest.host, settings: &settings(guest) }.render();
    let mut files = common(guest, flake, None)?;
    for name in guest.modules {
        files.insert(format!("project/{name}"), guest.project.file(name)?);
    }
    for (name, text) in [
        ("nixos.nix", include_str!("../../nix/guest/nixos.nix")),
        ("guest-module.nix", include_str!("../../nix/guest/guest-module.nix")),
        ("link-runner.sh", include_str!("../../nix/guest/link-runner.sh")),
        ("service.sh", include_str!("../../nix/guest/service.sh")),
    ] {
        files.insert(format!("guest/{name}"), inline(text));
    }
    Ok(RenderedFlake { files })
}

/// Returns the settings of Nix in the project's flake, which count as its lock does.
fn settings(guest: NixGuest<'_>) -> Vec<Setting> {
    let has_lock = guest.project.0.contains_key("flake.lock");
    // What isn't text has none.
    let flake = guest.project.text("flake.nix").ok().flatten();
    flake.filter(|_| has_lock).map(nix_config).unwrap_or_default()
}

fn common(
    guest: NixGuest<'_>,
    flake: Result<String, askama::Error>,
    store: Option<Store>,
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
    let mut files: BTreeMap<String, FlakeFile> = AGENT.map(|(name, text)| (name.to_owned(), inline(text))).into();
    let lease = "guest/lease.sh";
    files.insert(lease.to_owned(), FlakeFile { executable: true, ..files[lease].clone() });
    for (name, file) in [
        ("flake.nix", inline(check("flake.nix", flake)?)),
        ("guest.json", inline(json + "\n")),
        ("guest/call-flakes.nix", inline(include_str!("../../nix/guest/call-flakes.nix"))),
        ("guest/inputs.nix", inline(include_str!("../../nix/guest/inputs.nix"))),
        ("guest/packages.nix", inline(include_str!("../../nix/guest/packages.nix"))),
        ("pinned.lock.json", inline(PINNED)),
    ] {
        files.insert(name.to_owned(), file);
    }
    files.extend(project(guest)?);
    Ok(files)
}

/// Returns the project's lock, and for a dev shell its flake with those of its folders.
fn project(guest: NixGuest<'_>) -> Result<BTreeMap<String, FlakeFile>, FlakeError> {
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

    use super::{FlakeError, NixGuest, ProjectFiles, Store, render_nix, render_nixos};
    use crate::flake::{FlakeContent, RenderedFlake, digest};

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
    fn a_flake_of_base_nix_is_the_golden_one() {
        let (project, packages) = (files(&["flake.nix"]), ["hello".to_owned(), "a.b".to_owned()]);
        let flake = render_nix(guest(&project, &packages, &[]), Store::Disk).unwrap();
        insta::assert_snapshot!("nix_flake_nix", text(&flake, "flake.nix"));
        insta::assert_snapshot!("nix_guest_json", text(&flake, "guest.json"));
        insta::assert_snapshot!("nix_files", listing(&flake));
        assert!(!flake.files.contains_key("project/flake.nix"));
        let shared = render_nix(guest(&project, &packages, &[]), Store::Host).unwrap();
        assert!(text(&shared, "guest.json").contains(r#""store": "host""#));
    }

    #[test]
    fn a_flake_of_base_nixos_has_the_files_that_are_named_and_no_others() {
        let project = files(&["flake.nix", "nix/db.nix", "other.nix"]);
        let modules = ["nix/db.nix".to_owned()];
        let flake = render_nixos(guest(&project, &[], &modules)).unwrap();
        insta::assert_snapshot!("nixos_flake_nix", text(&flake, "flake.nix"));
        insta::assert_snapshot!("nixos_guest_json", text(&flake, "guest.json"));
        insta::assert_snapshot!("nixos_files", listing(&flake));
        assert_eq!(text(&flake, "project/nix/db.nix"), "# nix/db.nix\n");
        let missing = ["nix/gone.nix".to_owned()];
        let gone = FlakeError::NoFile { name: "nix/gone.nix".to_owned() };
        assert_eq!(render_nixos(guest(&project, &[], &missing)), Err(gone));
    }

    #[test]
    fn a_dev_shell_takes_the_projects_flake_along() {
        let project = files(&["flake.nix"]);
        let shell = NixGuest { dev_shell: Some("default"), ..guest(&project, &[], &[]) };
        let flake = render_nix(shell, Store::Host).unwrap();
        assert_eq!(text(&flake, "project/flake.nix"), "# flake.nix\n");
        let none = files(&[]);
        let shell = NixGuest { project: &none, ..shell };
        assert_eq!(render_nix(shell, Store::Host), Err(FlakeError::NoFile { name: "flake.nix".to_owned() }));
    }

    #[test]
    fn what_a_guest_does_not_name_changes_nothing() {
        let of = |project: &ProjectFiles| digest(&render_nix(guest(project, &[], &[]), Store::Host).unwrap());
        assert_eq!(of(&files(&["flake.nix"])), of(&files(&["flake.nix", "other.nix"])));
        assert_eq!(of(&files(&[])), of(&files(&["flake.nix"])));
    }
}

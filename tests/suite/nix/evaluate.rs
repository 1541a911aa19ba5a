//! Runner flakes of the bases `nix` and `nixos`, evaluated to a derivation for every host.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use pikaci::flake::{FlakeContent, NixGuest, ProjectFiles, RenderedFlake, StoreSource, render_nix, render_nixos};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::fixture;
use crate::support::project::{NIX_CONFIG, Project, ran};
use crate::support::tools::nix;

/// Host and guest: QEMU on Linux, vfkit on macOS.
const HOSTS: [(&str, &str, StoreSource); 3] = [
    ("x86_64-linux", "x86_64-linux", StoreSource::Host),
    ("aarch64-linux", "aarch64-linux", StoreSource::Host),
    ("aarch64-darwin", "aarch64-linux", StoreSource::Disk),
];
const MODULE: &str = r#"{ pkgs, ... }: { environment.etc."from-module".text = "here"; }"#;

/// Writes the files of a flake.
pub fn write(flake: &RenderedFlake, folder: &Path) {
    for (name, file) in &flake.files {
        let FlakeContent::Inline(text) = &file.content else { panic!("{name} is a file of the host") };
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Evaluates the runner of a flake, and returns its derivation and the cost of the evaluation.
#[track_caller]
fn evaluate(version: &str, flake: &RenderedFlake, host: &str) -> (Value, String) {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    write(flake, folder.path());
    let attribute = format!("path:.#packages.{host}.runner");
    let stats = folder.path().join("stats");
    let run = |args: &[&str]| {
        let mut command = Command::new(nix(version));
        command.args(args).current_dir(folder.path()).env("NIX_CONFIG", NIX_CONFIG);
        command.env("NIX_SHOW_STATS", "1").env("NIX_SHOW_STATS_PATH", &stats);
        ran(&mut command).exits(0).stdout
    };
    let began = Instant::now();
    let path = run(&["eval", "--no-update-lock-file", "--no-eval-cache", "--raw", &format!("{attribute}.drvPath")]);
    let took = began.elapsed().as_secs_f64();
    let stats: Value = serde_json::from_slice(&fs::read(&stats).unwrap()).unwrap();
    let heap = stats["gc"]["totalBytes"].as_u64().unwrap_or(0) >> 20;
    let shown: Value = serde_json::from_str(&run(&["derivation", "show", &path])).unwrap();
    // Newer versions print the derivations below a key of their own.
    let all = shown.get("derivations").unwrap_or(&shown).as_object().unwrap();
    (all.values().next().unwrap().clone(), format!("{took:.1} s, {heap} MiB allocated"))
}

/// Evaluates both bases for every host, with the inputs of a project.
fn evaluate_all(inputs: &str, project: &Project, nixes: &[&str]) {
    let read = |name: &str| (name.to_owned(), fs::read(project.path(name)).unwrap());
    let mut files = BTreeMap::from([read("flake.nix"), read("flake.lock")]);
    files.insert("ci/module.nix".to_owned(), MODULE.into());
    let (files, packages, modules) = (ProjectFiles(files), ["hello".to_owned()], ["ci/module.nix".to_owned()]);
    for (host, system, store) in HOSTS {
        let guest = NixGuest {
            host,
            system,
            packages: &packages,
            dev_shell: Some("default"),
            modules: &modules,
            project: &files,
            allow_local_inputs: true,
        };
        for (base, flake) in [("nix", render_nix(guest, store).unwrap()), ("nixos", render_nixos(guest).unwrap())] {
            let mut first = None;
            for version in nixes {
                let (derivation, cost) = evaluate(version, &flake, host);
                println!("{inputs}: base {base} for {system} on {host}, {version} Nix: {cost}");
                assert_eq!(derivation["system"], system);
                let env = &derivation["env"];
                assert_eq!(env["exportReferencesGraph"].is_string(), base == "nix", "{env}");
                assert_eq!(env["store"].is_string(), base == "nixos", "{env}");
                assert_eq!(first.get_or_insert_with(|| env["out"].clone()), &env["out"], "{version}");
            }
        }
    }
}

#[test]
fn both_nix_versions_evaluate_the_same_runner_for_every_host() {
    evaluate_all("the fixtures", &fixture::project("{ }"), &["oldest", "newest"]);
}

#[cfg(feature = "real-inputs")]
#[test]
fn a_runner_evaluates_on_the_real_inputs() {
    let [nixpkgs, microvm] = [fixture::NIXPKGS, fixture::REAL_MICROVM].map(fixture::real);
    evaluate_all("the real ones", &fixture::project_on("{ }", &nixpkgs, &microvm), &["oldest"]);
}

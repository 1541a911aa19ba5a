//! Flakes of projects with locks of their own: a runner has the same inputs as Nix.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use pikaci::flake::{NixGuest, ProjectFiles, RenderedFlake, StoreSource, render_nix, render_nixos};
use tempfile::TempDir;

use crate::nix::evaluate::write;
use crate::support::fixture::{self, MICROVM};
use crate::support::project::{NIX_CONFIG, ran};
use crate::support::tools::nix;

/// The inputs of the project, each a folder with a flake of its own, and their files.
const INPUTS: [(&str, &str); 9] = [
    // A nixpkgs that counts its evaluations.
    (
        "nixpkgs/flake.nix",
        r#"{ inputs.all.url = "path:NIXPKGS"; outputs = { all, ... }: all // {
             legacyPackages = builtins.mapAttrs (_: builtins.trace "nixpkgs is evaluated") all.legacyPackages; }; }"#,
    ),
    // Relative inputs of another flake, and a flake in a subfolder of its source.
    (
        "tools/flakes/main/flake.nix",
        r#"{ inputs = { lib.url = "path:./lib"; sibling.url = "path:../sibling"; nixpkgs.url = "path:NIXPKGS"; };
             outputs = { self, lib, sibling, nixpkgs }: { name = "tools-${lib.name}-${sibling.name}-${nixpkgs.lib.version}"; }; }"#,
    ),
    ("tools/flakes/main/lib/flake.nix", r#"{ outputs = _: { name = "lib"; }; }"#),
    ("tools/flakes/sibling/flake.nix", r#"{ outputs = _: { name = "sibling"; }; }"#),
    // Two inputs that need each other.
    (
        "left/flake.nix",
        r#"{ inputs.right.url = "path:ROOT/right"; outputs = { right, ... }: { name = "left"; both = "left-${right.name}"; }; }"#,
    ),
    (
        "right/flake.nix",
        r#"{ inputs.left.url = "path:ROOT/left"; outputs = { left, ... }: { name = "right"; both = "${left.name}-right"; }; }"#,
    ),
    // A chain: an input of this flake follows an input that follows a third one.
    (
        "far/flake.nix",
        r#"{ inputs.near.url = "path:ROOT/near"; inputs.nixpkgs.follows = "near/nixpkgs";
             outputs = { near, nixpkgs, ... }: { name = "${near.name}-${nixpkgs.lib.version}"; }; }"#,
    ),
    (
        "near/flake.nix",
        r#"{ inputs.nixpkgs.url = "path:ROOT/other"; outputs = { nixpkgs, ... }: { name = "near-${nixpkgs.lib.version}"; }; }"#,
    ),
    ("other/flake.nix", r#"{ outputs = _: { lib.version = "other"; }; }"#),
];

const FLAKE: &str = r#"{
  inputs = {
    nixpkgs.url = "path:ROOT/nixpkgs";
    microvm = { url = "path:MICROVM"; };
    tools = { url = "path:ROOT/tools?dir=flakes/main"; inputs.nixpkgs.follows = "nixpkgs"; };
    left = { url = "path:ROOT/left"; inputs.right.follows = "right"; };
    right = { url = "path:ROOT/right"; inputs.left.follows = "left"; };
    far.url = "path:ROOT/far";
    mirror.follows = "far/nixpkgs";
    data = { url = "path:ROOT/other"; flake = false; };
    own.url = "path:./nix/own";
  };
  outputs = { self, nixpkgs, tools, left, right, far, mirror, data, own, ... }@inputs: {
    devShells = builtins.mapAttrs (_: pkgs: {
      default = pkgs.mkShell {
        packages = [ pkgs.gnumake ];
        names = "${tools.name} ${left.both} ${right.both} ${far.name} ${mirror.lib.version} ${own.name}";
        data = builtins.readFile "${data}/flake.nix";
        types = builtins.toJSON (builtins.mapAttrs (_: input: input._type or "none") inputs);
        sources = "${tools} ${tools.inputs.sibling} ${data} ${far.inputs.near} ${nixpkgs.sourceInfo.narHash}";
        self = toString (self.inputs.own.name == own.name && self.outputs ? devShells && self ? lastModifiedDate);
      };
    }) { inherit (nixpkgs.legacyPackages) aarch64-linux x86_64-linux; };
  };
}"#;

const SHELL: &str = "devShells.x86_64-linux.default.drvPath";

/// Runs Nix in a folder, and returns its output.
#[track_caller]
fn run(version: &str, folder: &Path, args: &[&str]) -> String {
    ran(Command::new(nix(version)).args(args).current_dir(folder).env("NIX_CONFIG", NIX_CONFIG)).exits(0).stdout
}

/// Creates a project with many kinds of inputs, locked by Nix.
fn project() -> TempDir {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let root = folder.path().to_str().unwrap();
    let nixpkgs = fixture::nixpkgs().to_str().unwrap();
    let own = ("project/nix/own/flake.nix", r#"{ outputs = _: { name = "own"; }; }"#);
    for (name, text) in INPUTS.into_iter().chain([("project/flake.nix", FLAKE), own]) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text.replace("NIXPKGS", nixpkgs).replace("MICROVM", MICROVM).replace("ROOT", root)).unwrap();
    }
    run("oldest", &folder.path().join("project"), &["flake", "lock", "path:."]);
    folder
}

fn render(project: &Path, lock: &str) -> RenderedFlake {
    let read = |name: &str| (name.to_owned(), fs::read(project.join(name)).unwrap());
    let mut files = BTreeMap::from(["flake.nix", "nix/own/flake.nix"].map(read));
    files.insert("flake.lock".to_owned(), lock.into());
    let guest = NixGuest {
        host: "x86_64-linux",
        system: "x86_64-linux",
        packages: &["hello".to_owned()],
        dev_shell: Some("default"),
        modules: &[],
        project: &ProjectFiles(files),
        allow_local_inputs: true,
    };
    render_nix(guest, StoreSource::Host).unwrap()
}

#[test]
fn a_guest_has_the_dev_shell_of_nix_for_every_kind_of_input() {
    let folder = project();
    let project = folder.path().join("project");
    let lock = fs::read_to_string(project.join("flake.lock")).unwrap();
    let expected = run("newest", &project, &["eval", "--raw", &format!("path:.#{SHELL}")]);
    assert!(expected.starts_with("/nix/store/"), "{expected}");

    let runner = |flake: &RenderedFlake| {
        let rendered = TempDir::with_prefix("pikaci-test-").unwrap();
        write(flake, rendered.path());
        let shell = format!("(import ./guest/inputs.nix).project.{SHELL}");
        for version in ["oldest", "newest"] {
            let shell = run(version, rendered.path(), &["eval", "--raw", "--impure", "--expr", &shell]);
            assert_eq!(shell, expected, "{version}");
        }
        // The last version refuses a lock with inputs that can change, as Lix does.
        let runners = ["oldest", "newest", "strict-locks"].map(|version| {
            let attribute = "path:.#packages.x86_64-linux.runner.drvPath";
            let mut eval = Command::new(nix(version));
            eval.args(["eval", "--no-update-lock-file", "--raw", attribute]).current_dir(rendered.path());
            let evaluated = ran(eval.env("NIX_CONFIG", NIX_CONFIG)).exits(0);
            assert_eq!(evaluated.stderr.matches("nixpkgs is evaluated").count(), 1, "{}", evaluated.stderr);
            evaluated.stdout
        });
        assert!(runners.iter().all(|runner| *runner == runners[0]), "{runners:?}");
        assert!(!rendered.path().join("flake.lock").exists());
        runners[0].clone()
    };
    let own = runner(&render(&project, &lock));

    // A reference through the registry of the author of the lock, and an additional input, change no runner.
    let mut edited: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let nixpkgs = edited["nodes"]["root"]["inputs"]["nixpkgs"].as_str().unwrap().to_owned();
    edited["nodes"][&nixpkgs]["original"] = serde_json::json!({ "id": "nixpkgs", "type": "indirect" });
    edited["nodes"]["root"]["inputs"]["more"] = serde_json::json!("more");
    edited["nodes"]["more"] =
        serde_json::json!({ "locked": { "type": "github", "owner": "a", "repo": "b", "rev": "c" } });
    assert_eq!(runner(&render(&project, &edited.to_string())), own);
}

#[test]
fn a_nixpkgs_too_old_for_nixos_guests_is_refused_with_a_remedy() {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let nixpkgs = r#"{ outputs = _: { lib = { trivial.release = "24.05"; nixosSystem = { modules }: builtins.deepSeq modules { }; }; }; }"#;
    let flake = r#"{ inputs.nixpkgs.url = "path:ROOT/nixpkgs"; outputs = _: { }; }"#;
    for (name, text) in [("nixpkgs", nixpkgs), ("project", flake)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        let text = text.replace("ROOT", folder.path().to_str().unwrap());
        fs::write(folder.path().join(name).join("flake.nix"), text).unwrap();
    }
    let project = folder.path().join("project");
    run("oldest", &project, &["flake", "lock", "path:."]);
    let read = |name: &str| (name.to_owned(), fs::read(project.join(name)).unwrap());
    let files = ProjectFiles(["flake.nix", "flake.lock"].map(read).into());
    let (host, system, project, allow_local_inputs) = ("x86_64-linux", "x86_64-linux", &files, true);
    let guest = NixGuest { host, system, packages: &[], dev_shell: None, modules: &[], project, allow_local_inputs };
    let rendered = TempDir::with_prefix("pikaci-test-").unwrap();
    write(&render_nixos(guest).unwrap(), rendered.path());
    let mut eval = Command::new(nix("oldest"));
    eval.args(["eval", "--raw", "path:.#packages.x86_64-linux.runner.drvPath"]).current_dir(rendered.path());
    let refused = ran(eval.env("NIX_CONFIG", NIX_CONFIG)).exits(1).stderr;
    let message =
        "the project's nixpkgs is 24.05, and microvm.nix takes 25.05 or newer: update it, nix flake update nixpkgs";
    assert!(refused.contains(message), "{refused}");
}

/// The first test relies on the refusal by this Nix.
#[test]
fn a_nix_with_strict_locks_refuses_inputs_that_can_change() {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let flake = r#"{ inputs.project.url = "path:./project"; outputs = _: { name = "x"; }; }"#;
    let node =
        r#"{ "locked": { "type": "path", "path": "./project" }, "original": { "type": "path", "path": "./project" } }"#;
    let lock = r#"{ "version": 7, "root": "root", "nodes": { "root": { "inputs": { "project": "project" } }, "project": NODE } }"#;
    fs::write(folder.path().join("flake.nix"), flake).unwrap();
    fs::write(folder.path().join("flake.lock"), lock.replace("NODE", node)).unwrap();
    let mut strict = Command::new(nix("strict-locks"));
    strict.args(["eval", "--no-update-lock-file", "--raw", "path:.#name"]);
    let refused = ran(strict.current_dir(folder.path()).env("NIX_CONFIG", NIX_CONFIG)).exits(1).stderr;
    assert!(refused.contains("contains mutable lock"), "{refused}");
}

//! Rendered flakes, read by the oldest and the newest Nix.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "runs Nix on a file that it writes")]
#![expect(clippy::unwrap_used, reason = "a test that can't continue fails")]

use std::path::Path;
use std::process::Command;

use askama::Template;
use pikaci::facts::{BlobRef, Encoding, Kernel, Module};
use pikaci::flake::{FlakeContent, NixGuest, ProjectFiles, StoreSource, render_host, render_nix, render_nixos};
use pikaci::id::Digest;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::support::tools::nix;

const NIXES: [&str; 2] = ["oldest", "newest"];
const CONFIG: &str =
    "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\nflake-registry =";

/// Each text as a string, as the name of an attribute, and between other characters.
#[derive(Template)]
#[template(
    source = r#"[
{% for text in texts %}
  [ "{{ text }}" (builtins.head (builtins.attrNames { "{{ text }}" = 1; })) "a{{ text }}b{{ text }}c" ]
{% endfor %}
]"#,
    ext = "nix",
    config = "templates/askama.toml"
)]
struct Strings {
    texts: Vec<String>,
}

/// Returns the value of a Nix file as JSON.
fn eval(version: &str, file: &Path, home: &Path) -> serde_json::Value {
    let output = Command::new(nix(version))
        .args(["eval", "--store", "dummy://", "--json", "--file"])
        .arg(file)
        .env_clear()
        .env("HOME", home)
        .env("NIX_CONF_DIR", home)
        .env("NIX_CONFIG", CONFIG)
        .output()
        .unwrap();
    assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns texts that are hard to escape: pieces of Nix's syntax among any Unicode characters, without NUL.
fn hard_texts(count: usize) -> Vec<String> {
    let piece = prop_oneof![
        Just("${".to_owned()),
        Just("$${".to_owned()),
        Just("''".to_owned()),
        Just("''${".to_owned()),
        "[\"\\\\$'{}\r\n\t ]{1,4}",
        "\\\\[nrt\"$\\\\]?",
        any::<char>().prop_filter("NUL has no place in Nix", |c| *c != '\0').prop_map(String::from),
        "[\u{1}-\u{1f}\u{7f}-\u{9f}]",
        "\\PC{0,8}",
        Just("builtins.abort \"reached\"".to_owned()),
        Just("\u{feff}\u{2028}\u{202e}\u{10ffff}".to_owned()),
    ];
    let text = proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    let mut runner = TestRunner::default();
    (0..count).map(|_| text.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn nix_reads_back_every_escaped_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strings.nix");
    let texts = hard_texts(600);
    std::fs::write(&file, Strings { texts: texts.clone() }.render().unwrap()).unwrap();
    for nix in NIXES {
        let value = eval(nix, &file, folder.path());
        let read: Vec<[String; 3]> = serde_json::from_value(value).unwrap();
        assert_eq!(read.len(), texts.len());
        for (read, text) in read.iter().zip(&texts) {
            assert_eq!(read, &[text.clone(), text.clone(), format!("a{text}b{text}c")], "{nix}");
        }
    }
}

/// Reads the values of a real flake; `derivation` is lazy, so nothing is built.
const READ_FLAKE: &str = r#"
  name:
  let
    packages = ((import (./. + "/${name}/flake.nix")).outputs { self = "/self"; }).packages;
    system = builtins.head (builtins.attrNames packages);
    runner = packages.${system}.runner;
  in
  [ system runner.system runner.modules ]
"#;

#[test]
fn nix_reads_back_the_values_of_a_rendered_flake() {
    let folder = tempfile::tempdir().unwrap();
    let blob = || BlobRef { path: "/x".into(), encoding: Encoding::Plain, len: 1, sha256: Digest::of(b"x") };
    let modules = ["with.ko", "rec", "a..b", "0", "x__y--z", "null", "1e9.ko", "if.then.else"];
    let systems = hard_texts(60);
    for (at, system) in systems.iter().enumerate() {
        let modules = modules[at % modules.len()..].iter();
        let modules = modules.map(|name| Module { name: (*name).to_owned(), blob: blob() }).collect();
        let kernel = Kernel { release: "6".to_owned(), image: blob(), modules };
        let flake = render_host(system, &kernel, &blob()).unwrap();
        let of_flake = folder.path().join(format!("f{at}"));
        std::fs::create_dir(&of_flake).unwrap();
        for name in ["flake.nix", "guest.json"] {
            let FlakeContent::Inline(text) = &flake.files[name].content else { panic!("{name} is a file of the host") };
            std::fs::write(of_flake.join(name), text).unwrap();
        }
    }
    let file = folder.path().join("read.nix");
    let names: Vec<_> = (0..systems.len()).map(|at| format!("\"f{at}\"")).collect();
    std::fs::write(&file, format!("map ({READ_FLAKE}) [ {} ]", names.join(" "))).unwrap();
    for nix in NIXES {
        let read: Vec<[String; 3]> = serde_json::from_value(eval(nix, &file, folder.path())).unwrap();
        assert_eq!(read.len(), systems.len());
        for (at, (read, system)) in read.iter().zip(&systems).enumerate() {
            let modules = modules[at % modules.len()..].join(" ");
            assert_eq!(read, &[system.clone(), system.clone(), modules], "{nix}");
        }
    }
}

/// Reads the values of flakes of the bases `nix` and `nixos`, and the packages that they select in a dev shell and in a
/// nixpkgs with only the named package.
const READ_NIX_FLAKE: &str = r#"
  name:
  let
    folder = ./. + "/${name}";
    guest = builtins.fromJSON (builtins.readFile (folder + "/guest.json"));
    flake = import (folder + "/flake.nix");
    # Two names that are the same, with a dot between them.
    path = builtins.head guest.packages;
    name' = builtins.substring 0 ((builtins.stringLength path - 1) / 2) path;
    pkgs.${name'}.${name'} = "found";
    project.devShells.${guest.system}.${guest.devShell}.nativeBuildInputs = [ "in the shell" ];
  in
  {
    host = builtins.head (builtins.attrNames (flake.outputs { }).packages);
    inherit (flake) nixConfig;
    inherit (guest) packages devShell modules;
    found = import (folder + "/guest/packages.nix") { inherit pkgs project guest; };
  }
"#;

/// A project's flake with a setting of Nix.
#[derive(Template)]
#[template(
    source = r#"{ nixConfig."{{ name }}" = "{{ value }}"; outputs = _: { }; }"#,
    ext = "nix",
    config = "templates/askama.toml"
)]
struct ProjectFlake<'a> {
    name: &'a str,
    value: &'a str,
}

#[test]
fn nix_reads_back_the_values_of_flakes_with_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let texts = hard_texts(60);
    let names: Vec<String> = texts.iter().map(|text| text.replace(['.', '/'], "")).collect();
    for (at, name) in names.iter().enumerate() {
        let module = format!("{name}x.nix");
        let flake = ProjectFlake { name, value: &texts[at] }.render().unwrap();
        let lock = r#"{ "version": 7, "root": "root", "nodes": { "root": { } } }"#;
        let project = [("flake.nix", flake.as_str()), ("flake.lock", lock), (&module, "{ }")];
        let project = ProjectFiles(project.map(|(file, text)| (file.to_owned(), text.into())).into());
        let (packages, modules) = ([format!("{name}.{name}")], [module]);
        let guest = NixGuest {
            host: &texts[at],
            system: "x86_64-linux",
            packages: &packages,
            dev_shell: Some(name),
            modules: &modules,
            project: &project,
            allow_local_inputs: true,
        };
        let flake = if at % 2 == 0 { render_nixos(guest) } else { render_nix(guest, StoreSource::Disk) };
        let of_flake = folder.path().join(format!("f{at}"));
        std::fs::create_dir_all(of_flake.join("guest")).unwrap();
        let flake = flake.unwrap();
        for name in ["flake.nix", "guest.json", "guest/packages.nix"] {
            let FlakeContent::Inline(text) = &flake.files[name].content else { panic!("{name} is a file of the host") };
            std::fs::write(of_flake.join(name), text).unwrap();
        }
    }
    let file = folder.path().join("read.nix");
    let flakes: Vec<_> = (0..texts.len()).map(|at| format!("\"f{at}\"")).collect();
    std::fs::write(&file, format!("map ({READ_NIX_FLAKE}) [ {} ]", flakes.join(" "))).unwrap();
    for nix in NIXES {
        let read = eval(nix, &file, folder.path());
        for (at, name) in names.iter().enumerate() {
            assert_eq!(read[at]["host"], texts[at].as_str(), "{nix}");
            assert_eq!(read[at]["nixConfig"], serde_json::json!({ name: texts[at] }), "{nix}");
            assert_eq!(read[at]["packages"], serde_json::json!([format!("{name}.{name}")]), "{nix}");
            assert_eq!(read[at]["devShell"], name.as_str(), "{nix}");
            assert_eq!(read[at]["found"], serde_json::json!(["found", "in the shell"]), "{nix}");
            if at % 2 == 0 {
                assert_eq!(read[at]["modules"], serde_json::json!([format!("{name}x.nix")]), "{nix}");
            }
        }
    }
}

#[test]
fn nul_is_refused() {
    assert!(Strings { texts: vec!["a\0b".to_owned()] }.render().is_err());
}

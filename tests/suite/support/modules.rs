//! The NixOS and the nix-darwin module in a small module system.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::fixture::nixpkgs_with_crates;
use crate::support::project::{Ran, ran};
use crate::support::tools::nix;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Debian's programs, as far as a machine needs them.
pub const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n\
    flake-registry =\nsandbox = true\nsandbox-paths = /bin/sh=/bin/busybox /usr /lib=/usr/lib /lib64=/usr/lib64\n";
/// A machine that uses every option of both modules.
pub const ALL: &str = r#"
  programs.pikaci = { enable = true; settings = { jobs = 4; accel = "kvm"; fail-fast = true; base = null; }; };
  services.pikaci = {
    stateRoot = "/var/lib/pikaci"; user = "ci";
    gc = { enable = true; keepRuns = 50; olderThan = "30d"; stateRoots = [ "/home/ci/p/.pikaci" ]; };
  };
"#;
pub const LINUX: &str = r#"boot.kernelModules = [ "kvm_intel" ]; programs.pikaci.kvmForBuilds = true;"#;
pub const MAC: &str = "nix.linux-builder.enable = true;";
/// The modules, with an existing pikaci or with their own; the rest of the system is as small as possible.
const FIXTURE: &str = r#"
  fixture = (import NIXPKGS/flake.nix).outputs { self = fixture; };
  pkgs = fixture.legacyPackages.x86_64-linux;
  module = class: ROOT/nix/modules + "/${class}.nix";
  plain = import ROOT/nix/modules/evaluate.nix { inherit pkgs; };
  evaluate = class: configuration: plain [
    (module class)
    configuration
    { programs.pikaci.package = pkgs.wrapped "${PIKACI}"; }
  ];
  undescribed = path: options: builtins.concatMap (name: let option = options.${name}; in
    if option._type or null != "option" then undescribed "${path}${name}." option
    else pkgs.lib.optional (!(builtins.isString (option.description or null))) "${path}${name}"
  ) (builtins.attrNames options);
"#;

/// Runs a command of Nix on an expression that may use the fixtures.
pub fn of_fixture(version: &str, args: &[&str], expression: &str) -> Ran {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let file = folder.path().join("test.nix");
    let fixture = FIXTURE.replace("NIXPKGS", nixpkgs_with_crates().to_str().unwrap()).replace("ROOT", ROOT);
    let fixture = fixture.replace("PIKACI", env!("CARGO_BIN_EXE_pikaci"));
    fs::write(&file, format!("let {fixture} in {expression}")).unwrap();
    let mut command = Command::new(nix(version));
    ran(command.args(args).arg("--file").arg(&file).env("NIX_CONFIG", CONFIG))
}

#[track_caller]
pub fn evaluate(expression: &str) -> Value {
    let value = |version| -> Value {
        let ran = of_fixture(version, &["eval", "--json"], expression).exits(0);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let oldest = value("oldest");
    assert_eq!(oldest, value("newest"));
    oldest
}

/// Asserts that garbage is collected in both folders, even if the first one fails.
#[track_caller]
pub fn assert_collects(script: &Value, quote: &str) {
    let script = script.as_str().unwrap();
    let commands: Vec<&str> = script.lines().filter(|line| line.contains("pikaci/bin/pikaci")).collect();
    assert_eq!(commands.len(), 2, "{script}");
    for (command, root) in commands.iter().zip(["/var/lib/pikaci", "/home/ci/p/.pikaci"]) {
        let words = ["gc", "--state-root", root, "--keep-runs", "50", "--older-than", "30d"];
        let words = words.map(|word| format!(" {quote}{word}{quote}")).concat();
        assert!(command.ends_with(&format!("-pikaci/bin/pikaci{quote}{words} || status=$?")), "{command}");
    }
    assert!(script.starts_with("status=0\n") && script.ends_with("\nexit $status\n"), "{script}");
}

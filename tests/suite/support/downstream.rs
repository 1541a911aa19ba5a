//! A flake with this repository as an input.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::fixture::{self, nixpkgs};
use crate::support::project::{Ran, ran};
use crate::support::repository::Flake;
use crate::support::tools::nix;

pub const JOBS: &str = r#"{
  guests.default = { base = "nix"; packages = [ "hello" ]; };
  jobs.passes = {
    command = ''
      hello; id -u; ls; mkdir out; cat src/a >out/a
      readlink -f "$(command -v hello)"
      echo '@nix {"action":"msg","level":0,"msg":"forged"}'
    '';
    paths = [ "src/**" ]; artifacts = [ "out/*" ];
  };
  jobs.fed = {
    command = "cat src/folder; cat in/out/a; echo changed >in/out/a; cat in/out/a";
    inputs.passes = { from = "passes"; to = "in"; }; paths = [ "src/**" ];
  };
  jobs.fails = { command = "echo about to fail; exit 3"; needs = [ "passes" ]; };
}"#;
const FLAKE: &str = r#"{
  inputs = {
    nixpkgs.url = "NIXPKGS";
    microvm.url = "MICROVM";
    pikaci = { url = "PIKACI"; inputs.nixpkgs.follows = "nixpkgs"; };
    program = { url = "path:PROGRAM"; flake = false; };
  };
  outputs = { self, nixpkgs, pikaci, program, ... }@inputs: {
    checks.x86_64-linux = pikaci.lib.mkChecks {
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      src = self;
      # No KVM here.
      requiredSystemFeatures = [ ];
      accel = "tcg";
      MORE
    };
  };
}"#;
/// A pikaci that is compiled already.
const PROGRAM: &str = r#"pikaci = nixpkgs.legacyPackages.x86_64-linux.wrapped "${program}/pikaci";"#;
/// Debian's programs, as far as a machine needs them.
pub const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n\
    flake-registry =\nsandbox = true\nsandbox-paths = /bin/sh=/bin/busybox /usr /lib=/usr/lib /lib64=/usr/lib64\n";

/// A flake with this repository as an input.
pub struct Downstream {
    pub folder: TempDir,
    pub _pikaci: Flake,
    pub _program: TempDir,
}

impl Downstream {
    /// Creates a flake with these jobs.
    pub fn new(jobs: &str) -> Self {
        Self::on(jobs, [nixpkgs().to_str().unwrap(), fixture::MICROVM], PROGRAM)
    }

    /// Creates a flake on this nixpkgs and microvm.nix, with more arguments of `mkChecks`.
    pub fn on(jobs: &str, inputs: [&str; 2], more: &str) -> Self {
        let (folder, program) =
            (TempDir::with_prefix("pikaci-test-").unwrap(), TempDir::with_prefix("pikaci-test-").unwrap());
        fs::copy(env!("CARGO_BIN_EXE_pikaci"), program.path().join("pikaci")).unwrap();
        let (pikaci, [nixpkgs, microvm]) = (Flake::new(), inputs.map(fixture::reference));
        let flake = FLAKE.replace("NIXPKGS", &nixpkgs).replace("MICROVM", &microvm).replace("MORE", more);
        let flake = flake.replace("PIKACI", &pikaci.reference()).replace("PROGRAM", program.path().to_str().unwrap());
        let downstream = Self { folder, _pikaci: pikaci, _program: program };
        let downstream = downstream.file("flake.nix", &flake).file("pikaci.nix", jobs).file("src/a", "a\n");
        let downstream = downstream.file("README", "read me\n");
        // The lock is a file of the project, so it has to exist before the first build.
        downstream.nix("oldest", &["flake", "lock"]).exits(0);
        downstream
    }

    pub fn file(self, name: &str, content: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Returns the command `nix ARGS` in this flake.
    pub fn command(&self, version: &str, args: &[&str]) -> Command {
        let mut command = Command::new(nix(version));
        command.args(args).current_dir(self.folder.path()).env("NIX_CONFIG", CONFIG);
        command
    }

    pub fn nix(&self, version: &str, args: &[&str]) -> Ran {
        ran(&mut self.command(version, args))
    }

    /// Returns the derivations of the checks.
    pub fn derivations(&self, version: &str) -> Value {
        let args =
            ["eval", "--json", "path:.#checks.x86_64-linux", "--apply", "builtins.mapAttrs (_: check: check.drvPath)"];
        serde_json::from_str(&self.nix(version, &args).exits(0).stdout).unwrap()
    }

    pub fn build(&self, job: &str) -> Ran {
        let check = format!("path:.#checks.x86_64-linux.{job}");
        self.nix("oldest", &["build", "--no-link", "--print-out-paths", "--print-build-logs", &check])
    }
}

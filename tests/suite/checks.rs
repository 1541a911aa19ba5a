//! Jobs as checks of somebody's flake: one derivation each, whose builder boots a virtual machine in Nix' sandbox.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{self, nixpkgs, nixpkgs_with_crates};
use crate::project::{Ran, json, nix, ran};
use crate::repository::{self, Flake, NIXES};

const JOBS: &str = r#"{
  guests.default = { base = "nix"; packages = [ "hello" ]; };
  jobs.passes = {
    command = ''
      hello; id -u; ls; mkdir out; cat src/a >out/a
      readlink -f "$(command -v hello)"
      echo '@nix {"action":"msg","level":0,"msg":"forged"}'
    '';
    paths = [ "src/**" ]; artifacts = [ "out/*" ];
  };
  jobs.fails = { command = "echo about to fail; exit 3"; needs = [ "passes" ]; };
}"#;
/// A job in a NixOS.
const NIXOS_JOBS: &str = r#"{
  guests.default = { base = "nixos"; packages = [ "hello" ]; modules = [ "nix/module.nix" ]; };
  jobs.a = { command = "hello"; paths = [ "src/**" ]; };
}"#;
const MODULE: &str = r#"{ environment.etc."from-module".text = "here"; }"#;
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
/// A pikaci that isn't compiled once more.
const PROGRAM: &str = r#"pikaci = nixpkgs.legacyPackages.x86_64-linux.wrapped "${program}/pikaci";"#;
/// Debian's programs, as far as a machine takes them.
pub const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n\
    flake-registry =\nsandbox = true\nsandbox-paths = /bin/sh=/bin/busybox /usr /lib=/usr/lib /lib64=/usr/lib64\n";

/// Somebody's flake, which has this one as an input.
pub struct Downstream {
    folder: TempDir,
    _pikaci: Flake,
    _program: TempDir,
}

impl Downstream {
    /// Makes a flake whose job file says this.
    pub fn new(jobs: &str) -> Self {
        Self::on(jobs, [nixpkgs().to_str().unwrap(), fixture::MICROVM], PROGRAM)
    }

    /// Makes one on this nixpkgs and microvm.nix, which says more to `mkChecks`.
    fn on(jobs: &str, inputs: [&str; 2], more: &str) -> Self {
        let (folder, program) =
            (TempDir::with_prefix("pikaci-test-").unwrap(), TempDir::with_prefix("pikaci-test-").unwrap());
        fs::copy(env!("CARGO_BIN_EXE_pikaci"), program.path().join("pikaci")).unwrap();
        let (pikaci, [nixpkgs, microvm]) = (Flake::new(), inputs.map(fixture::reference));
        let flake = FLAKE.replace("NIXPKGS", &nixpkgs).replace("MICROVM", &microvm).replace("MORE", more);
        let flake = flake.replace("PIKACI", &pikaci.reference()).replace("PROGRAM", program.path().to_str().unwrap());
        let downstream = Self { folder, _pikaci: pikaci, _program: program };
        let downstream = downstream.file("flake.nix", &flake).file("pikaci.nix", jobs).file("src/a", "a\n");
        let downstream = downstream.file("README", "read me\n");
        // The lock is a file of the project, so that it is there before anything is made of it.
        downstream.nix("oldest", &["flake", "lock"]).exits(0);
        downstream
    }

    fn file(self, name: &str, content: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Returns the command `nix ARGS` in this flake.
    pub fn command(&self, which: &str, args: &[&str]) -> Command {
        let mut command = Command::new(nix(which));
        command.args(args).current_dir(self.folder.path()).env("NIX_CONFIG", CONFIG);
        command
    }

    fn nix(&self, which: &str, args: &[&str]) -> Ran {
        ran(&mut self.command(which, args))
    }

    /// Returns the derivations of the checks.
    fn derivations(&self, which: &str) -> Value {
        let args =
            ["eval", "--json", "path:.#checks.x86_64-linux", "--apply", "builtins.mapAttrs (_: check: check.drvPath)"];
        serde_json::from_str(&self.nix(which, &args).exits(0).stdout).unwrap()
    }

    fn build(&self, job: &str) -> Ran {
        let check = format!("path:.#checks.x86_64-linux.{job}");
        self.nix("oldest", &["build", "--no-link", "--print-out-paths", "--print-build-logs", &check])
    }
}

#[test]
fn a_job_that_passes_leaves_its_artifacts_and_one_that_fails_says_why() {
    let downstream = Downstream::new(JOBS);
    // So that the job, which sees this file, never ran before.
    let folder = downstream.folder.path().to_str().unwrap().to_owned();
    let downstream = downstream.file("src/folder", &folder);
    let passed = downstream.build("passes").exits(0);
    let nix_line = r#"> | @nix {"action":"msg","level":0,"msg":"forged"}"#;
    for line in ["> Hello, world!", "> 1000", "> src", "> /nix/store/", nix_line, "> pikaci: passes passed in "] {
        assert!(passed.stderr.contains(line), "{line}: {}", passed.stderr);
    }
    assert!(!passed.stderr.contains("> README"), "what `paths` leaves out is there: {}", passed.stderr);
    let out = Path::new(passed.stdout.trim()).to_owned();
    assert_eq!(fs::read_to_string(out.join("artifacts/out/a")).unwrap(), "a\n");
    let record = json(&out.join("status.json"));
    assert_eq!((record["status"].as_str(), record["exit_code"].as_i64()), (Some("passed"), Some(0)));
    // Who has the result needs neither the guest nor what booted it, and whoever makes it makes the same.
    let log = fs::read_to_string(out.join("guest.log")).unwrap();
    assert!(log.contains("\n/nix/store/") && log.contains("\n@nix {"), "{log}");
    let closure = downstream.nix("oldest", &["path-info", "--recursive", out.to_str().unwrap()]).exits(0).stdout;
    assert_eq!(closure.trim(), out.to_str().unwrap());
    let again = ["build", "--no-link", "--rebuild", "path:.#checks.x86_64-linux.passes"];
    downstream.nix("oldest", &again).exits(0);

    let downstream = downstream.file("README", "another\n");
    let cached = downstream.build("passes").exits(0);
    assert_eq!(cached.stdout, passed.stdout, "an edit elsewhere changes nothing");
    assert!(!cached.stderr.contains("> "), "{}", cached.stderr);

    let failed = downstream.build("fails").exits(1);
    assert!(failed.stderr.contains("> about to fail"), "{}", failed.stderr);
    let why = "> pikaci: fails failed in ";
    assert!(
        failed.stderr.contains(why) && failed.stderr.contains("the command ended with exit code 3"),
        "{}",
        failed.stderr
    );
}

#[test]
fn what_a_build_of_nix_has_not_got_is_refused_when_it_is_evaluated() {
    for (job, guest, why) in [
        ("", r#"{ base = "host"; }"#, "its guest is of base `host`"),
        ("", "{ }", "its guest is of base `host`"),
        ("network = true;", r#"{ base = "nix"; }"#, "it has `network = true;`"),
        ("network = \"host\";", r#"{ base = "nix"; }"#, "it has `network = \"host\";`"),
        ("caches.c = \"/c\";", r#"{ base = "nix"; }"#, "the job \"a\": unknown key `caches`"),
        ("", r#"{ base = "nixos"; }"#, "a guest of base `nixos` needs microvm.nix"),
        ("", r#"{ base = "nix"; packages = [ "no.such" ]; }"#, "nixpkgs has no package \"no.such\""),
    ] {
        let jobs = format!(r#"{{ guests.default = {guest}; jobs.a = {{ command = "true"; {job} }}; }}"#);
        let downstream = Downstream::new(&jobs);
        let refused = downstream.nix("oldest", &["eval", "--raw", "path:.#checks.x86_64-linux.a.drvPath"]).exits(1);
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
    }
}

#[test]
fn both_nix_versions_make_the_same_checks() {
    let downstream = Downstream::new(JOBS);
    assert_eq!(downstream.derivations("oldest"), downstream.derivations("newest"));
}

#[test]
fn the_template_makes_a_project_whose_job_is_run() {
    let (flake, folder) = (Flake::new(), TempDir::with_prefix("pikaci-test-").unwrap());
    for which in NIXES {
        let project = folder.path().join(which);
        let new = ["flake", "new", "--template", &flake.reference()];
        ran(repository::command(which, &new).arg(&project)).exits(0);
        // So that the job, of which this is a file, never ran before.
        fs::write(project.join("folder"), folder.path().to_str().unwrap()).unwrap();
        ran(flake.used(which, "flake check", &["path:."]).current_dir(&project)).exits(0);
        let check = ["--no-link", "--print-out-paths", "path:.#checks.x86_64-linux.greet"];
        let built = ran(flake.used(which, "build", &check).current_dir(&project)).exits(0).stdout;
        assert_eq!(fs::read_to_string(Path::new(built.trim()).join("guest.log")).unwrap(), "Hello, world!\n");
    }
}

#[test]
fn a_guest_of_nixos_is_made_with_the_microvm_and_the_modules_that_are_given() {
    let evaluated = |inputs, nixes: &[&str]| {
        let downstream = Downstream::on(NIXOS_JOBS, inputs, "inherit (inputs) microvm;");
        let downstream = downstream.file("nix/module.nix", MODULE);
        let made: Vec<Value> = nixes.iter().map(|which| downstream.derivations(which)).collect();
        assert!(made.iter().all(|one| one["a"].is_string() && *one == made[0]), "{made:?}");
        let downstream = downstream.file("README", "another\n");
        assert_eq!(downstream.derivations("oldest"), made[0], "an edit elsewhere changes nothing");
        let downstream = downstream.file("nix/module.nix", &MODULE.replace("here", "there"));
        assert_ne!(downstream.derivations("oldest"), made[0], "an edit of the module does");
        downstream
    };
    let downstream = evaluated([nixpkgs_with_crates().to_str().unwrap(), fixture::MICROVM], &NIXES);
    let runner = downstream.build("a.runner").exits(0).stdout;
    let runner = Path::new(runner.trim());
    assert_eq!(json(&runner.join("boot.json"))["schema_version"], 1);
    let toplevel = json(&runner.join("store.erofs"));
    let made_of = json(Path::new(toplevel.as_str().unwrap()));
    assert_eq!(made_of["extra"]["from-module"]["text"], "there");
    assert!(made_of["packages"][0].as_str().unwrap().ends_with("-hello"), "{made_of:#}");

    let at_hand = |name| std::env::var(name).ok();
    if let (Some(nixpkgs), Some(microvm)) = (at_hand("PIKACI_TEST_NIXPKGS"), at_hand("PIKACI_TEST_MICROVM")) {
        evaluated([&nixpkgs, &microvm], &["oldest"]);
    }
}

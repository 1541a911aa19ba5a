//! Jobs as checks of somebody's flake: one derivation each, whose builder boots a virtual machine in Nix' sandbox.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::nixpkgs;
use crate::project::{Ran, json, nix, ran};

const JOBS: &str = r#"{
  guests.default = { base = "nix"; packages = [ "hello" ]; };
  jobs.passes = {
    command = "hello; id -u; ls; mkdir out; cat src/a >out/a";
    paths = [ "src/**" ]; artifacts = [ "out/*" ];
  };
  jobs.fails = { command = "echo about to fail; exit 3"; needs = [ "passes" ]; };
}"#;
const FLAKE: &str = r#"{
  inputs.nixpkgs.url = "path:NIXPKGS";
  inputs.pikaci = { url = "path:PIKACI"; flake = false; };
  outputs = { self, nixpkgs, pikaci }: {
    checks.x86_64-linux = import "${pikaci}/nix/mk-checks.nix" {
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      src = self;
      # No KVM here.
      requiredSystemFeatures = [ ];
      pikaci = nixpkgs.legacyPackages.x86_64-linux.wrapped "${pikaci}/pikaci";
    };
  };
}"#;
/// Debian's programs, as far as a machine takes them.
pub const CONFIG: &str = "experimental-features = nix-command flakes\nbuild-users-group =\nsubstituters =\n\
    flake-registry =\nsandbox = true\nsandbox-paths = /bin/sh=/bin/busybox /usr /lib=/usr/lib /lib64=/usr/lib64\n";

/// Somebody's flake, and pikaci as it finds it.
pub struct Downstream {
    folder: TempDir,
    pikaci: TempDir,
}

impl Downstream {
    /// Makes a flake whose job file says this.
    pub fn new(jobs: &str) -> Self {
        let (folder, pikaci) =
            (TempDir::with_prefix("pikaci-test-").unwrap(), TempDir::with_prefix("pikaci-test-").unwrap());
        let nix = Path::new(env!("CARGO_MANIFEST_DIR")).join("nix");
        ran(Command::new("cp").arg("-a").arg(nix).arg(pikaci.path())).exits(0);
        fs::copy(env!("CARGO_BIN_EXE_pikaci"), pikaci.path().join("pikaci")).unwrap();
        let flake = FLAKE.replace("NIXPKGS", nixpkgs().to_str().unwrap());
        let flake = flake.replace("PIKACI", pikaci.path().to_str().unwrap());
        let downstream = Self { folder, pikaci };
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

    fn build(&self, job: &str) -> Ran {
        let check = format!("path:.#checks.x86_64-linux.{job}");
        self.nix("oldest", &["build", "--no-link", "--print-out-paths", "--print-build-logs", &check])
    }
}

#[test]
fn a_job_that_passes_leaves_its_artifacts_and_one_that_fails_says_why() {
    let downstream = Downstream::new(JOBS);
    let passed = downstream.build("passes").exits(0);
    for line in ["> Hello, world!", "> 1000", "> src", "> pikaci: passes passed in "] {
        assert!(passed.stderr.contains(line), "{line}: {}", passed.stderr);
    }
    assert!(!passed.stderr.contains("> README"), "what `paths` leaves out is there: {}", passed.stderr);
    let out = Path::new(passed.stdout.trim()).to_owned();
    assert_eq!(fs::read_to_string(out.join("artifacts/out/a")).unwrap(), "a\n");
    let record = json(&out.join("status.json"));
    assert_eq!((record["status"].as_str(), record["exit_code"].as_i64()), (Some("passed"), Some(0)));

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
        ("caches.c = \"/c\";", r#"{ base = "nix"; }"#, "it has `caches`"),
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
    let shown = |which| {
        let args =
            ["eval", "--json", "path:.#checks.x86_64-linux", "--apply", "builtins.mapAttrs (_: check: check.drvPath)"];
        serde_json::from_str::<Value>(&downstream.nix(which, &args).exits(0).stdout).unwrap()
    };
    assert_eq!(shown("oldest"), shown("newest"));
    drop(downstream.pikaci);
}

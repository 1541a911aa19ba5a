//! The flake of this repository: its checks and its package, on a nixpkgs of Debian packages that compiles Rust.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use pikaci::event::Outcome;

use crate::support::project::{NIX_CONFIG, Project, ran};
use crate::support::repository::{Flake, NIXES};
use crate::support::tools::nix;

#[test]
fn the_checks_of_the_flake_pass() {
    let flake = Flake::new();
    for version in NIXES {
        flake.nix(version, "flake check", &["path:."]);
    }
}

#[test]
fn the_checks_of_the_flake_detect_mistakes() {
    let flake = Flake::new();
    flake.edit("nix/modules/options.nix", "\"--keep-runs\"", "\"--keep-ruins\"");
    flake.edit("nix/template/pikaci.nix", "command = \"hello\"", "command = \"hello; exit 3\"");
    fs::write(flake.path("nix/overlay.nix"), "final: _: {pikaci=final.callPackage ./package.nix {};}\n").unwrap();
    fs::write(flake.path(".ci/run"), "#!/bin/sh\necho $1\n").unwrap();
    for (check, message) in [
        ("modules", "unexpected argument '--keep-ruins'"),
        ("nix-format", "nix/overlay.nix"),
        ("shellcheck", "SC2086"),
        ("vm", "the command ended with exit code 3"),
    ] {
        let build = ["--no-link", "-L", &format!("path:.#checks.x86_64-linux.{check}")];
        let failed = ran(&mut flake.command("oldest", "build", &build)).exits(1);
        assert!(failed.stderr.contains(message), "{check}: {}", failed.stderr);
    }
}

#[test]
fn the_package_runs_a_job_with_only_nix_on_the_path() {
    let package = Flake::new().build("pikaci");
    let jobs = r#"{ guests.here.base = "none"; jobs.where.command = "uname";
                    jobs.local = { command = "echo \"$PATH\""; guest = "here"; network = true; }; }"#;
    let project = Project::with_guests(jobs).committed();
    let mut run = Command::new(package.join("bin/pikaci"));
    run.arg("run").current_dir(project.path("")).env_clear().env("HOME", project.path("")).stdin(Stdio::null());
    let path = nix("oldest").parent().unwrap().to_owned();
    run.env("PIKACI_ALLOW_UNISOLATED", "true")
        .env("PATH", &path)
        .env("NIX_CONFIG", NIX_CONFIG)
        .env("PIKACI_ACCEL", "tcg");
    ran(&mut run).exits(0);
    assert_eq!(project.job("where").status.outcome(), Some(Outcome::Passed));
    assert!(project.record().source.git_head.is_some(), "there is a git");
    assert_eq!(project.output("local").trim(), path.to_str().unwrap(), "and a job without a machine has its own");
    // The package contains no kill points of the tests.
    let knows = |program: &Path| fs::read(program).unwrap().windows(16).any(|text| text == b"PIKACI_TEST_KILL");
    assert_eq!(knows(Path::new(env!("CARGO_BIN_EXE_pikaci"))), cfg!(feature = "failpoints"));
    for program in fs::read_dir(package.join("bin")).unwrap().map(|entry| entry.unwrap().path()) {
        assert!(!knows(&program), "{}", program.display());
    }
}

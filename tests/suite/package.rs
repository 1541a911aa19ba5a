//! The flake of this repository, as it is, on a nixpkgs of Debian's packages that compiles Rust.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use pikaci::record::Outcome;
use serde_json::Value;

use crate::fixture;
use crate::project::{NIX_CONFIG, Project, json, nix, ran};
use crate::repository::{Flake, NIXES};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SYSTEMS: [&str; 4] = ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"];
/// The most lines that flake.nix may have.
const MAX_LINES: usize = 79;

/// What each output is built from, and of which file the overlay calls.
const DERIVATIONS: &str = "flake:
    let
      derivations = builtins.mapAttrs (_: value: value.drvPath or value.program or (derivations value));
      nixpkgs.callPackage = file: _: baseNameOf file;
    in
    derivations { inherit (flake) packages apps checks devShells formatter; }
    // { overlay = flake.overlays.default nixpkgs { }; }";

#[test]
fn every_output_of_every_system_evaluates_and_both_versions_of_nix_build_the_same() {
    let flake = Flake::new();
    let [oldest, newest] = NIXES.map(|which| {
        flake.nix(which, "flake check", &["--no-build", "--all-systems", "path:."]);
        let shown = flake.nix(which, "flake show", &["--all-systems", "--json", "path:."]);
        assert!(shown.contains("x86_64-darwin"), "{which}: {shown}");
        let text = flake.nix(which, "eval", &["--json", "--apply", DERIVATIONS, "path:.#."]);
        serde_json::from_str::<Value>(&text).unwrap()
    });
    assert_eq!(oldest, newest);
    assert_eq!(oldest["overlay"], serde_json::json!({ "pikaci": "package.nix" }));
    for system in SYSTEMS {
        let package = &oldest["packages"][system]["pikaci"];
        assert!(package.is_string(), "{oldest:#}");
        assert_eq!(package, &oldest["packages"][system]["default"]);
        assert!(
            oldest["apps"][system]["default"].as_str().unwrap().ends_with("-pikaci-0.1.0/bin/pikaci"),
            "{oldest:#}"
        );
        for output in ["devShells", "formatter"] {
            assert!(!oldest[output][system].is_null(), "{system} has no {output}");
        }
        for check in ["clippy", "docs", "modules", "nix-format", "package", "rust-format", "shellcheck", "tests"] {
            assert!(oldest["checks"][system][check].is_string(), "{system} has no check {check}: {oldest:#}");
        }
        assert_eq!(oldest["checks"][system]["vm"].is_string(), system.ends_with("-linux"), "{oldest:#}");
    }
}

/// Of each system, the checks that nobody else has: the others are what nixpkgs makes of a package.
const OF_NIXPKGS: &str = "builtins.mapAttrs (_: checks: [ checks.modules.drvPath checks.vm.drvPath or null ])";

#[test]
fn modules_and_the_machine_evaluate_on_the_real_nixpkgs() {
    let Ok(nixpkgs) = std::env::var("PIKACI_TEST_NIXPKGS") else { return };
    let real = ["--override-input", "nixpkgs", &fixture::reference(&nixpkgs)];
    let args = [&real[..], &["--json", "--apply", OF_NIXPKGS, "path:.#checks"]].concat();
    println!("{}", Flake::new().nix("oldest", "eval", &args));
}

#[test]
fn a_nixpkgs_with_an_older_rust_is_refused_with_what_to_do() {
    let flake = Flake::new();
    flake.edit("Cargo.toml", "rust-version = \"1.88\"", "rust-version = \"9.1\"");
    let refused = ran(&mut flake.command("oldest", "eval", &["path:.#pikaci.drvPath"])).exits(1).stderr;
    assert!(
        refused.contains("pikaci is written in Rust 9.1, and this nixpkgs has 1.88.0: take a newer one"),
        "{refused}"
    );
}

#[test]
fn its_checks_pass() {
    let flake = Flake::new();
    for which in NIXES {
        flake.nix(which, "flake check", &["path:."]);
    }
}

#[test]
fn its_checks_find_what_is_wrong() {
    let flake = Flake::new();
    flake.edit("nix/modules/options.nix", "\"--keep-runs\"", "\"--keep-ruins\"");
    flake.edit("nix/template/pikaci.nix", "command = \"hello\"", "command = \"hello; exit 3\"");
    fs::write(flake.path("nix/overlay.nix"), "final: _: {pikaci=final.callPackage ./package.nix {};}\n").unwrap();
    fs::write(flake.path(".ci/run"), "#!/bin/sh\necho $1\n").unwrap();
    for (check, said) in [
        ("modules", "unexpected argument '--keep-ruins'"),
        ("nix-format", "nix/overlay.nix"),
        ("shellcheck", "SC2086"),
        ("vm", "the command ended with exit code 3"),
    ] {
        let build = ["--no-link", "-L", &format!("path:.#checks.x86_64-linux.{check}")];
        let failed = ran(&mut flake.command("oldest", "build", &build)).exits(1);
        assert!(failed.stderr.contains(said), "{check}: {}", failed.stderr);
    }
}

#[test]
fn the_package_runs_and_brings_a_manual_and_completions() {
    let flake = Flake::new();
    for which in NIXES {
        assert_eq!(flake.nix(which, "run", &["path:.#pikaci", "--", "--version"]), "pikaci 0.1.0\n");
    }
    let share = flake.build("default").join("share");
    for (file, said) in [
        ("bash-completion/completions/pikaci.bash", "complete -F _pikaci"),
        ("fish/vendor_completions.d/pikaci.fish", "complete -c pikaci"),
        ("zsh/site-functions/_pikaci", "#compdef pikaci"),
    ] {
        assert!(fs::read_to_string(share.join(file)).unwrap().contains(said), "{file}");
    }
    let manual = ran(Command::new("gzip").arg("-dc").arg(share.join("man/man1/pikaci.1.gz"))).exits(0).stdout;
    assert!(manual.contains(".TH pikaci 1"), "{manual}");
}

#[test]
fn the_package_runs_a_job_with_nothing_but_nix_on_the_path() {
    let package = Flake::new().build("pikaci");
    let jobs = r#"{ guests.here.base = "none"; jobs.where.command = "uname";
                    jobs.local = { command = "echo \"$PATH\""; guest = "here"; network = true; }; }"#;
    let project = Project::new(jobs).committed();
    let mut run = Command::new(package.join("bin/pikaci"));
    run.arg("run").current_dir(project.path("")).env_clear().env("HOME", project.path("")).stdin(Stdio::null());
    let path = nix("oldest").parent().unwrap().to_owned();
    run.env("PIKACI_ALLOW_UNISOLATED", "true")
        .env("PATH", &path)
        .env("NIX_CONFIG", NIX_CONFIG)
        .env("PIKACI_ACCEL", "tcg");
    ran(&mut run).exits(0);
    assert_eq!(project.job("where").status.outcome(), Some(Outcome::Passed));
    assert!(project.record().info.git_head.is_some(), "there is a git");
    assert_eq!(project.output("local").trim(), path.to_str().unwrap(), "and a job without a machine has its own");
    // Nothing of what tests kill it by is in it.
    let knows = |program: &Path| fs::read(program).unwrap().windows(16).any(|text| text == b"PIKACI_TEST_KILL");
    assert_eq!(knows(Path::new(env!("CARGO_BIN_EXE_pikaci"))), cfg!(feature = "failpoints"));
    for program in fs::read_dir(package.join("bin")).unwrap().map(|entry| entry.unwrap().path()) {
        assert!(!knows(&program), "{}", program.display());
    }
}

#[test]
fn the_formatter_takes_files_and_works_in_any_folder() {
    let flake = Flake::new();
    let formatter = flake.build("formatter.x86_64-linux").join("bin/pikaci-format");
    fs::write(flake.path("nix/overlay.nix"), "final: _: {pikaci=final.callPackage ./package.nix {};}\n").unwrap();
    let check = |folder: &str, files: &[&str]| {
        ran(Command::new(&formatter).arg("--check").args(files).current_dir(flake.path(folder)))
    };
    check("nix", &["package.nix", "guest"]).exits(0);
    for (folder, files) in [("nix/guest", &[][..]), (".", &["nix"]), ("nix", &["overlay.nix"])] {
        let found = check(folder, files);
        assert!(found.code != Some(0) && found.stderr.contains("overlay.nix"), "{folder}: {}", found.stderr);
    }
    ran(Command::new(&formatter).current_dir(flake.path("nix/modules"))).exits(0);
    check(".", &[]).exits(0);
}

#[test]
fn flake_nix_is_short_and_takes_nothing_but_the_pinned_nixpkgs() {
    let lines = fs::read_to_string(Path::new(ROOT).join("flake.nix")).unwrap().lines().count();
    assert!(lines <= MAX_LINES, "flake.nix has {lines} lines: what belongs in nix/?");
    let lock = json(&Path::new(ROOT).join("flake.lock"));
    assert_eq!(lock["nodes"]["root"]["inputs"], serde_json::json!({ "nixpkgs": "nixpkgs" }));
    let pinned = json(&Path::new(ROOT).join("src/flake/pinned.lock.json"));
    assert_eq!(lock["nodes"]["nixpkgs"], pinned["nodes"]["nixpkgs"], "guests and pikaci itself, of one nixpkgs");
}

//! The outputs of the flake of this repository, on a nixpkgs of Debian packages that compiles Rust.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::project::ran;
use crate::support::repository::{self, Flake, NIXES};
use crate::support::tools::tool_command;

const SYSTEMS: [&str; 4] = ["aarch64-darwin", "aarch64-linux", "x86_64-darwin", "x86_64-linux"];
/// Reads the derivation of each output, and the file that the overlay calls.
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
    let [oldest, newest] = NIXES.map(|version| {
        flake.nix(version, "flake check", &["--no-build", "--all-systems", "path:."]);
        let shown = flake.nix(version, "flake show", &["--all-systems", "--json", "path:."]);
        assert!(shown.contains("x86_64-darwin"), "{version}: {shown}");
        let text = flake.nix(version, "eval", &["--json", "--apply", DERIVATIONS, "path:.#."]);
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

#[test]
fn the_template_evaluates_unedited_once_its_lock_has_a_pikaci() {
    let (flake, folder) = (Flake::new(), TempDir::with_prefix("pikaci-test-").unwrap());
    for version in NIXES {
        let project = folder.path().join(version);
        let new = ["flake", "new", "--template", &flake.reference()];
        ran(repository::command(version, &new).arg(&project)).exits(0);
        let comment = fs::read_to_string(project.join("flake.nix")).unwrap();
        assert!(comment.contains("nix flake lock --override-input pikaci /path/to/pikaci"), "{comment}");
        let nix = |words: &[&str]| ran(repository::command(version, words).current_dir(&project)).exits(0).stdout;
        // The real nixpkgs is out of reach here.
        let inputs = ["--override-input", "nixpkgs", &repository::nixpkgs()];
        nix(&[&["flake", "lock", "--override-input", "pikaci", &flake.reference()][..], &inputs].concat());
        nix(&["flake", "check", "--no-build", "path:."]);
        let name = nix(&["eval", "--raw", "path:.#checks.x86_64-linux.greet.name"]);
        assert_eq!(name, "pikaci-greet", "{version}");
    }
}

#[test]
fn outputs_have_the_names_that_users_of_nix_expect_and_functions_have_documentation() {
    let names = "flake: builtins.mapAttrs (_: builtins.attrNames) {
        inherit (flake) darwinModules flakeModules hydraJobs lib nixosModules overlays templates;
    }";
    let flake = Flake::new();
    let names: Value =
        serde_json::from_str(&flake.nix("oldest", "eval", &["--json", "--apply", names, "path:.#."])).unwrap();
    for output in ["darwinModules", "flakeModules", "nixosModules", "overlays"] {
        assert_eq!(names[output], serde_json::json!(["default", "pikaci"]), "{output}");
    }
    assert_eq!(names["hydraJobs"], serde_json::json!(["aarch64-linux", "x86_64-linux"]));
    assert_eq!(names["templates"], serde_json::json!(["default"]));
    assert_eq!(names["lib"], serde_json::json!(["evalJobs", "mkChecks"]));
    // The form that nixdoc reads.
    for file in ["nix/eval-jobs.nix", "nix/mk-checks.nix"] {
        let text = fs::read_to_string(flake.path(file)).unwrap();
        let comment = text.strip_prefix("/**\n").and_then(|text| text.split_once("\n*/\n")).unwrap().0;
        assert!(comment.contains("\n  # Example\n") && comment.contains("\n  # Type\n"), "{file}: {comment}");
    }
}

/// Selects the checks of each system that are specific to this repository; the others are derived from a package by
/// nixpkgs.
#[cfg(feature = "real-inputs")]
const OF_NIXPKGS: &str = "builtins.mapAttrs (_: checks: [ checks.modules.drvPath checks.vm.drvPath or null ])";

#[cfg(feature = "real-inputs")]
#[test]
fn modules_and_the_machine_evaluate_on_the_real_nixpkgs() {
    use crate::support::fixture::{NIXPKGS, real, reference};
    let real = ["--override-input", "nixpkgs", &reference(&real(NIXPKGS))];
    let args = [&real[..], &["--json", "--apply", OF_NIXPKGS, "path:.#checks"]].concat();
    println!("{}", Flake::new().nix("oldest", "eval", &args));
}

#[test]
fn a_nixpkgs_with_an_older_rust_is_refused_with_a_remedy() {
    let flake = Flake::new();
    flake.edit("Cargo.toml", "rust-version = \"1.95\"", "rust-version = \"9.1\"");
    let refused = ran(&mut flake.command("oldest", "eval", &["path:.#pikaci.drvPath"])).exits(1).stderr;
    assert!(
        refused.contains("pikaci is written in Rust 9.1, and this nixpkgs has 1.95.0: use a newer nixpkgs"),
        "{refused}"
    );
}

#[test]
fn the_package_runs_and_has_a_manual_and_completions() {
    let flake = Flake::new();
    for version in NIXES {
        assert_eq!(flake.nix(version, "run", &["path:.#pikaci", "--", "--version"]), "pikaci 0.1.0\n");
    }
    let share = flake.build("default").join("share");
    for (file, content) in [
        ("bash-completion/completions/pikaci.bash", "-F _clap_complete_pikaci pikaci"),
        ("fish/vendor_completions.d/pikaci.fish", "--command pikaci"),
        ("zsh/site-functions/_pikaci", "#compdef pikaci"),
    ] {
        assert!(fs::read_to_string(share.join(file)).unwrap().contains(content), "{file}");
    }
    let help = flake.nix("oldest", "run", &["path:.#pikaci", "--", "--help"]);
    let commands = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = commands.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let pages: Vec<String> = names.map(|name| format!("pikaci-{name}")).chain(["pikaci".to_owned()]).collect();
    assert!(pages.len() > 10, "{help}");
    for page in pages {
        let file = share.join(format!("man/man1/{page}.1.gz"));
        let manual = ran(tool_command("gzip").arg("-dc").arg(file)).exits(0).stdout;
        assert!(manual.contains(&format!(".TH {page} 1")), "{manual}");
    }
}

#[test]
fn the_formatter_accepts_files_and_works_in_any_folder() {
    let flake = Flake::new();
    let formatter = flake.build("formatter.x86_64-linux").join("bin/pikaci-format");
    fs::write(flake.path("nix/overlay.nix"), "final: _: {pikaci=final.callPackage ./package.nix {};}\n").unwrap();
    let check = |folder: &str, files: &[&str]| {
        ran(Command::new(&formatter).arg("--check").args(files).current_dir(flake.path(folder)))
    };
    check("nix", &["package.nix", "guest"]).exits(0);
    for (folder, files) in [("nix/guest", &[][..]), (".", &["nix"]), ("nix", &["overlay.nix"])] {
        let ended = check(folder, files);
        assert!(ended.code != Some(0) && ended.stderr.contains("overlay.nix"), "{folder}: {}", ended.stderr);
    }
    ran(Command::new(&formatter).current_dir(flake.path("nix/modules"))).exits(0);
    check(".", &[]).exits(0);
}

#[test]
fn the_formatter_leaves_data_that_is_wrong_on_purpose_and_takes_options_with_a_number() {
    let flake = Flake::new();
    let formatter = flake.build("formatter.x86_64-linux").join("bin/pikaci-format");
    let format = |folder: &str, args: &[&str]| ran(Command::new(&formatter).args(args).current_dir(flake.path(folder)));
    for (folder, path) in [(".", "."), ("tests", "fixtures"), ("tests/fixtures/config/errors", "."), ("nix", "..")] {
        format(folder, &["--check", path]).exits(0);
    }
    let overlay = || fs::read_to_string(flake.path("nix/overlay.nix")).unwrap();
    let before = overlay();
    for (width, is_same) in [("100", true), ("20", false)] {
        format("nix", &["--width", width, "overlay.nix"]).exits(0);
        assert_eq!(overlay() == before, is_same, "{width}: {}", overlay());
    }
    let refused = format("nix", &["--width"]).exits(1).stderr;
    assert_eq!(refused, "nix fmt: --width needs a number, for example: --width 100\n");
    assert!(format("nix", &["no-such-file.nix"]).code != Some(0));
}

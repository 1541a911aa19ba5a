//! The snippets of README.md, each tried in the order of the text.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::fixture;
use crate::support::modules::of_fixture;
use crate::support::project::{Project, Ran, ran};
use crate::support::repository::{self, Flake};
use crate::support::stand_in::StandIns;
use crate::support::tools::nix;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const PIKACI: &str = env!("CARGO_BIN_EXE_pikaci");

/// The folder in which a command is typed.
#[derive(Clone, Copy)]
enum At {
    /// In this repository.
    Here,
    /// In the project with the flake of the README.
    Project,
    /// In an empty folder.
    Empty,
}

/// The lines that call Nix, each with a part of its output.
const COMMANDS: [(&str, At, &str); 13] = [
    ("nix run /path/to/pikaci -- run", At::Project, "passed     test"),
    ("nix run . -- --help", At::Here, "Usage: pikaci"),
    ("nix profile install .", At::Here, ""),
    ("nix develop", At::Here, "-shellcheck/bin/shellcheck"),
    ("nix flake check && nix fmt", At::Here, ""),
    ("nix flake init --template /path/to/pikaci", At::Empty, ""),
    ("nix flake check", At::Project, ""),
    ("nix build -L .#checks.x86_64-linux.test", At::Project, ""),
    // Everything is built already.
    ("nix flake check --builders 'ssh-ng://ci@builder x86_64-linux - 4 1 kvm'", At::Project, ""),
    ("nix key generate-secret --key-name cache-1 >/etc/nix/cache-key", At::Project, ""),
    ("nix copy --to 'file:///srv/cache?secret-key=/etc/nix/cache-key' .pikaci/runners/*/*", At::Project, ""),
    ("nix copy --to 'file:///srv/cache?secret-key=/etc/nix/cache-key' .#checks.x86_64-linux.test", At::Project, ""),
    ("nix key convert-secret-to-public </etc/nix/cache-key", At::Project, "cache-1:"),
];
/// Files that commands leave in the common folder.
const LEFT: [&str; 5] = [
    "home/profile/bin/pikaci",
    "empty/pikaci.nix",
    "project/result/artifacts/out",
    "project/result/status.json",
    "cache/nix-cache-info",
];
/// The job file of the project.
const JOBS: &str = r#"{
  guests.default.base = "nix";
  jobs.test = { command = "echo tested >out"; artifacts = [ "out" ]; };
}"#;
/// A `nix` that gets the available inputs, changes no profile, and opens no shell that waits for input.
const NIX: &str = r#"
export PATH="${REAL%/*}:$PATH"
case "$1 ${2-}" in
  copy*|key*|"flake init") exec "$REAL" "$@" ;;
  develop*) set -- "$@" --command which shellcheck ;;
  profile*) command=profile; shift; set -- "$@" --profile "$HOME/profile" ;;
esac
words=${command-}
case $1 in
  flake) words="flake $2"; shift 2 ;;
  *) words="$words $1"; shift ;;
esac
exec nice -n 19 "$REAL" $words --no-write-lock-file \
  --override-input nixpkgs "$NIXPKGS" --override-input pikaci "$PIKACI" "$@"
"#;

/// A part of the README between two fences.
#[derive(Debug)]
struct Snippet {
    language: String,
    text: String,
}

fn snippets(text: &str) -> Vec<Snippet> {
    let parts: Vec<&str> = text.split("```").collect();
    assert!(parts.len() % 2 == 1, "a fence has no end");
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .map(|part| {
            let (language, text) = part.split_once('\n').unwrap();
            Snippet { language: language.to_owned(), text: text.to_owned() }
        })
        .collect()
}

/// Returns the commands of a shell snippet, without its comments.
fn lines(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split_once("  #").map_or(line, |(command, _)| command).trim());
    lines.filter(|line| !line.is_empty()).collect()
}

/// The folders where commands are typed, and a clone of this repository.
struct Scene {
    flake: Flake,
    folder: TempDir,
    programs: StandIns,
}

impl Scene {
    /// Creates the project of this flake.
    fn new(flake_nix: &str) -> Self {
        let (flake, folder) = (Flake::new(), TempDir::with_prefix("pikaci-test-").unwrap());
        let scene = Self { flake, folder, programs: StandIns::new().script("nix", NIX) };
        for name in ["empty", "home", "project"] {
            fs::create_dir(scene.path(name)).unwrap();
        }
        fs::write(scene.path("project/flake.nix"), scene.placed(flake_nix)).unwrap();
        fs::write(scene.path("project/pikaci.nix"), JOBS).unwrap();
        // The job sees this file, so that its check is never in the store already.
        fs::write(scene.path("project/folder"), scene.path("").to_str().unwrap()).unwrap();
        // Files that commands create are no part of the project.
        for args in [["init", "--quiet"], ["add", "--all"]] {
            ran(Command::new("git").args(args).current_dir(scene.path("project"))).exits(0);
        }
        let inputs = ["--override-input", "nixpkgs", &repository::nixpkgs()];
        let mut lock = repository::command("oldest", &[&["flake", "lock"], &inputs[..]].concat());
        ran(lock.current_dir(scene.path("project"))).exits(0);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces the folders of the text by those of this scene.
    fn placed(&self, text: &str) -> String {
        let own = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let text = text.replace("/path/to/pikaci", self.flake.path("").to_str().unwrap().trim_end_matches('/'));
        text.replace("/srv/cache", &own("cache")).replace("/etc/nix/cache-key", &own("cache-key"))
    }

    /// Types a line.
    fn type_in(&self, line: &str, at: At) -> Ran {
        let folder = match at {
            At::Here => self.flake.path(""),
            At::Project => self.path("project"),
            At::Empty => self.path("empty"),
        };
        let mut command = Command::new("sh");
        command.args(["-euc", &self.placed(line)]).current_dir(folder).stdin(Stdio::null());
        command.env("NIX_CONFIG", repository::config()).env("HOME", self.path("home")).env("PIKACI_ACCEL", "tcg");
        command.env("REAL", nix("oldest")).env("NIXPKGS", repository::nixpkgs()).env("PIKACI", self.flake.reference());
        // The fixture nixpkgs lies on this machine.
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("PIKACI_ALLOW_LOCAL_INPUTS", "true");
        let began = Instant::now();
        let all = ran(&mut self.programs.before(command));
        println!("{:.1} s: {line}", began.elapsed().as_secs_f64());
        all
    }

    /// Tries each line, and returns the lines that call Nix.
    #[track_caller]
    fn try_commands(&self, text: &str) -> Vec<&'static str> {
        let mut tried = Vec::new();
        for line in lines(text) {
            match line.split(' ').next().unwrap() {
                "nix" => {
                    let entry = COMMANDS.iter().find(|(command, ..)| *command == line);
                    let (command, at, output) =
                        entry.unwrap_or_else(|| panic!("the test has no way to try this line: {line}"));
                    let all = self.type_in(line, *at).exits(0);
                    assert!(format!("{}{}", all.stdout, all.stderr).contains(output), "{line}: {all:?}");
                    tried.push(*command);
                }
                // All arguments are parsed before any help is printed.
                "pikaci" => {
                    self.type_in(&format!("{} --help", line.replacen("pikaci", PIKACI, 1)), At::Empty).exits(0);
                }
                "make" => {
                    self.type_in(&line.replacen("make", "make --dry-run", 1), At::Here).exits(0);
                }
                "sed" => {
                    self.type_in(line, At::Here).exits(0);
                }
                _ => panic!("the test has no way to try this line: {line}"),
            }
        }
        tried
    }
}

/// Evaluates the configuration of a system.
#[track_caller]
fn try_module(text: &str) {
    let expression = format!(
        r"let
          inputs = {{
            nixpkgs = fixture;
            pikaci = (import ROOT/flake.nix).outputs {{ inherit (inputs) nixpkgs; self = inputs.pikaci; }};
          }};
          evaluated = plain [ ({text}) ];
        in {{
          inherit (evaluated) refused;
          inherit (evaluated.config) environment launchd nix services system systemd;
        }}"
    );
    let made = of_fixture("oldest", &["eval", "--json"], &expression.replace("ROOT", ROOT)).exits(0);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made["refused"], json!([]), "{text}");
}

/// Evaluates a part of a flake with jobs as checks; the stand-in for flake-parts is a system without any other module.
#[track_caller]
fn try_checks(text: &str) {
    let project = TempDir::with_prefix("pikaci-test-").unwrap();
    fs::write(project.path().join("pikaci.nix"), JOBS).unwrap();
    let expression = format!(
        r#"let
          inputs = {{
            nixpkgs = fixture;
            self.outPath = "{}";
            pikaci = (import ROOT/flake.nix).outputs {{ inherit (inputs) nixpkgs; self = inputs.pikaci; }};
          }};
          inherit (fixture) lib;
          part = ({text});
          module = import (builtins.head part.imports) {{
            inherit lib;
            inherit (inputs) self;
            flake-parts-lib.mkPerSystemOption = module: module;
          }};
          system = lib.evalModules {{
            modules = [ module.options.perSystem {{ options.checks = lib.mkOption {{ }}; }} part.perSystem ];
            specialArgs = {{ inherit pkgs; }};
          }};
        in
        builtins.mapAttrs (_: check: check.drvPath) (part.checks.x86_64-linux or system.config.checks)"#,
        project.path().display()
    );
    let made = of_fixture("oldest", &["eval", "--json"], &expression.replace("ROOT", ROOT)).exits(0);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert!(made["test"].is_string(), "{made}");
}

/// Runs the command of a git hook on an invalid job file.
#[track_caller]
fn try_hook(text: &str) {
    let project = Project::with_guests("{ jobs.a.comand = \"true\"; }");
    let hook =
        of_fixture("oldest", &["eval", "--json"], &format!("({text}).pre-commit.settings.hooks.pikaci")).exits(0);
    let hook: Value = serde_json::from_str(&hook.stdout).unwrap();
    let words: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
    assert_eq!(words[0], "pikaci");
    project.pikaci(&words[1..]).exits(2);
    let pattern = hook["files"].as_str().unwrap();
    ran(Command::new("sh").args(["-c", "echo ci/pikaci.nix | grep -qE \"$0\"", pattern])).exits(0);
}

/// Reads a job file; the files that it names exist.
#[track_caller]
fn try_job_file(text: &str) {
    let project = fixture::project(text).file("nix/postgres.nix", "{ }");
    let project = project.file("src/a.c", "").file("include/a.h", "").file("Makefile", "");
    let project = project.file(".env.test", "").file("vendor/a.c", "").file("docs/big/a.png", "");
    project.pikaci(&["check"]).exits(0);
}

#[test]
fn every_snippet_of_the_readme_works() {
    let text = fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let all = snippets(&text);
    let is_flake = |snippet: &&Snippet| snippet.language == "nix" && snippet.text.contains("outputs =");
    let flakes: Vec<&Snippet> = all.iter().filter(is_flake).collect();
    let [flake] = flakes[..] else { panic!("a project has one flake.nix: {flakes:?}") };
    let scene = Scene::new(&flake.text);
    let mut tried = Vec::new();
    for Snippet { language, text } in &all {
        let names = |word: &str| text.contains(word);
        match language.as_str() {
            "sh" => tried.extend(scene.try_commands(text)),
            // The commands are typed in the project of this flake.
            "nix" if names("outputs =") => {}
            "nix" if ["flakeModules", "evalJobs"].into_iter().any(names) => try_checks(text),
            "nix" if names("hooks.pikaci") => try_hook(text),
            "nix" if ["nixosModules", "darwinModules", "nix.settings"].into_iter().any(names) => try_module(text),
            "nix" => try_job_file(text),
            // Output of programs, and drawings.
            "" => assert!(!text.lines().any(|line| line.trim_start().starts_with("nix ")), "{text}"),
            _ => panic!("the test has no way to try this snippet: {language}\n{text}"),
        }
    }
    assert_eq!(tried, COMMANDS.map(|(command, ..)| command), "the README has other commands");
    for left in LEFT {
        assert!(scene.path(left).exists(), "{left} is missing");
    }
}

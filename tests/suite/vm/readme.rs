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

/// Where a command is typed.
#[derive(Clone, Copy)]
enum At {
    /// In this repository.
    Here,
    /// In the project that the README's flake is of.
    Project,
    /// In a folder without anything.
    Empty,
}

/// The lines that call Nix, and what each prints, among other things.
const COMMANDS: [(&str, At, &str); 13] = [
    ("nix run /path/to/pikaci -- run", At::Project, "passed     test"),
    ("nix run . -- --help", At::Here, "Usage: pikaci"),
    ("nix profile install .", At::Here, ""),
    ("nix develop", At::Here, "-shellcheck/bin/shellcheck"),
    ("nix flake check && nix fmt", At::Here, ""),
    ("nix flake init --template /path/to/pikaci", At::Empty, ""),
    ("nix flake check", At::Project, ""),
    ("nix build -L .#checks.x86_64-linux.test", At::Project, ""),
    // Nothing is left to be built.
    ("nix flake check --builders 'ssh-ng://ci@builder x86_64-linux - 4 1 kvm'", At::Project, ""),
    ("nix key generate-secret --key-name cache-1 >/etc/nix/cache-key", At::Project, ""),
    ("nix copy --to 'file:///srv/cache?secret-key=/etc/nix/cache-key' .pikaci/runners/*/*", At::Project, ""),
    ("nix copy --to 'file:///srv/cache?secret-key=/etc/nix/cache-key' .#checks.x86_64-linux.test", At::Project, ""),
    ("nix key convert-secret-to-public </etc/nix/cache-key", At::Project, "cache-1:"),
];
/// What commands leave in the folder of everything.
const LEFT: [&str; 5] = [
    "home/profile/bin/pikaci",
    "empty/pikaci.nix",
    "project/result/artifacts/out",
    "project/result/status.json",
    "cache/nix-cache-info",
];
/// What the project's job file says.
const JOBS: &str = r#"{
  guests.default.base = "nix";
  jobs.test = { command = "echo tested >out"; artifacts = [ "out" ]; };
}"#;
/// A `nix` that is told which inputs are at hand, changes nobody's profile, and opens no shell that waits for somebody.
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
    assert!(parts.len() % 2 == 1, "a fence has no other");
    let fenced = parts.iter().skip(1).step_by(2);
    fenced
        .map(|part| {
            let (language, text) = part.split_once('\n').unwrap();
            Snippet { language: language.to_owned(), text: text.to_owned() }
        })
        .collect()
}

/// Returns the commands of a shell snippet, without what is said of them.
fn lines(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split_once("  #").map_or(line, |(command, _)| command).trim());
    lines.filter(|line| !line.is_empty()).collect()
}

/// The folders where commands are typed, and this repository as others find it.
struct Scene {
    flake: Flake,
    folder: TempDir,
    programs: StandIns,
}

impl Scene {
    /// Makes the project of this flake.
    fn new(flake_nix: &str) -> Self {
        let (flake, folder) = (Flake::new(), TempDir::with_prefix("pikaci-test-").unwrap());
        let scene = Self { flake, folder, programs: StandIns::new().script("nix", NIX) };
        for name in ["empty", "home", "project"] {
            fs::create_dir(scene.path(name)).unwrap();
        }
        fs::write(scene.path("project/flake.nix"), scene.placed(flake_nix)).unwrap();
        fs::write(scene.path("project/pikaci.nix"), JOBS).unwrap();
        // So that the job, of which this is a file, never ran before.
        fs::write(scene.path("project/folder"), scene.path("").to_str().unwrap()).unwrap();
        // What commands leave there is no part of it.
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

    /// Puts folders of this scene where the text names others.
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
        // What stands in for nixpkgs lies on this machine.
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("PIKACI_ALLOW_LOCAL_INPUTS", "true");
        let began = Instant::now();
        let all = ran(&mut self.programs.before(command));
        println!("{:.1} s: {line}", began.elapsed().as_secs_f64());
        all
    }

    /// Tries each line, and returns those that are of Nix.
    #[track_caller]
    fn try_commands(&self, text: &str) -> Vec<&'static str> {
        let mut tried = Vec::new();
        for line in lines(text) {
            match line.split(' ').next().unwrap() {
                "nix" => {
                    let known = COMMANDS.iter().find(|(command, ..)| *command == line);
                    let (command, at, said) = known.unwrap_or_else(|| panic!("nobody knows how to try this: {line}"));
                    let all = self.type_in(line, *at).exits(0);
                    assert!(format!("{}{}", all.stdout, all.stderr).contains(said), "{line}: {all:?}");
                    tried.push(*command);
                }
                // The words are read to their end before any help is given.
                "pikaci" => {
                    self.type_in(&format!("{} --help", line.replacen("pikaci", PIKACI, 1)), At::Empty).exits(0);
                }
                "make" => {
                    self.type_in(&line.replacen("make", "make --dry-run", 1), At::Here).exits(0);
                }
                "sed" => {
                    self.type_in(line, At::Here).exits(0);
                }
                _ => panic!("nobody knows how to try this: {line}"),
            }
        }
        tried
    }
}

/// Evaluates a configuration of a system.
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

/// Evaluates a part of a flake that makes jobs checks; the stand-in for flake-parts is a system without any other module.
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

/// Runs the command of a git hook on a job file that is wrong.
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

/// Reads a job file; what it names is there.
#[track_caller]
fn try_job_file(text: &str) {
    let project = fixture::project(text).file("nix/postgres.nix", "{ }");
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
        let names = |what: &str| text.contains(what);
        match language.as_str() {
            "sh" => tried.extend(scene.try_commands(text)),
            // The commands are typed where it is.
            "nix" if names("outputs =") => {}
            "nix" if ["flakeModules", "evalJobs"].into_iter().any(names) => try_checks(text),
            "nix" if names("hooks.pikaci") => try_hook(text),
            "nix" if ["nixosModules", "darwinModules", "nix.settings"].into_iter().any(names) => try_module(text),
            "nix" => try_job_file(text),
            // What programs print, and drawings.
            "" => assert!(!text.lines().any(|line| line.trim_start().starts_with("nix ")), "{text}"),
            _ => panic!("nobody knows how to try this: {language}\n{text}"),
        }
    }
    assert_eq!(tried, COMMANDS.map(|(command, ..)| command), "the README has others");
    for left in LEFT {
        assert!(scene.path(left).exists(), "{left} is missing");
    }
}

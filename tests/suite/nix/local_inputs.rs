//! Inputs of a project's flake that lie on this machine: they are refused, and none of them reaches the store.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::fixture;
use crate::support::project::{Project, ran};
use crate::support::stand_in::{FAILING_NIX, StandIns};

const JOBS: &str = r#"{ guests.default = { base = "nix"; devShell = "default"; }; jobs.a = { command = "true"; }; }"#;

const NAR_HASH: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A file outside of the project that nobody else may read, and the paths of the store at the start.
pub struct Canary {
    folder: tempfile::TempDir,
    text: String,
    before: BTreeSet<PathBuf>,
}

impl Canary {
    pub fn new() -> Self {
        let folder = tempfile::TempDir::with_prefix("pikaci-canary-").unwrap();
        let text = format!("canary of {}", folder.path().display());
        fs::write(folder.path().join("file"), &text).unwrap();
        ran(Command::new("tar").args(["-cf", "file.tar", "file"]).current_dir(folder.path())).exits(0);
        Self { folder, text, before: store_paths() }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Asserts that no new path of the store contains the file.
    #[track_caller]
    pub fn assert_uncopied(&self) {
        let copies: Vec<PathBuf> = store_paths().into_iter().filter(|path| !self.before.contains(path)).collect();
        let copies = copies.iter().filter(|path| holds(path, self.text.as_bytes()));
        assert_eq!(copies.collect::<Vec<_>>(), [] as [&PathBuf; 0]);
    }
}

fn store_paths() -> BTreeSet<PathBuf> {
    fs::read_dir("/nix/store").unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn holds(path: &Path, text: &[u8]) -> bool {
    // Other builds may run; a path that was removed meanwhile doesn't count.
    let Ok(metadata) = fs::symlink_metadata(path) else { return false };
    if metadata.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        return entries.into_iter().any(|entry| holds(&entry.path(), text));
    }
    metadata.is_file() && fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text))
}

/// Creates a project whose dev shell uses this input of flake.lock.
fn project(locked: &Value) -> Project {
    let elsewhere = json!({ "type": "tarball", "url": "https://example.invalid/nixpkgs.tar.gz", "narHash": NAR_HASH });
    let nodes = json!({
        "root": { "inputs": { "nixpkgs": "nixpkgs", "extra": "secret" } },
        "nixpkgs": { "locked": elsewhere },
        "secret": { "locked": locked, "flake": false },
    });
    let lock = json!({ "nodes": nodes, "root": "root", "version": 7 });
    Project::with_nix(JOBS).file("flake.nix", "{ outputs = _: { }; }\n").file("flake.lock", &lock.to_string())
}

#[test]
fn an_input_on_this_machine_is_refused_with_its_node_and_the_remedy() {
    let canary = Canary::new();
    let (folder, file) = (canary.path(""), canary.path("file"));
    let tar = format!("file://{}", canary.path("file.tar"));
    let url = format!("file://{file}");
    for (locked, reference) in [
        (json!({ "type": "path", "path": folder }), format!("path:{folder}")),
        (json!({ "type": "path", "path": file }), format!("path:{file}")),
        (json!({ "type": "tarball", "url": tar, "narHash": NAR_HASH }), format!("tarball:{tar}")),
        (json!({ "type": "file", "url": url, "narHash": NAR_HASH }), format!("file:{url}")),
        (json!({ "type": "git", "url": url, "rev": "0".repeat(40) }), format!("git:{url}")),
    ] {
        let project = project(&locked);
        for command in ["plan", "run"] {
            let refused = project.pikaci(&[command]).exits(2).stderr;
            let node = format!("flake.lock has an input on this machine: node \"secret\" is {reference}, ");
            assert!(refused.contains(&node), "{refused}");
            assert!(
                refused.ends_with(
                    "\nhint: change the input in flake.nix to an address on another machine, or if you trust the \
                project: --allow-local-inputs\n"
                ),
                "{refused}"
            );
        }
        project.pikaci(&["plan", "--allow-local-inputs"]).exits(0);
    }
    let relative = project(&json!({ "type": "path", "path": "./sub" })).pikaci(&["plan", "--allow-local-inputs"]);
    let refused = relative.exits(2).stderr;
    assert!(refused.contains("flake.lock: node \"secret\" is the folder \"./sub\""), "{refused}");
    canary.assert_uncopied();
}

/// Returns the log of the failed build of a dev shell that tries to read the canary in its own way.
#[track_caller]
fn failed(flake: &dyn Fn(&str) -> String) -> String {
    let project = fixture::project(JOBS);
    let text = fs::read_to_string(project.path("flake.nix")).unwrap();
    let project = project.file("flake.nix", &flake(&text));
    project.pikaci(&["run"]).exits(101);
    fs::read_to_string(project.state(&project.record().prepares[0].log_path.clone().unwrap())).unwrap()
}

#[test]
fn evaluations_and_builds_see_no_other_files_of_this_machine() {
    let canary = Canary::new();
    let file = canary.path("file");
    let sum = ran(Command::new("sha256sum").arg(&file)).exits(0).stdout;
    let sum = sum.split(' ').next().unwrap();
    let package = |package: &str| {
        let shell = format!("packages = [ ({package}) ]");
        failed(&|flake| flake.replace("packages = [ pkgs.gnumake ]", &shell))
    };
    // A hash makes a download pure: one during evaluation, and one in a build of Nix itself.
    let download = package(&format!(r#"builtins.fetchurl {{ url = "file://{file}"; sha256 = "{sum}"; }}"#));
    assert!(download.contains("unable to download 'file://") || download.contains("Couldn't open"), "{download}");
    let fixed = package(&format!(
        r#"derivation {{ name = "x"; system = "builtin"; builder = "builtin:fetchurl"; url = "file://{file}";
            outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "{sum}"; preferLocalBuild = true; }}"#
    ));
    assert!(fixed.contains("unable to download 'file://") || fixed.contains("Couldn't open"), "{fixed}");
    let read = package(&format!(r#"builtins.seq (builtins.readFile "{file}") pkgs.gnumake"#));
    assert!(read.contains("is forbidden in pure eval"), "{read}");
    // An input that the lock doesn't name is missing, and Nix doesn't search for it.
    let input = format!("inputs.extra = {{ url = \"path:{}\"; flake = false; }};\n  outputs", canary.path(""));
    let unlocked =
        |flake: &str| flake.replacen("outputs", &input, 1).replace("{ nixpkgs, ...", "{ nixpkgs, extra, ...");
    let unlocked = failed(&unlocked);
    assert!(
        unlocked.contains("flake.lock has no input \"extra\", which flake.nix takes: run nix flake lock"),
        "{unlocked}"
    );
    canary.assert_uncopied();
}

#[test]
fn a_rerun_that_builds_a_runner_needs_consent_again() {
    let project = fixture::project(r#"{ guests.default.base = "nix"; jobs.a = { command = "true"; }; }"#);
    let failing = StandIns::new().script("nix", FAILING_NIX);
    let run = |args: &[&str], consent: bool| {
        let mut command = failing.before(project.command(args));
        command.env("PIKACI_ALLOW_LOCAL_INPUTS", if consent { "true" } else { "false" });
        ran(&mut command)
    };
    assert!(run(&["run"], true).exits(101).stdout.contains("this nix builds nothing"));
    let refused = run(&["rerun"], false).exits(101).stdout;
    let node = format!("flake.lock has an input on this machine: node \"microvm\" is path:{}\n", fixture::MICROVM);
    assert!(refused.contains(&node) && refused.contains("--allow-local-inputs"), "{refused}");
    assert!(run(&["rerun", "--allow-local-inputs"], false).exits(101).stdout.contains("this nix builds nothing"));
}

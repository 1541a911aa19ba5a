//! Job files that pikaci can't read itself: Nix evaluates them, and reads nothing but the project's own files.

use std::fs;

use serde_json::Value;

use crate::support::project::{Project, json, ran};
use crate::support::stand_in::StandIns;

/// A job file with an import, in a project whose jobs need no guest.
fn importing() -> Project {
    let text = r#"let lib = import ./lib.nix; in {
        guests.default.base = "none";
        jobs = builtins.listToAttrs (map lib.job (builtins.fromJSON (builtins.readFile ./names.json)));
    }"#;
    let lib = r#"{ job = name: { inherit name; value = { command = "echo ${name}"; network = true; }; }; }"#;
    Project::with_nix(text).file("lib.nix", lib).file("names.json", r#"[ "a", "b" ]"#)
}

fn jobs(project: &Project) -> Vec<String> {
    let plan: Value = serde_json::from_str(&project.pikaci(&["plan", "--format=json"]).exits(0).stdout).unwrap();
    let nodes = plan["nodes"].as_array().unwrap().iter();
    nodes.filter_map(|node| node["execute"]["job"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_file_outside_of_the_subset_is_evaluated_by_nix() {
    let project = importing();
    let checked = project.pikaci(&["check"]).exits(0).stdout;
    let reason = "evaluated by Nix, because of line 1: a call of `import` is outside of the static part of Nix that pikaci reads";
    assert_eq!(checked, format!("pikaci.nix is valid: 2 jobs, 0 targets\n{reason}\n"));
    assert_eq!(jobs(&project), ["a", "b"]);
    assert!(!project.path(".pikaci").exists(), "check and plan write nothing");
}

#[test]
fn a_value_is_cached_until_a_file_of_the_project_changes() {
    let project = importing();
    project.pikaci(&["run"]).exits(0);
    let cache = project.state("job-file.json");
    let mut cached = json(&cache);
    cached["value"]["jobs"]["cached"] = cached["value"]["jobs"]["a"].clone();
    fs::write(&cache, cached.to_string()).unwrap();
    assert_eq!(jobs(&project), ["a", "b", "cached"]);
    let project = project.file("names.json", r#"[ "c" ]"#);
    assert_eq!(jobs(&project), ["c"]);
    for damage in ["", "{", "null", r#"{"schema_version":2}"#] {
        fs::write(&cache, damage).unwrap();
        assert_eq!(jobs(&project), ["c"], "{damage}");
    }
}

#[test]
fn a_changed_part_of_the_job_file_selects_every_job() {
    let jobs = r#"{ a = { command = "true"; network = true; paths = [ "src" ]; }; }"#;
    let text = r#"{ guests.default.base = "none"; jobs = import ./ci/jobs.nix; }"#;
    let project = Project::with_nix(text).file("ci/jobs.nix", jobs).file("src/a", "").file("other", "").committed();
    let explained = |project: &Project| project.pikaci(&["plan", "--explain"]).exits(0).stdout;
    let project = project.file("other", "changed");
    assert!(explained(&project).contains("no file of its paths changed"), "{}", explained(&project));
    let project = project.file("ci/jobs.nix", &jobs.replace("true", "false"));
    assert!(explained(&project).contains("ci/jobs.nix changed, which may be a part of pikaci.nix"));
}

#[test]
fn a_hostile_file_reads_nothing_else_and_runs_nothing() {
    let outside = tempfile::tempdir().unwrap();
    let canary = outside.path().join("canary");
    fs::write(&canary, "CANARY").unwrap();
    let (canary, made) = (canary.display(), outside.path().join("made"));
    let build = format!(
        r#"derivation {{ name = "x"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo >{}" ]; }}"#,
        made.display()
    );
    let text = |expr: &str| {
        format!(r#"{{ guests.default.base = "none"; jobs.a = {{ command = "true"; description = {expr}; }}; }}"#)
    };
    for expr in [
        format!("builtins.readFile {canary}"),
        format!("builtins.readFile \"{canary}\""),
        format!("builtins.readFile /proc/self/root{canary}"),
        "builtins.readFile ./ignored".to_owned(),
        "builtins.readFile ./.git/config".to_owned(),
        "builtins.readFile ./link".to_owned(),
        "builtins.readFile /proc/1/environ".to_owned(),
        "throw (builtins.getEnv \"SECRET\")".to_owned(),
        format!("builtins.readFile (builtins.fetchurl \"file://{canary}\")"),
        format!("builtins.readFile (builtins.fetchTree {{ type = \"file\"; url = \"file://{canary}\"; }})"),
        "builtins.readFile (builtins.fetchurl \"http://127.0.0.1:1/\")".to_owned(),
        format!("import ({build})"),
        format!("\"${{{build}}}\""),
        "\"${./shown}\"".to_owned(),
        "let f = n: [ n ] ++ f (n + 1); in f 0".to_owned(),
        "let f = n: f (n + 1); in f 0".to_owned(),
        "builtins.substring 0 1 (toString (builtins.genList (n: n) 1000000000))".to_owned(),
    ] {
        let project = Project::with_nix(&text(&expr)).file(".gitignore", "ignored\n").file("shown", "x").committed();
        let project = project.file("ignored", "CANARY");
        project.git(&["config", "canary.is", "CANARY"]);
        std::os::unix::fs::symlink(outside.path().join("canary"), project.path("link")).unwrap();
        let refused = ran(project.command(&["check"]).env("SECRET", "CANARY"));
        assert_eq!(refused.code, Some(2), "{expr}\n{refused:?}");
        assert!(!refused.stderr.contains("CANARY") && !refused.stdout.contains("CANARY"), "{expr}\n{refused:?}");
        assert!(refused.stderr.contains("Nix can't evaluate pikaci.nix"), "{expr}\n{refused:?}");
    }
    assert!(!made.exists());
}

#[test]
fn errors_of_nix_and_of_the_value_are_shown() {
    let refused =
        |text: &str| Project::with_nix(text).file("lib.nix", "{ a = 1; }\n").pikaci(&["check"]).exits(2).stderr;
    let missing = refused("let lib = import ./lib.nix; in\n{ jobs = lib.b; }\n");
    assert!(missing.contains("attribute 'b' missing"), "{missing}");
    assert!(missing.contains("at pikaci.nix:2:10:") && missing.contains("hint: correct the file."), "{missing}");
    let value = refused("let lib = import ./lib.nix; in\n{ jobs.test = { command = \"x\"; retries = -lib.a; }; }\n");
    assert!(value.contains("`jobs.test.retries` can't be -1"), "{value}");
    assert!(value.contains("--> value of pikaci.nix:"), "{value}");
}

#[test]
fn a_file_is_evaluated_only_in_a_jail() {
    let project = importing();
    let broken = StandIns::new().script("bwrap", "echo no namespaces >&2; exit 1");
    let refused = ran(&mut broken.before(project.command(&["check"]))).exits(69).stderr;
    assert!(
        refused.contains("pikaci.nix needs Nix, because of line 1: ") && refused.contains("no namespaces"),
        "{refused}"
    );
}

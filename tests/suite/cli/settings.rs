//! The operator's settings: defaults of options that neither the command line nor the environment sets.

use std::process::Command;

use crate::support::project::{Project, Ran, ran};

const JOB_FILE: &str = r#"{ guests.default.base = "none"; jobs.one = { command = "true"; paths = [ "src/**" ]; }; }"#;

/// Returns a project on a machine with these settings.
fn set(settings: &str) -> Project {
    Project::new(JOB_FILE).file("settings.json", settings)
}

fn command(project: &Project, args: &[&str]) -> Command {
    let mut command = project.command(args);
    command.env("PIKACI_SETTINGS", project.path("settings.json")).env_remove("PIKACI_ACCEL");
    command
}

fn pikaci(project: &Project, args: &[&str]) -> Ran {
    ran(&mut command(project, args))
}

#[test]
fn a_setting_is_the_default_of_an_option() {
    let project = set(r#"{ "format": "json", "jobs": 2, "base": null, "keep-going": true, "fail-fast": false }"#);
    let json = pikaci(&project, &["list"]).exits(0).stdout;
    assert!(json.starts_with('{'), "{json}");
    let human = project.pikaci(&["list"]).exits(0).stdout;
    assert_eq!(
        pikaci(&project, &["list", "--format", "human"]).exits(0).stdout,
        human,
        "the command line overrides the settings"
    );
    let listed = ran(command(&project, &["list"]).env("PIKACI_FORMAT", "human")).exits(0);
    assert_eq!(listed.stdout, human, "the environment overrides the settings");
    let unsaid = ran(command(&project, &["list"]).env("PIKACI_FORMAT", "")).exits(0);
    assert_eq!(unsaid.stdout, json, "an empty variable counts as unset");
}

#[test]
fn settings_also_set_options_of_every_command() {
    let elsewhere = tempfile::tempdir().unwrap();
    let project = Project::new("not a job file");
    let settings = format!(r#"{{ "state-root": "{}" }}"#, elsewhere.path().display());
    let project = project.file("settings.json", &settings);
    std::fs::create_dir_all(elsewhere.path().join("runs/20260101-000000000-0000")).unwrap();
    let listed = |args: &[&str]| {
        let ran = pikaci(&project, args).exits(0);
        format!("{}{}", ran.stdout, ran.stderr).contains("20260101-000000000-0000")
    };
    assert!(listed(&["list"]));
    assert!(
        !listed(&["list", "--state-root", project.path("none").to_str().unwrap()]),
        "the command line overrides the settings"
    );
}

#[test]
fn a_setting_that_conflicts_with_an_option_is_ignored() {
    let project = set(r#"{ "base": "no-such-branch" }"#).committed();
    pikaci(&project, &["plan"]).exits(2);
    assert!(pikaci(&project, &["plan", "--all"]).exits(0).stdout.contains("one"));
    ran(command(&project, &["plan"]).env("PIKACI_ALL", "1")).exits(0);
    let project = set(r#"{ "all": true }"#).committed();
    let json = |args: &[&str]| serde_json::from_str(&pikaci(&project, args).exits(0).stdout).unwrap();
    let jobs = |args: &[&str]| {
        let plan: serde_json::Value = json(args);
        plan["nodes"].as_array().unwrap().len()
    };
    assert_ne!(jobs(&["plan", "--format", "json"]), 0);
    assert_eq!(jobs(&["plan", "--format", "json", "--base", "HEAD"]), 0);
}

#[test]
fn check_reports_mistakes_in_settings() {
    for (settings, problem, hint) in [
        ("{", "decoding ", "write a JSON object"),
        ("[ ]", "the settings aren't an object", "write { "),
        (r#"{ "hipervisor": "qemu" }"#, r#""hipervisor" isn't an option of pikaci"#, r#"did you mean "hypervisor"?"#),
        (
            r#"{ "qqqqq": 1 }"#,
            r#""qqqqq" isn't an option of pikaci"#,
            "the options that can be set are accel, affected, all, ",
        ),
        (r#"{ "out": "x" }"#, r#""out" isn't an option of pikaci"#, ""),
        (r#"{ "hypervisor": "qemv" }"#, r#""hypervisor" can't be "qemv""#, r#"did you mean "qemu"?"#),
        (r#"{ "accel": "whatever" }"#, r#""accel" can't be "whatever""#, "write one of auto, kvm, tcg"),
        (r#"{ "jobs": 0 }"#, r#""jobs" can't be "0": 0 is not in 1..="#, "write another value"),
        (r#"{ "jobs": [ 1 ] }"#, r#""jobs" is a list, and must be a string or a number"#, "write one, or "),
        (r#"{ "jobs": true }"#, r#""jobs" is a boolean, and must be a string or a number"#, "write one, or "),
        (
            r#"{ "keep-going": "yes" }"#,
            r#""keep-going" is a string, and must be true or false"#,
            "write \"keep-going\"",
        ),
        (r#"{ "all": true, "base": "main" }"#, "\"base\" and \"all\" can't both be set", "leave "),
        (r#"{ "base": "" }"#, "\"base\" can't be \"\"", "write another value"),
    ] {
        // There is no project, and the settings of the machine don't apply.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        std::fs::write(&file, settings).unwrap();
        let file = file.to_str().unwrap();
        let mut check = Command::new(env!("CARGO_BIN_EXE_pikaci"));
        check.args(["check", "--settings", file]).current_dir(folder.path()).env("PIKACI_SETTINGS", "/nonexistent");
        let wrong = ran(&mut check).exits(2).stderr;
        for text in [file, problem, &format!("\nhint: {hint}")] {
            assert!(wrong.contains(text), "{settings}: {text}: {wrong}");
        }
        let project = set(settings);
        let elsewhere = pikaci(&project, &["list"]).exits(2).stderr;
        let rest = |text: &str| text.split_once("settings.json").unwrap().1.to_owned();
        assert_eq!(rest(&elsewhere), rest(&wrong), "every command reports the same mistake");
        pikaci(&project, &["--help"]).exits(0);
    }
}

#[test]
fn check_counts_the_options_that_settings_set() {
    let project = set(r#"{ "hypervisor": "qemu", "jobs": 4, "accel": "tcg", "keep-going": true, "base": null }"#);
    let file = project.path("settings.json");
    let checked = project.pikaci(&["check", "--settings", file.to_str().unwrap()]).exits(0);
    assert_eq!(checked.stdout, format!("{} is valid: 4 options\n", file.display()));
}

#[test]
fn a_settings_file_that_the_variable_names_must_exist() {
    let project = Project::new(JOB_FILE);
    let missing = pikaci(&project, &["list"]).exits(2).stderr;
    assert!(missing.contains("reading ") && missing.contains("unset PIKACI_SETTINGS"), "{missing}");
}

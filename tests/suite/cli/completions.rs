//! Completions of shells, requested as their scripts do.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::checking::tree;
use crate::support::project::{Project, ran};

const JOBS: &str = r#"
  "it's odd" = { description = "Quotes & blanks"; steps = [ { name = "third step"; command = "true"; } ]; };
  test = { matrix = { cc = [ "gcc" "clang" ]; }; command = "true"; };
  steps = {
    services.data-base = { command = "sleep 1000"; };
    steps = [ { name = "first"; command = "true"; } { name = "second step"; command = "true"; } ];
  };
"#;

/// Returns the candidates for the last word of a command line.
#[track_caller]
fn complete(project: &Project, shell: &str, words: &[&str]) -> Vec<String> {
    let mut request = project.command(&[&["--", "pikaci"], words].concat());
    request.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", words.len().to_string()).env("_CLAP_IFS", "\n");
    // The programs that a completion must not start are in front of the others.
    let traps = TempDir::with_prefix("pikaci-test-").unwrap();
    for name in ["git", "nix", "sh"] {
        let script = format!("#!/bin/bash\necho {name} >{}/started\n", traps.path().display());
        fs::write(traps.path().join(name), script).unwrap();
        fs::set_permissions(traps.path().join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    request.env("PATH", format!("{}:/usr/bin:/bin", traps.path().display()));
    let before = tree(&project.path(""));
    let printed = ran(&mut request).exits(0);
    assert_eq!(printed.stderr, "");
    assert!(!traps.path().join("started").exists(), "a completion started a program");
    assert_eq!(tree(&project.path("")), before, "a completion wrote something");
    // An empty word may become an option too.
    printed.stdout.lines().filter(|line| !line.starts_with("--")).map(str::to_owned).collect()
}

fn project() -> Project {
    Project::without_guest(JOBS)
}

#[test]
fn jobs_are_completed_as_each_shell_expects_them() {
    let project = project();
    for command in ["run", "plan"] {
        assert_eq!(complete(&project, "bash", &[command, "it"]), [r"it\'s\ odd"]);
        assert_eq!(complete(&project, "bash", &[command, r"it\'s"]), [r"it\'s\ odd"]);
        assert_eq!(complete(&project, "bash", &[command, "tes"]), [r"test\[cc\=clang\]", r"test\[cc\=gcc\]"]);
        assert_eq!(complete(&project, "fish", &[command, "it"]), ["it's odd\tQuotes & blanks"]);
        assert_eq!(complete(&project, "zsh", &[command, "it"]), ["it's odd:Quotes & blanks"]);
        // The shells pass words as they are typed, except that fish removes the quotes of finished words.
        for (shell, expected) in [("fish", "it's odd\tQuotes & blanks"), ("zsh", "it's odd:Quotes & blanks")] {
            for begin in ["\"it's o", r"it\'s\ o"] {
                assert_eq!(complete(&project, shell, &[command, begin]), [expected], "{begin}");
            }
        }
        assert_eq!(complete(&project, "zsh", &[command, r"test\[cc\=g"]), ["test[cc=gcc]"]);
        assert_eq!(complete(&project, "zsh", &[command, r"it\'s\ odd", "step"]), ["steps"]);
        assert_eq!(complete(&project, "zsh", &[command, "other"]), [""; 0]);
    }
}

#[test]
fn targets_and_other_folders_are_completed() {
    let project = Project::new("{ }").file(
        "sub/pikaci.nix",
        r#"{ jobs.lint.command = "true"; targets."pre-merge" = { jobs = [ "lint" ]; description = "All"; }; }"#,
    );
    assert_eq!(complete(&project, "zsh", &["run", "pre"]), [""; 0]);
    assert_eq!(complete(&project, "zsh", &["-C", "sub", "run", "pre"]), ["pre-merge:All"]);
    assert_eq!(complete(&project, "zsh", &["run", "--directory=sub", "--jobs", "2", "li"]), ["lint"]);
}

#[test]
fn runs_with_their_jobs_steps_and_services_are_completed() {
    let project = project();
    project.pikaci(&["run"]).exits(0);
    let id = project.runs().pop().unwrap();
    for command in ["status", "logs", "artifacts", "rerun", "cancel"] {
        let runs = complete(&project, "zsh", &[command, ""]);
        assert_eq!(runs.iter().filter(|run| **run == "latest" || **run == id).count(), 2, "{command}: {runs:?}");
        assert_eq!(complete(&project, "zsh", &[command, "2"]), [id.as_str()]);
    }
    assert_eq!(complete(&project, "zsh", &["rerun", "latest", "it"]), ["it's odd:Quotes & blanks"]);
    let step = |shell: &str, job: &str| complete(&project, shell, &["logs", "--job", job, "--step", "t"]);
    assert_eq!(step("fish", "it's odd"), ["third step"]);
    assert_eq!(step("zsh", r"it\'s\ odd"), ["third step"]);
    assert_eq!(step("bash", "\"it's odd\""), [r"third\ step"]);
    for command in ["logs", "artifacts"] {
        assert_eq!(complete(&project, "fish", &[command, "--job", "it"]), ["it's odd\tQuotes & blanks"]);
        assert_eq!(complete(&project, "bash", &[command, &id[..4], "--job", "it"]), [r"it\'s\ odd"]);
        assert_eq!(complete(&project, "zsh", &[command, "none", "--job", "it"]), [""; 0]);
    }
    let part = |shell: &str, option: &str| complete(&project, shell, &["logs", "--job", "steps", option, ""]);
    assert_eq!(part("zsh", "--step"), ["first", "second step"]);
    assert_eq!(part("bash", "--step"), ["first", r"second\ step"]);
    assert_eq!(part("zsh", "--service"), ["data-base"]);
    assert_eq!(complete(&project, "zsh", &["logs", "--step", ""]), [""; 0], "a step belongs to a job");
    let state = project.path(".pikaci");
    let other = Project::new("{ }");
    let root = format!("--state-root={}", state.display());
    assert_eq!(complete(&other, "zsh", &[&root, "status", "2"]), [id.as_str()]);
}

#[test]
fn a_broken_job_file_completes_nothing() {
    let nothing = |project: &Project| assert_eq!(complete(project, "zsh", &["run", ""]), [""; 0]);
    nothing(&Project::new("{ jobs = "));
    nothing(&Project::new(&" ".repeat(2 << 20)));
    let project = Project::new("{ }");
    let file = project.path("pikaci.nix");
    fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    nothing(&project);
    fs::remove_file(&file).unwrap();
    symlink("/dev/zero", &file).unwrap();
    nothing(&project);
}

#[test]
fn a_foreign_state_folder_completes_nothing() {
    let project = project();
    project.pikaci(&["run"]).exits(0);
    let state = project.path(".pikaci");
    let nothing = || {
        for words in [&["status", ""][..], &["logs", "--job", ""], &["logs", "--job", "steps", "--step", ""]] {
            assert_eq!(complete(&project, "zsh", words), [""; 0], "{words:?}");
        }
    };
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    nothing();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(state.join("version"), "99\n").unwrap();
    nothing();
    fs::write(state.join("version"), "1\n").unwrap();
    assert!(!complete(&project, "zsh", &["logs", "--job", ""]).is_empty(), "the folder is the same as before");
    let outside = TempDir::with_prefix("pikaci-test-").unwrap();
    fs::rename(state.join("runs"), outside.path().join("runs")).unwrap();
    symlink(outside.path().join("runs"), state.join("runs")).unwrap();
    nothing();
}

/// The names come from records that somebody else may have written.
#[test]
fn a_name_with_hidden_characters_is_no_candidate() {
    let project = project();
    project.pikaci(&["run"]).exits(0);
    let jobs = || complete(&project, "zsh", &["logs", "--job", ""]);
    assert_eq!(jobs().len(), 4);
    let run = project.record();
    let path = &run.jobs.iter().find(|job| job.id.as_str() == "it's odd").unwrap().status_path;
    let record = project.path(".pikaci").join(path);
    let text = fs::read_to_string(&record).unwrap().replace("it's odd", r"it\u001b[2J\u202e");
    fs::write(&record, text).unwrap();
    assert_eq!(jobs().len(), 3, "{:?}", jobs());
}

#[test]
fn bash_completes_a_job_with_the_script() {
    let project = project();
    let script = project.pikaci(&["completions", "bash"]).exits(0).stdout;
    let request = "COMP_WORDS=(pikaci run it); COMP_CWORD=2; COMP_TYPE=9; _clap_complete_pikaci pikaci it run";
    let print = r#"printf '%s\n' "${COMPREPLY[@]}""#;
    let folder = Path::new(env!("CARGO_BIN_EXE_pikaci")).parent().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &format!("{script}\n{request}\n{print}")]).current_dir(project.path(""));
    bash.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    assert_eq!(ran(&mut bash).exits(0).stdout, "it\\'s\\ odd\n");
}

#[test]
fn each_shell_has_a_script_and_an_unknown_one_is_refused() {
    let project = Project::new("no job file");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = project.pikaci(&["completions", shell]).exits(0).stdout;
        assert!(script.contains("COMPLETE") && script.contains("pikaci"), "{script}");
    }
    let refused = ran(project.command(&["--", "pikaci", ""]).env("COMPLETE", "nosh")).exits(2);
    assert!(refused.stdout.is_empty() && refused.stderr.contains("nosh"), "{}", refused.stderr);
}

//! What pikaci reads of a job file, against what the real Nix evaluates.
#![cfg(test)]
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "runs the real Nix on fixtures")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use pikaci::config::{self, Diagnostics};

const OLDEST: &str = "/usr/local/lib/pikaci/nix-oldest/bin/nix";
const NEWEST: &str = "/usr/local/lib/pikaci/nix-newest/bin/nix";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(name)
}

/// Returns the files of a folder by name.
fn fixtures(name: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "nix")).map(read).collect()
}

fn nix(program: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(program)
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("NIX_CONFIG", "experimental-features = nix-command flakes\nstore = dummy://\n")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}: run `make setup`"))
}

/// Asks the oldest Nix, for each file of a folder, whether it evaluates.
fn accepted_by_nix(name: &str) -> BTreeMap<String, bool> {
    let todo = Mutex::new(fixtures(name).into_keys().collect::<Vec<_>>());
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                loop {
                    let Some(file) = todo.lock().unwrap().pop() else { return };
                    let path = folder(name).join(&file);
                    let output = nix(OLDEST, &["eval", "--json", "--file", path.to_str().unwrap()]);
                    done.lock().unwrap().insert(file, output.status.success());
                }
            });
        }
    });
    done.into_inner().unwrap()
}

fn assert_is_told_well(file: &str, diagnostics: &Diagnostics) {
    for one in diagnostics {
        assert!(!one.message.is_empty() && !one.hint.is_empty(), "{file}: {one:?}");
        assert!(one.span.line >= 1 && one.span.column >= 1, "{file}: {one:?}");
    }
    let text = diagnostics.to_string();
    let first = diagnostics.iter().next().unwrap();
    let place = format!("--> {file}:{}:{}\n", first.span.line, first.span.column);
    assert!(text.starts_with("error: ") && text.contains(&place), "{place} isn't in\n{text}");
    assert!(text.lines().last().unwrap().starts_with("hint: "), "{text}");
}

#[test]
fn values_are_those_of_nix() {
    let expected = |program| {
        let expr = format!(
            "let dir = {}; in builtins.mapAttrs (name: _: import (dir + \"/${{name}}\")) (builtins.readDir dir)",
            folder("eval/ok").display()
        );
        let output = nix(program, &["eval", "--json", "--impure", "--expr", &expr]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<BTreeMap<String, serde_json::Value>>(&output.stdout).unwrap()
    };
    let files = fixtures("eval/ok");
    assert!(files.len() >= 60);
    let actual: BTreeMap<_, _> = files
        .iter()
        .map(|(name, text)| {
            (name.clone(), config::evaluate(name, text).unwrap_or_else(|error| panic!("{name}:\n{error}")))
        })
        .collect();
    for program in [OLDEST, NEWEST] {
        let expected = expected(program);
        assert_eq!(expected.len(), files.len());
        for (name, value) in expected {
            assert_eq!(actual[&name], value, "{name}, {program}");
        }
    }
}

#[test]
fn what_nix_refuses_is_refused() {
    for (file, text) in fixtures("eval/refused") {
        match config::evaluate(&file, &text) {
            Ok(value) => panic!("{file}: {value}"),
            Err(diagnostics) => assert_is_told_well(&file, &diagnostics),
        }
    }
    let accepted: Vec<_> = accepted_by_nix("eval/refused").into_iter().filter(|(_, accepted)| *accepted).collect();
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn what_is_outside_of_the_subset_is_told() {
    for (file, text) in fixtures("eval/outside-subset") {
        match config::evaluate(&file, &text) {
            Ok(value) => panic!("{file}: {value}"),
            Err(diagnostics) => assert_is_told_well(&file, &diagnostics),
        }
    }
    let refused: Vec<_> =
        accepted_by_nix("eval/outside-subset").into_iter().filter(|(_, accepted)| !*accepted).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// The golden texts are `errors/snapshots/*.snap`; `cargo insta review` or `INSTA_UPDATE=always` renews them.
#[test]
fn errors_are_told_as_they_always_were() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("errors/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    for (file, text) in fixtures("errors") {
        match config::read("pikaci.nix", &text) {
            Ok(config) => panic!("{file}: {config:?}"),
            Err(diagnostics) => {
                assert_is_told_well("pikaci.nix", &diagnostics);
                insta::assert_snapshot!(file.trim_end_matches(".nix"), diagnostics.to_string());
            }
        }
    }
}

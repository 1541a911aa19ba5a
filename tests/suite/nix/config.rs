//! Job files, read by pikaci and evaluated by Nix.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use pikaci::config;

use crate::support::job_files::{assert_are_complete, fixtures, folder};
use crate::support::tools::nix;

/// Runs a version of Nix without a store.
pub fn run_nix(version: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(nix(version));
    command.args(arguments).env_clear().env("HOME", home.path());
    command.env("NIX_CONFIG", "experimental-features = nix-command flakes\nstore = dummy://\n").output().unwrap()
}

/// Returns for each file of a folder whether the oldest Nix evaluates it.
fn accepted_by_nix(name: &str) -> BTreeMap<String, bool> {
    let todo = Mutex::new(fixtures(name).into_keys().collect::<Vec<_>>());
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                loop {
                    let Some(file) = todo.lock().unwrap().pop() else { return };
                    let path = folder(name).join(&file);
                    let output = run_nix("oldest", &["eval", "--json", "--file", path.to_str().unwrap()]);
                    done.lock().unwrap().insert(file, output.status.success());
                }
            });
        }
    });
    done.into_inner().unwrap()
}

#[test]
fn values_equal_those_of_nix() {
    let expected = |program| {
        let expr = format!(
            "let dir = {}; in builtins.mapAttrs (name: _: import (dir + \"/${{name}}\")) (builtins.readDir dir)",
            folder("eval/ok").display()
        );
        let output = run_nix(program, &["eval", "--json", "--impure", "--expr", &expr]);
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
    for program in ["oldest", "newest"] {
        let expected = expected(program);
        assert_eq!(expected.len(), files.len());
        for (name, value) in expected {
            assert_eq!(actual[&name], value, "{name}, {program}");
        }
    }
}

#[test]
fn a_file_that_nix_refuses_is_refused() {
    for (file, text) in fixtures("eval/refused") {
        match config::evaluate(&file, &text) {
            Ok(value) => panic!("{file}: {value}"),
            Err(diagnostics) => assert_are_complete(&file, &diagnostics),
        }
    }
    let accepted: Vec<_> = accepted_by_nix("eval/refused").into_iter().filter(|(_, accepted)| *accepted).collect();
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn a_form_outside_of_the_subset_has_a_diagnostic() {
    for (file, text) in fixtures("eval/outside-subset") {
        match config::evaluate(&file, &text) {
            Ok(value) => panic!("{file}: {value}"),
            Err(diagnostics) => assert_are_complete(&file, &diagnostics),
        }
    }
    let refused: Vec<_> =
        accepted_by_nix("eval/outside-subset").into_iter().filter(|(_, accepted)| !*accepted).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

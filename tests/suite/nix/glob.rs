//! Globs, read by the checks in Nix and by pikaci.

use std::path::Path;
use std::process::Command;

use pikaci::config::from_json;
use pikaci::glob::{Globs, check};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::project::{NIX_CONFIG, ran};
use crate::support::tools::nix;

/// Pieces of random globs.
const PIECES: [&str; 19] = [
    "a", "b", "c", ".", "./", "[c]", "/", "/", "*", "**", "**/", "/**", "?", "{a,b}", "{a,*/b}", "[a-b]", "[!a]",
    "\\*", "+",
];
/// Pieces of random globs that often aren't well-formed.
const MARKS: [&str; 20] =
    ["a", "b", "é", "**", "/", "{", "{", "}", "}", ",", "[", "[", "]", "]", "-", "^", "!", "\\", ":", "."];

/// Returns random values of a strategy.
fn sample<T: std::fmt::Debug>(count: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::default();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Evaluates an expression about the globs of an input, with a function of `nix/glob.nix`.
fn of_library(function: &str, input: &Value, expression: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glob.nix");
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("nix/glob.nix");
    let (library, input) = (library.display(), from_json(input));
    let text = format!("let inherit (import {library}) {function}; input = {input}; in {expression}");
    std::fs::write(&file, text).unwrap();
    let mut eval = Command::new(nix("oldest"));
    eval.args(["eval", "--json", "--file"]).arg(&file).env("NIX_CONFIG", NIX_CONFIG);
    serde_json::from_str(&ran(&mut eval).exits(0).stdout).unwrap()
}

/// Returns random globs of pieces.
fn globs(count: usize, pieces: &[&'static str]) -> impl Iterator<Item = String> {
    sample(count, vec(select(pieces.to_vec()), 1..6).prop_map(|pieces| pieces.concat())).into_iter()
}

#[test]
fn nix_and_pikaci_refuse_the_same_globs() {
    let fixed = ["", "/a", "a/..", "{a,.}", "a/.git", "!a", "a\\b", "\\é", "a{", "}", "[a", "[b-a]", "[é-b]", "a\\"];
    let many = format!("{}a", "{".repeat(33));
    let globs: Vec<String> =
        globs(3000, &MARKS).chain(fixed.map(str::to_owned)).chain([many, "a".repeat(1025)]).collect();
    let problems = of_library("problemOf", &json!({ "globs": globs }), "map problemOf input.globs");
    let refused = globs.iter().filter(|glob| check(glob).is_err()).count();
    assert!(refused > 500 && refused < 2500, "{refused}");
    for (index, glob) in globs.iter().enumerate() {
        let (problem, expected) = (&problems[index], check(glob).err());
        assert_eq!(problem.is_string(), expected.is_some(), "{glob}: {problem}, {expected:?}");
        // The parser of Rust has messages of its own for globs that aren't well-formed.
        if let Some(expected) = expected.filter(|expected| !expected.starts_with("isn't a glob: ")) {
            assert_eq!(*problem, expected, "{glob}");
        }
    }
}

#[test]
fn nix_and_pikaci_match_the_same_files() {
    let named = ["src/**", "*.md", "**/*.rs", "docs/**/index.md", "Makefile", "**", "{**}", "{a,**}", "{a/**,b}"]
        .map(str::to_owned);
    let globs = globs(400, &PIECES).chain(globs(1500, &MARKS)).chain(named);
    let globs: Vec<String> = globs.filter(|glob| check(glob).is_ok()).collect();
    let paths: Vec<String> = sample(60, "(a|b|c|ab|[*]|a[.]b|[+]|\\[c\\])(/(a|b|c|[.]c|\\[a-b\\])){0,3}");
    let fixed = ["src/x/y.rs", "src", "README.md", "docs/index.md", "docs/a/b/index.md", "x.rs"];
    let marks = ["é", "aé", "-", "^", "!", ":", "]", "[", "a]", "{", "}", "a,b", "[a", "a:b"];
    let paths: Vec<String> = paths.into_iter().chain(fixed.into_iter().chain(marks).map(str::to_owned)).collect();
    let chosen = of_library(
        "selects",
        &json!({ "globs": globs, "paths": paths }),
        "map (glob: map (path: [ (selects [ glob ] path \"regular\") (selects [ glob ] (dirOf path) \"directory\") ]) \
         input.paths) input.globs",
    );
    for (glob_index, glob) in globs.iter().enumerate() {
        let matcher = Globs::new([glob.as_str()]).unwrap();
        for (path_index, path) in paths.iter().enumerate() {
            let expected = matcher.is_match(Path::new(path));
            assert_eq!(chosen[glob_index][path_index][0], expected, "{glob} of {path}");
            // Nix must also descend into the folder of a matching file.
            assert!(!expected || chosen[glob_index][path_index][1] == true, "{glob} of the folder of {path}");
        }
    }
}

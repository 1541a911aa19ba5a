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

/// Returns random values of a strategy.
fn sample<T: std::fmt::Debug>(count: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::default();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn nix_and_pikaci_match_the_same_files() {
    let globs: Vec<String> = sample(400, vec(select(PIECES.to_vec()), 1..6).prop_map(|pieces| pieces.concat()));
    let named = ["src/**", "*.md", "**/*.rs", "docs/**/index.md", "Makefile", "**"].map(str::to_owned);
    let globs: Vec<String> = globs.into_iter().chain(named).filter(|glob| check(glob).is_ok()).collect();
    let paths: Vec<String> = sample(60, "(a|b|c|ab|[*]|a[.]b|[+]|\\[c\\])(/(a|b|c|[.]c|\\[a-b\\])){0,3}");
    let fixed = ["src/x/y.rs", "src", "README.md", "docs/index.md", "docs/a/b/index.md", "x.rs"].map(str::to_owned);
    let paths: Vec<String> = paths.into_iter().chain(fixed).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glob.nix");
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("nix/glob.nix");
    let text = format!(
        "let inherit (import {}) selects; input = {}; in map (glob: map (path: [ (selects [ glob ] path \"regular\") \
         (selects [ glob ] (dirOf path) \"directory\") ]) input.paths) input.globs",
        library.display(),
        from_json(&json!({ "globs": globs, "paths": paths }))
    );
    std::fs::write(&file, text).unwrap();
    let mut eval = Command::new(nix("oldest"));
    eval.args(["eval", "--json", "--file"]).arg(&file).env("NIX_CONFIG", NIX_CONFIG);
    let chosen: Value = serde_json::from_str(&ran(&mut eval).exits(0).stdout).unwrap();
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

//! The flake of this repository: its length and its inputs.

use std::fs;
use std::path::Path;

use crate::support::project::json;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The maximum number of lines of flake.nix.
const MAX_LINES: usize = 79;

#[test]
fn flake_nix_is_short_and_has_only_the_pinned_nixpkgs_as_input() {
    let lines = fs::read_to_string(Path::new(ROOT).join("flake.nix")).unwrap().lines().count();
    assert!(lines <= MAX_LINES, "flake.nix has {lines} lines: move a part to nix/");
    let lock = json(&Path::new(ROOT).join("flake.lock"));
    assert_eq!(lock["nodes"]["root"]["inputs"], serde_json::json!({ "nixpkgs": "nixpkgs" }));
    let pinned = json(&Path::new(ROOT).join("src/flake/pinned.lock.json"));
    assert_eq!(lock["nodes"]["nixpkgs"], pinned["nodes"]["nixpkgs"], "guests and pikaci use the same nixpkgs");
}

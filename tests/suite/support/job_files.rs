//! Job files of the fixtures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pikaci::config::Diagnostics;

/// Returns a folder of the fixtures.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(name)
}

/// Returns the files of a folder by name.
pub fn fixtures(name: &str) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "nix")).map(read).collect()
}

/// Asserts that every error has a message, a position and a hint.
pub fn assert_are_complete(file: &str, diagnostics: &Diagnostics) {
    for one in diagnostics {
        assert!(!one.message.is_empty() && !one.hint.is_empty(), "{file}: {one:?}");
        assert!(one.span.line >= 1 && one.span.column >= 1, "{file}: {one:?}");
    }
    let text = diagnostics.to_string();
    let first = diagnostics.iter().next().unwrap();
    let place = format!("--> {file}:{}:{}\n", first.span.line, first.span.column);
    assert!(text.starts_with("error: ") && text.contains(&place), "{place} isn't in\n{text}");
    let has_hint = |part: &str| part.contains("\nhint: ");
    assert!(text.split("\n\nerror: ").all(has_hint), "{text}");
}

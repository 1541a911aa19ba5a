//! The rule of the rooms: what src/lib.rs tells and clippy holds is also what stands in the files.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms that touch nothing, relative to src.
const PURE: [&str; 8] = ["config", "event.rs", "flake", "guest", "id.rs", "plan", "record", "report"];
/// What a file excuses itself from when it touches something.
const EXCUSES: [&str; 2] = ["clippy::disallowed_methods", "clippy::disallowed_types"];
/// The longest file, in lines.
const MAX_LINES: usize = 300;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_path_buf()];
    }
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn no_pure_room_excuses_itself() {
    for room in PURE {
        let files = rust_files(&source().join(room));
        assert!(!files.is_empty(), "{room} is gone");
        for file in files {
            // What tests touch is no part of the room.
            let text = fs::read_to_string(&file).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            if file.components().any(|part| part.as_os_str() == "tests") {
                continue;
            }
            for excuse in EXCUSES {
                assert!(!text.contains(excuse), "{} touches the world: {excuse}", file.display());
            }
        }
    }
}

#[test]
fn processes_start_in_one_room() {
    for file in rust_files(&source()) {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let is_room =
            file.starts_with(source().join("process")) || file.components().any(|part| part.as_os_str() == "tests");
        for start in ["duct::", "Command::new("] {
            assert!(is_room || !text.contains(start), "{} starts processes: {start}", file.display());
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for file in rust_files(&source()).into_iter().chain(rust_files(&tests)) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: two files?", file.display());
    }
}

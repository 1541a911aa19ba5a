//! The modules of src and their borders, as src/lib.rs lists them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::house::own_files::OWN_FILES;

/// The rooms that touch nothing, from bottom to top: each may use the rooms before it.
pub const PURE: [&str; 18] = [
    "text", "id", "glob", "quota", "secret", "cancel", "tools", "facts", "guest", "config", "init", "flake", "plan",
    "policy", "event", "record", "doctor", "report",
];
/// The other rooms: each may use those of the lines below its own, and the pure ones.
const STOREYS: [&[&str]; 8] = [
    &["cli"],
    &["engine"],
    &["execute"],
    &["prepare"],
    &["host", "snapshot"],
    &["nix"],
    &["process", "state"],
    &["failpoint", "foreign"],
];
/// Lints that a file with effects has to disable.
const EXCUSES: [&str; 2] = ["clippy::disallowed_methods", "clippy::disallowed_types"];
/// The maximum number of lines of a file.
const MAX_LINES: usize = 300;

/// Returns the Rust files in a folder, or the file itself.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    if folder.is_file() {
        return vec![folder.to_path_buf()];
    }
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Returns the folder of the code.
pub fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the text of a file without its tests: the imports of tests don't count for a room.
fn without_tests(file: &Path) -> String {
    if file.iter().any(|name| name == "tests" || name == "tests.rs" || name == "fixture.rs") {
        return String::new();
    }
    // A module of tests is the last item of its file.
    fs::read_to_string(file).unwrap().split("\nmod tests {").next().unwrap().to_owned()
}

/// Returns the rooms that a text names as `crate::room` or in `crate::{room, …}`.
fn rooms_used(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut rooms = BTreeSet::new();
    for used in code.split("crate::").skip(1) {
        let Some(mut group) = used.strip_prefix('{') else {
            rooms.insert(name(used));
            continue;
        };
        // Only a name at the top level of a group is a room.
        let (mut depth, mut fresh) = (0, true);
        while let Some(c) = group.chars().next().filter(|c| depth > 0 || *c != '}') {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if c.is_alphabetic() && fresh => {
                    rooms.insert(name(group));
                    fresh = false;
                }
                _ => {}
            }
            group = &group[c.len_utf8()..];
        }
    }
    rooms
}

/// Returns the files of a room, which is a folder or one file.
fn room_files(room: &str) -> Vec<PathBuf> {
    let folder = source().join(room);
    rust_files(&if folder.is_dir() { folder } else { folder.with_extension("rs") })
}

/// Asserts that the files of a room use no other rooms than these.
#[track_caller]
fn assert_uses_only(room: &str, allowed: &BTreeSet<String>) {
    for file in room_files(room) {
        for used in rooms_used(&without_tests(&file)) {
            assert!(used == room || allowed.contains(&used), "{} uses {used}", file.display());
        }
    }
}

#[test]
fn no_pure_room_excuses_itself() {
    for room in PURE {
        let files = room_files(room);
        assert!(!files.is_empty(), "{room} is missing");
        for file in files {
            assert_pure(&file);
        }
    }
}

/// Asserts that a file disables none of the lints.
#[track_caller]
pub fn assert_pure(file: &Path) {
    let text = without_tests(file);
    for excuse in EXCUSES {
        assert!(!text.contains(excuse), "{} has effects: {excuse}", file.display());
    }
}

#[test]
fn imports_point_downwards() {
    let mut allowed = BTreeSet::new();
    for room in PURE {
        assert_uses_only(room, &allowed);
        allowed.insert(room.to_owned());
    }
    for storey in STOREYS.into_iter().rev() {
        for room in storey {
            assert_uses_only(room, &allowed);
        }
        allowed.extend(storey.iter().map(|room| (*room).to_owned()));
    }
    let rooms = fs::read_dir(source()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rooms: BTreeSet<String> = rooms
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| !["lib", "main"].contains(&&**name))
        .collect();
    assert_eq!(rooms, allowed, "a room is in no list, or missing");
}

#[test]
fn imports_are_detected_in_every_spelling() {
    let text = "use crate::{a, b::{c, d}, e_f};\nlet x = crate::g::h();\n// crate::i\nuse pikaci::j;\nuse crate::k;";
    assert_eq!(rooms_used(text).into_iter().collect::<Vec<_>>(), ["a", "b", "e_f", "g", "k"]);
}

#[test]
fn processes_start_in_one_room() {
    for file in rust_files(&source()) {
        let text = without_tests(&file);
        let is_room = file.starts_with(source().join("process"));
        for start in ["duct::", "Command::new("] {
            assert!(is_room || !text.contains(start), "{} starts processes: {start}", file.display());
        }
    }
}

#[test]
fn failpoints_have_one_registry() {
    for file in rust_files(&source()) {
        let is_registry = file.ends_with("failpoint.rs");
        let uses = without_tests(&file).lines().any(|line| line.contains("fail_point!") || line.contains("fail::eval"));
        assert_eq!(uses, is_registry, "{}", file.display());
    }
}

/// Calls that rename, lock or start something, and the files with these calls, by the failpoints of the registry.
const STEPS: [(&str, &[&str]); 4] = [
    (
        "fs::rename(",
        &[
            "engine/recorder.rs",
            "prepare/flake_folder.rs",
            "snapshot/store.rs",
            "state/caches/draft_generation.rs",
            "state/gc/trash.rs",
            "state/remove_tree.rs",
        ],
    ),
    (".persist(", &["state/write.rs"]),
    ("flock(", &["state/file_lock.rs"]),
    ("with_start_lock(|| ", &["process/capture.rs", "process/group.rs"]),
];

#[test]
fn durable_steps_are_in_files_with_failpoints() {
    for file in rust_files(&source()) {
        let text = without_tests(&file);
        for (step, places) in STEPS {
            let is_place = places.iter().any(|place| file.ends_with(place));
            assert_eq!(text.contains(step), is_place, "{} has {step}", file.display());
            assert!(!is_place || text.contains("reach(") || text.contains("run_step("), "{}", file.display());
        }
    }
}

/// Calls that open or list a path and follow links.
const OPENERS: [&str; 6] =
    ["File::open(", "OpenOptions::new()", "fs::read(", "fs::read_to_string(", "fs::read_dir(", ".read_dir()"];

#[test]
fn foreign_names_are_opened_in_one_room() {
    let of_os = ["state/sync_tree.rs", "state/sync_tree_macos.rs"];
    for file in rust_files(&source()) {
        let text = without_tests(&file);
        let opens = OPENERS.iter().any(|way| text.contains(way));
        let is_listed = OWN_FILES.iter().map(|own| own.0).chain(of_os).any(|place| file == source().join(place));
        let is_room = file.starts_with(source().join("foreign"));
        assert!(is_room || opens == is_listed, "{}: opens by a path: {opens}, listed: {is_listed}", file.display());
    }
}

/// Calls that write to standard output or error, and the files besides the exits that inspect a stream without writing.
const EXITS: [(&str, &[&str]); 4] = [
    ("::stdout()", &["cli/output.rs", "cli/follow_logs.rs"]),
    ("::stderr()", &["cli/output.rs", "cli/progress.rs"]),
    ("println!", &[]),
    ("print!", &[]),
];

#[test]
fn output_leaves_through_the_exits() {
    for file in rust_files(&source()) {
        let text = without_tests(&file);
        for (way, places) in EXITS {
            let is_place = places.iter().any(|place| file.ends_with(place));
            assert!(is_place || !text.contains(way), "{} has {way}", file.display());
        }
    }
}

#[test]
fn code_for_one_system_is_in_a_file_of_its_own() {
    for file in rust_files(&source()) {
        let text = without_tests(&file);
        let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
        for pair in lines.windows(2).filter(|pair| pair[0].contains("target_os")) {
            let chosen = pair[0].starts_with("#[cfg") && (pair[1].starts_with("mod ") || pair[1].starts_with("use "));
            assert!(chosen, "{} has more than the selection of a module: {}", file.display(), pair[0]);
        }
    }
}

#[test]
fn the_stand_in_for_vfkit_shares_no_code_with_pikaci() {
    let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vfkit-on-qemu"));
    assert!(!files.is_empty(), "the stand-in is missing");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for way in ["pikaci::", "#[path", "include"] {
            assert!(!text.contains(way), "{} uses {way}", file.display());
        }
    }
}

#[test]
fn no_file_is_too_long() {
    let others = ["tests", "fuzz"].map(|folder| rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)));
    for file in rust_files(&source()).into_iter().chain(others.into_iter().flatten()) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines: split the file", file.display());
    }
}

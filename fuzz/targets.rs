//! The targets by name, each with its invariant in `values`, `files` or `folders`.

use crate::{Target, files, folders, values};

const JSON: &[&str] =
    &["null", "true", "{}", "[]", "\"\"", "\"../x\"", "\"/etc\"", "\"a\\u0000b\"", "\"\\ud800\"", "{\"a\":{}}"];

macro_rules! targets {
    ($($name:ident: $inputs:literal $words:expr, $read:path;)+) => {
        /// All targets.
        pub const TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), inputs: $inputs, words: $words, read: $read },)+];

        /// The targets that a test runs.
        pub const TESTED: &[&str] = &[$(stringify!($name),)+];

        $(#[test]
        fn $name() {
            crate::fuzz(stringify!($name));
        })+
    };
}

targets! {
    // Bytes of a guest.
    control: 4000 &["phase", "exit", "signal", "output", "artifacts", "error", "ready", "end"], values::control;
    qmp: 4000 &["SHUTDOWN", "event", "data", "reason", "guest-panic"], values::qmp;
    terminal: 4000 &["\u{1b}[", "\u{1b}]0;", "\u{7}", "\u{9b}", "\u{202e}", "\r"], values::terminal;
    artifacts: 600 &["ustar", "././@LongLink", "../", "0000644\0"], files::artifacts;
    // Bytes of a state folder.
    manifest: 2000 JSON, values::manifest;
    records: 1500 JSON, values::records;
    events: 800 JSON, values::events;
    plan: 800 JSON, values::plan;
    index: 3000 &["pikaci index 1\n"], values::index;
    seal: 150 &[], folders::seal;
    state_version: 400 &["1", "1\n", "2\n", "-"], folders::state_version;
    hash_cache: 400 JSON, files::hash_cache;
    // A store's.
    boot: 800 JSON, files::boot;
    // Bytes of a project.
    job_file: 1500 &["let", "in", "rec", "inherit", "jobs.", "${", "''", "//", "++", "a.b", "(", ")"], values::job_file;
    flake_lock: 600 JSON, values::flake_lock;
    listing: 4000 &["\0", "../", "/", ".git/"], values::listing;
    git_file: 400 &["gitdir: ", "../", "repository", "/", "\0", "\n"], folders::git_file;
    ignore_rules: 400 &["\n", "\0", "!", "*", "**/", "/", "[a-", "file.c", "../", "link", ".jj"], folders::ignore_rules;
    // A kernel that a guest names, and what the host's files hold.
    kernel: 600 &["HdrS", "\u{7f}ELF", "Linux version 6.1.0 ", "Xen\0"], files::kernel;
    blob: 600 &["\u{1f}", "\u{28}"], files::blob;
}

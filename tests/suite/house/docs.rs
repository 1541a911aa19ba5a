//! The lists, paths and tables of the documentation agree with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The top folders whose files the documentation names by path.
const FOLDERS: [&str; 9] =
    ["src/", "nix/", "tests/", "docs/", "fuzz/", "benches/", "templates/", "examples/", ".github/"];
/// The keys of a job, each with its spelling in the job file and in Rust. A file that has all of them has every key.
const JOB_KEYS: [&[&str]; 5] =
    [&["retries"], &["runAsRoot", "run_as_root"], &["network"], &["timeout", "timeout_secs"], &["env"]];
/// The keys of a guest, in the same form.
const GUEST_KEYS: [&[&str]; 4] =
    [&["vcpu"], &["memory", "memory_mib"], &["bootTimeout", "boot_secs"], &["devShell", "dev_shell"]];
/// The calls that decode bytes.
const DECODERS: [&str; 7] = [
    "serde_json::from_slice",
    "serde_json::from_str",
    "serde_json::from_reader",
    "tar::Archive",
    "rnix::",
    "GitignoreBuilder",
    "ruzstd::",
];

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the files below a folder whose names end in one of these, relative to the repository.
fn files(folder: &str, endings: &[&str]) -> Vec<String> {
    let mut open = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(Path::new(ROOT).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            let name = path.to_str().unwrap().to_owned();
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                files.push(name);
            }
        }
    }
    files.sort();
    files
}

/// Returns the lines of a file of code without comments and tests.
fn code(file: &str) -> String {
    if Path::new(file).iter().any(|part| ["tests", "tests.rs", "fixture.rs"].iter().any(|name| part == *name)) {
        return String::new();
    }
    let text = read(file);
    let text = text.split("\nmod tests {").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//") && !line.trim_start().starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns whether a text has a word that is no part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .any(|(at, _)| !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next()))
}

/// Returns the texts in backticks.
pub fn quoted(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the part of a page from a headline to the next one.
pub fn section(page: &str, headline: &str) -> String {
    let text = read(page);
    let start = text.find(&format!("\n{headline}\n")).unwrap_or_else(|| panic!("{page} has no {headline:?}"));
    let after = &text[start + 1 + headline.len()..];
    let end = after.find("\n## ").into_iter().chain(after.find("\n### ")).min().unwrap_or(after.len());
    after[..end].to_owned()
}

/// Returns the files that a list names, which begins each of its lines with `- `.
fn listed(page: &str, headline: &str) -> BTreeSet<String> {
    let text = section(page, headline);
    let items = text.lines().filter(|line| line.starts_with("- ")).map(|line| line.split(':').next().unwrap());
    items.flat_map(quoted).collect()
}

#[track_caller]
pub fn assert_same(label: &str, documented: &BTreeSet<String>, real: &BTreeSet<String>) {
    let missing: Vec<_> = real.difference(documented).collect();
    let gone: Vec<_> = documented.difference(real).collect();
    assert!(missing.is_empty() && gone.is_empty(), "{label}: add {missing:#?}, remove {gone:#?}");
}

fn pages() -> Vec<String> {
    let mut pages = files("docs", &[".md"]);
    pages.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned));
    pages
}

#[test]
fn every_path_in_the_documentation_exists() {
    let mut missing = Vec::new();
    // The README names files of a reader's project.
    for page in pages().into_iter().filter(|page| page != "README.md") {
        for path in quoted(&read(&page)) {
            let is_path = FOLDERS.iter().any(|folder| path.starts_with(folder));
            let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            if is_path && is_plain && !Path::new(ROOT).join(&path).exists() {
                missing.push(format!("{page}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "these paths don't exist: {missing:#?}");
}

#[test]
fn every_link_between_pages_leads_to_a_file_and_a_headline() {
    for page in pages() {
        let text = read(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().unwrap();
            let target = if file.is_empty() { PathBuf::from(&page) } else { folder.join(file) };
            assert!(Path::new(ROOT).join(&target).exists(), "{page} links to {link}");
            let anchors: Vec<String> = if anchor.is_empty() { Vec::new() } else { headlines(&read(&target)) };
            assert!(
                anchor.is_empty() || anchors.iter().any(|one| one == anchor),
                "{page} links to {link}: {anchors:?}"
            );
        }
    }
}

/// Returns the anchors of the headlines of a page, as GitHub makes them.
fn headlines(text: &str) -> Vec<String> {
    let titles = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    titles.map(anchor).collect()
}

#[test]
fn the_list_for_a_new_job_key_names_every_place() {
    let has_all = |file: &String| {
        let code = code(file);
        JOB_KEYS.iter().all(|spellings| spellings.iter().any(|word| has_word(&code, word)))
    };
    let candidates = [files("src", &[".rs"]), files("nix", &[".nix"])].concat();
    let mut real: BTreeSet<String> = candidates.into_iter().filter(has_all).collect();
    real.extend(["docs/job-file.md", "SECURITY.md", "src/policy.rs"].map(str::to_owned));
    let text = section("docs/architecture.md", "### A new key of a job");
    let items = text.lines().filter(|line| line.starts_with("- "));
    let is_file = |name: &String| name.contains('.') && !name.contains(' ');
    let documented: BTreeSet<String> = items.flat_map(quoted).filter(is_file).collect();
    assert_same("the list for a new key of a job", &documented, &real);
}

#[test]
fn the_parser_of_guest_keys_is_the_file_that_the_list_names() {
    let has_all = |file: &String| {
        let code = code(file);
        GUEST_KEYS.iter().all(|spellings| spellings.iter().any(|word| has_word(&code, word)))
    };
    let real: Vec<String> = files("src/config", &[".rs"]).into_iter().filter(has_all).collect();
    let documented = quoted(&section("docs/architecture.md", "### A new key of a job"));
    let missing: Vec<_> = real.iter().filter(|file| !documented.contains(*file)).collect();
    assert!(missing.is_empty(), "the list for a new key lacks {missing:?}");
}

#[test]
fn the_list_for_a_new_hypervisor_names_every_place() {
    let names_one = |file: &String| code(file).to_lowercase().contains("vfkit");
    let candidates = [files("src", &[".rs"]), files("nix", &[".nix", ".sh"])].concat();
    let real: BTreeSet<String> = candidates.into_iter().filter(names_one).collect();
    assert_same("the list for a new hypervisor", &listed("docs/architecture.md", "### A new hypervisor"), &real);
}

#[test]
fn the_table_of_entry_points_names_every_parser_and_every_fuzz_target() {
    let text = section("docs/architecture.md", "### Entry points of hostile bytes");
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let (mut parsers, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for cells in cells {
        let [_, file, _, bound, fuzzed] = cells[..] else { panic!("a row has to have five cells: {cells:?}") };
        assert!(!bound.is_empty(), "{file} has no bound");
        parsers.extend(quoted(file));
        targets.extend(quoted(fuzzed));
    }
    let real: BTreeSet<String> = fs::read_dir(Path::new(ROOT).join("fuzz/corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_same("the fuzz targets in the table", &targets, &real);
    // Files below the table decode what isn't hostile.
    let named: BTreeSet<String> = quoted(&text).into_iter().filter(|name| name.starts_with("src/")).collect();
    let decodes = |file: &String| {
        let code = code(file);
        // A bounded read of a foreign file has a constant as its argument.
        let reads = code.split(".read(").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        reads || DECODERS.iter().any(|way| code.contains(way))
    };
    let missing: Vec<String> =
        files("src", &[".rs"]).into_iter().filter(|file| decodes(file) && !named.contains(file)).collect();
    assert!(missing.is_empty(), "the table of entry points lacks {missing:#?}");
    assert!(parsers.iter().all(|file| Path::new(ROOT).join(file).exists()), "{parsers:?}");
}

//! The reference of the job file, compared with the parser, the README and the page of the documentation.

use std::collections::BTreeSet;
use std::{env, fs};

use pikaci::config::{self, Key, Section, reference};
use pikaci::report;

use crate::house::docs::{assert_same, quoted, section};
use crate::support::job_files::with_keys;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/job-file.md");

/// Every key with its section.
fn keys() -> impl Iterator<Item = (&'static Section, &'static Key)> {
    reference().iter().flat_map(|section| section.keys.iter().map(move |key| (section, key)))
}

#[test]
fn the_page_of_the_documentation_is_made_from_the_table() {
    let page = report::job_file_markdown();
    // As for the goldens.
    if env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(PAGE, &page).unwrap();
    }
    assert!(
        fs::read_to_string(PAGE).is_ok_and(|written| written == page),
        "docs/job-file.md is old: INSTA_UPDATE=always cargo test --features failpoints --test suite house::job_file"
    );
}

#[test]
fn each_section_has_the_keys_that_the_parser_reads() {
    for section in reference() {
        let text = with_keys(section.name, "zzzzzzzzzzzzzzzz = 1;");
        let error = config::read("pikaci.nix", &text).unwrap_err().to_string();
        let list = error.split("the keys here are ").nth(1).unwrap_or_else(|| panic!("{error}"));
        let read: BTreeSet<String> = list.lines().next().unwrap().split(", ").map(str::to_owned).collect();
        let own = section.keys.iter().map(|key| key.name.to_owned()).collect();
        assert_same(section.name, &own, &read);
    }
}

#[test]
fn each_example_is_valid() {
    for (section, key) in keys() {
        let text = with_keys(section.name, key.example);
        config::read("pikaci.nix", &text).unwrap_or_else(|error| panic!("{}.{}: {error}", section.name, key.name));
    }
}

#[test]
fn the_defaults_in_the_table_are_those_of_the_parser() {
    let mut count = 0;
    for (section, key) in keys() {
        let Some(value) = key.default.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) else { continue };
        if value.contains('`') {
            continue;
        }
        let name = key.name;
        let read = |definition: String| {
            let text = with_keys(section.name, &definition);
            config::read("pikaci.nix", &text).unwrap_or_else(|error| panic!("{}.{name}: {error}", section.name))
        };
        // Null is the same as an absent key.
        let (with, without) = (read(format!("{name} = {value};")), read(format!("{name} = null;")));
        assert_eq!(with, without, "{}.{name} is {value} by default", section.name);
        count += 1;
    }
    assert!(count > 40, "{count} defaults");
}

#[test]
fn the_readme_has_the_most_used_keys_with_their_defaults() {
    let mut count = 0;
    for row in section("README.md", "### Keys").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [path, default, _] = cells[..] else { panic!("{row}") };
        let path = quoted(path).pop_first().unwrap();
        let (parent, name) = path.rsplit_once('.').unwrap();
        let key = keys().find(|(section, key)| section.path == parent && key.name == name);
        assert_eq!(key.unwrap_or_else(|| panic!("there is no key {path}")).1.default, default, "{path}");
        count += 1;
    }
    assert!(count > 10, "{count} keys");
}

//! SECURITY.md, compared with the keys of job files and with the tests.

use std::collections::BTreeSet;
use std::fs;

fn security() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md")).unwrap()
}

/// The keys come from the table of all keys of a job file.
#[test]
fn the_security_page_lists_every_key_of_a_job_file() {
    let security = security();
    let table = security.split("## Who may choose").nth(1).unwrap().split("\n## ").next().unwrap();
    let names = pikaci::config::reference().iter().flat_map(|section| section.keys).map(|key| key.name);
    let missing: BTreeSet<&str> = names.filter(|name| !table.contains(&format!("`{name}`"))).collect();
    assert_eq!(missing, BTreeSet::new());
}

#[test]
fn the_security_page_names_existing_tests() {
    let security = security();
    let shown = security.split("## Defences").nth(1).unwrap().split("\n## ").next().unwrap();
    let names: Vec<&str> = shown.split('`').skip(1).step_by(2).filter(|name| name.contains("::")).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names.into_iter().filter(|name| !name.starts_with("prepare::")) {
        let (module, function) = name.rsplit_once("::").unwrap();
        let file = format!("{}/tests/suite/{}.rs", env!("CARGO_MANIFEST_DIR"), module.replace("::", "/"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
        assert!(text.contains(&format!("fn {function}")), "{name}");
    }
}

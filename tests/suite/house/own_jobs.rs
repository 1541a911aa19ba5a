//! The job file of this repository, compared with its modules.

use std::fs;
use std::path::Path;

use pikaci::config::{self, Command as JobCommand};
use pikaci::id::JobId;

use crate::house::rooms::{PURE, assert_pure};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_unit_job_runs_the_tests_of_every_pure_room_and_no_others() {
    let text = fs::read_to_string(Path::new(ROOT).join("pikaci.nix")).unwrap();
    let config = config::read("pikaci.nix", &text).unwrap();
    let JobCommand::Argv(words) = &config.jobs[&JobId::new("unit")].steps[0].command else { panic!("{config:?}") };
    let filters: Vec<&str> = words.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    for room in PURE.map(|room| format!("{room}::")) {
        assert!(filters.contains(&room.as_str()), "pikaci.nix leaves out {room}");
    }
    let path = |filter: &&str| Path::new(ROOT).join("src").join(filter.trim_end_matches("::").replace("::", "/"));
    for file in filters.iter().map(path).filter(|path| !path.is_dir()) {
        assert_pure(&file.with_extension("rs"));
    }
}

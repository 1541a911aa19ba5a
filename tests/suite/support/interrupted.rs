//! A killed run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use pikaci::event::Outcome;
use pikaci::state;

use crate::support::project::Project;
use crate::support::records::Run;

/// Creates a killed run with a job that passed, a job that was running, and a job that waited.
pub fn killed() -> (Project, Run) {
    let project = Project::new("{ jobs.a.command = \"true\"; }");
    state::open(&project.state("")).unwrap();
    Run::passed(&project, "1");
    let mut run = Run::begin(&project, "2", &["a", "b", "c"]);
    run.start("a");
    run.finish("a", Outcome::Passed, None);
    run.start("b");
    run.is_killed();
    (project, run)
}

/// Returns every file of the runs with its content.
pub fn files(project: &Project) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut files, mut open) = (BTreeMap::new(), vec![project.state("runs")]);
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    files
}

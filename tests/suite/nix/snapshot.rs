//! Snapshots of a source tree.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;

/// Takes a snapshot by a run whose guest ends before it boots.
#[track_caller]
fn snapshot(project: &Project, args: &[&str]) {
    let no_vm = StandIns::new().script("qemu-system-x86_64", "exit 1");
    ran(&mut no_vm.before(project.command(&[&["run"], args].concat()))).exits(102);
}

fn snapshots(project: &Project) -> Vec<PathBuf> {
    fs::read_dir(project.state("snapshots")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn outside_git_everything_but_the_state_folder_is_copied() {
    let project = Project::with_nix(r#"{ jobs.a = { command = "true"; }; }"#)
        .file(".gitignore", "*.o\n")
        .file("a.o", "not ignored\n")
        .file(".hidden/file", "h\n");
    fs::create_dir(project.path("empty")).unwrap();
    let state = project.path("state in the project");
    snapshot(&project, &["--state-root", state.to_str().unwrap()]);
    let copy = fs::read_dir(state.join("snapshots")).unwrap().next().unwrap().unwrap().path();
    let mut names: Vec<_> = fs::read_dir(&copy).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".gitignore", ".hidden", "a.o", "empty", "pikaci.nix"]);
    assert!(copy.join(".hidden/file").exists());
}

#[test]
fn an_equal_tree_is_not_copied_again() {
    let project = Project::with_nix(r#"{ jobs.a = { command = "true"; }; }"#).file("file", "one\n").committed();
    snapshot(&project, &[]);
    let first = snapshots(&project);
    let inode = |folder: &PathBuf| fs::metadata(folder.join("file")).unwrap().ino();
    let inodes: Vec<u64> = first.iter().map(inode).collect();
    // The copy has equal content and times, and shares no file with the original.
    let written = fs::metadata(project.path("file")).unwrap().modified().unwrap();
    fs::remove_file(project.path("file")).unwrap();
    let project = project.file("file", "one\n");
    fs::File::options().write(true).open(project.path("file")).unwrap().set_modified(written).unwrap();
    snapshot(&project, &[]);
    assert_eq!((snapshots(&project), first.len()), (first.clone(), 1));
    assert_eq!(first.iter().map(inode).collect::<Vec<_>>(), inodes);
    let project = project.file("file", "two\n");
    snapshot(&project, &[]);
    assert_eq!(snapshots(&project).len(), 2);
    assert_eq!(fs::read_to_string(first[0].join("file")).unwrap(), "one\n");
}

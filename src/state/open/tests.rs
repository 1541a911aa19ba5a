use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{check, open, open_existing, open_read_only};
use crate::state::OpenError;

#[test]
fn a_new_folder_is_private_and_ignored_by_git_and_backups() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("deep/.pikaci");
    assert_eq!(open_existing(&root).unwrap(), None);
    assert!(!root.exists());
    let layout = open(&root).unwrap();
    assert_eq!(open_existing(&root).unwrap(), Some(layout.clone()));
    assert_eq!(layout.root(), root);
    assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(root.join(".gitignore")).unwrap(), "*\n");
    let tag = fs::read_to_string(root.join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    assert_eq!(open(&root).unwrap(), layout);
}

#[test]
fn an_empty_folder_becomes_private() {
    let parent = tempfile::tempdir().unwrap();
    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
    open(parent.path()).unwrap();
    assert_eq!(fs::metadata(parent.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn many_processes_open_it_at_once() {
    let parent = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let root = parent.path().join(format!("state{round}"));
        std::thread::scope(|scope| {
            // A process that has opened the folder writes to it while others still read its version.
            let open_and_write = || open(&root).map(|_| fs::create_dir_all(root.join("locks")).unwrap());
            let reader = scope.spawn(|| (0..200).try_for_each(|_| open_existing(&root).map(drop)));
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(open_and_write)).chain([reader]).collect();
            for thread in threads {
                thread.join().unwrap().unwrap();
            }
        });
        let mut names: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".gitignore", "CACHEDIR.TAG", "locks", "version"]);
    }
}

#[test]
fn a_folder_of_a_later_version_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("version"), "2\n").unwrap();
    let error = open(parent.path()).unwrap_err();
    assert!(matches!(&error, OpenError::Version { version, .. } if version == "2"), "{error}");
    assert_eq!(open_read_only(parent.path()).unwrap_err().to_string(), error.to_string());
    assert_eq!(check(parent.path()).unwrap_err().to_string(), error.to_string());
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_of_another_program_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("Makefile"), "").unwrap();
    let error = open(parent.path()).unwrap_err();
    assert!(matches!(&error, OpenError::Foreign { entry, .. } if entry == "Makefile"), "{error}");
    assert_eq!(check(parent.path()).unwrap_err().to_string(), error.to_string());
    assert_eq!(open_existing(parent.path()).unwrap_err().to_string(), error.to_string());
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
}

#[test]
fn a_lost_version_and_a_file_in_its_place_are_reported() {
    let parent = tempfile::tempdir().unwrap();
    open(parent.path()).unwrap();
    fs::remove_file(parent.path().join("version")).unwrap();
    fs::create_dir(parent.path().join("runs")).unwrap();
    open_read_only(parent.path()).unwrap();
    let hint = open(parent.path()).unwrap_err().hint();
    let command = format!("echo 1 > {}/version;", parent.path().display());
    assert!(hint.starts_with("if pikaci created it") && hint.contains(&command), "{hint}");
    let file = parent.path().join(".gitignore");
    for error in [open_read_only(&file).unwrap_err(), open(&file).unwrap_err()] {
        assert!(matches!(&error, OpenError::NoFolder { .. }), "{error}");
    }
    assert_eq!(open_read_only(&parent.path().join("new")).unwrap().root(), parent.path().join("new"));
}

#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("file"), "").unwrap();
    let state = parent.path().join("file/state");
    for error in [open(&state).unwrap_err(), check(&state).unwrap_err()] {
        assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
    }
}

#[test]
fn a_check_creates_nothing() {
    let parent = tempfile::tempdir().unwrap();
    check(&parent.path().join("deep/.pikaci")).unwrap();
    check(parent.path()).unwrap();
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    open(parent.path()).unwrap();
    check(parent.path()).unwrap();
}

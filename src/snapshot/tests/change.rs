//! What changed.

use std::path::{Path, PathBuf};

use super::Fixture;
use crate::snapshot::{ChangedFiles, Error, changed_files, head};

fn changed(root: &Path, base: Option<&str>) -> Vec<String> {
    match changed_files(root, base).unwrap() {
        ChangedFiles::Known(paths) => paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect(),
        ChangedFiles::All { reason } => panic!("{reason}"),
    }
}

#[test]
fn working_tree_index_and_untracked_files() {
    let tree = Fixture::repository();
    for name in ["edited", "staged", "reverted", "removed", "old name", "same"] {
        tree.write(name, &format!("{name} that is long enough to be found again"));
    }
    tree.write(".gitignore", "ignored");
    tree.commit("");
    assert_eq!(changed(&tree.root, None), [""; 0]);
    let clean = head(&tree.root).unwrap().unwrap();
    assert!(!clean.dirty && clean.commit.is_some_and(|commit| commit.len() == 40));
    tree.write("edited", "1");
    for text in ["1", "reverted that is long enough to be found again"] {
        tree.write("reverted", text);
        if text == "1" {
            tree.write("staged", "1");
            tree.git("", &["add", "reverted", "staged"]);
        }
    }
    tree.remove("removed");
    tree.git("", &["mv", "old name", "new name"]);
    tree.write("fresh/ä b", "");
    tree.write("ignored", "");
    let expected = ["edited", "fresh/ä b", "new name", "old name", "removed", "reverted", "staged"].map(str::to_owned);
    assert_eq!(changed(&tree.root, None), expected);
    assert!(head(&tree.root).unwrap().unwrap().dirty);
}

#[test]
fn since_a_branch_was_left() {
    let tree = Fixture::repository();
    tree.write("a", "1");
    tree.write("moved", "content that is long enough to be found again");
    tree.commit("");
    tree.git("", &["checkout", "-q", "-b", "topic"]);
    tree.write("topic", "1");
    tree.git("", &["mv", "moved", "elsewhere"]);
    tree.commit("");
    tree.git("", &["checkout", "-q", "main"]);
    tree.write("only on main", "1");
    tree.commit("");
    tree.git("", &["checkout", "-q", "topic"]);
    assert_eq!(changed(&tree.root, None), [""; 0]);
    assert_eq!(changed(&tree.root, Some("main")), ["elsewhere", "moved", "topic"]);
    tree.write("a", "2");
    assert_eq!(changed(&tree.root, Some("main")), ["a", "elsewhere", "moved", "topic"]);
    for base in ["nothing", "--help", ""] {
        let error = changed_files(&tree.root, Some(base)).unwrap_err();
        assert!(matches!(error, Error::NoSuchBase { .. }), "{base}: {error}");
    }
    tree.git("", &["checkout", "-q", "--orphan", "unrelated"]);
    tree.commit("");
    assert!(matches!(changed_files(&tree.root, Some("main")), Ok(ChangedFiles::All { .. })));
}

#[test]
fn where_git_cannot_tell() {
    let tree = Fixture::new();
    tree.write("a", "1");
    assert!(matches!(changed_files(&tree.root, None), Ok(ChangedFiles::All { .. })));
    assert_eq!(head(&tree.root).unwrap(), None);
    tree.init("");
    assert!(matches!(changed_files(&tree.root, None), Ok(ChangedFiles::All { .. })));
    let head = head(&tree.root).unwrap().unwrap();
    assert_eq!((head.commit, head.dirty), (None, true));
}

#[test]
fn a_part_of_a_repository_has_paths_of_its_own() {
    let tree = Fixture::repository();
    tree.write("part/a", "1");
    tree.write("partly", "1");
    tree.commit("");
    tree.write("part/a", "2");
    tree.write("part/new", "");
    tree.write("partly", "2");
    assert_eq!(changed(&tree.root.join("part"), None), ["a", "new"]);
    tree.commit("");
    assert_eq!(changed(&tree.root.join("part"), None), [""; 0]);
    assert_eq!(changed(&tree.root.join("part"), Some("HEAD~1")), ["a", "new"]);
}

#[test]
fn repositories_inside_count_file_by_file() {
    let tree = Fixture::new();
    tree.init("../library");
    tree.write("../library/lib.c", "");
    tree.commit("../library");
    tree.init("");
    tree.git("", &["submodule", "-q", "add", "../library", "lib"]);
    tree.commit("");
    assert_eq!(changed(&tree.root, None), [""; 0]);
    tree.write("lib/new.c", "");
    tree.init("own");
    tree.write("own/x", "");
    tree.commit("own");
    assert_eq!(changed(&tree.root, None), ["lib", "lib/lib.c", "lib/new.c", "own", "own/x"]);
    assert!(changed_files(&tree.root, None).is_ok_and(|changed| match changed {
        ChangedFiles::Known(paths) => paths.contains(&PathBuf::from("lib/new.c")),
        ChangedFiles::All { .. } => false,
    }));
}

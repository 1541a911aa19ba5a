//! Tests of the comparison with commits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::fixture::Fixture;
use crate::snapshot::{ChangedFiles, Error, changed_files, head};

fn changed(root: &Path, base: Option<&str>) -> Vec<String> {
    match changed_files(root, base).unwrap() {
        ChangedFiles::Listed(paths) => paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect(),
        ChangedFiles::All { reason } => panic!("{reason}"),
    }
}

#[test]
fn changes_of_the_working_tree_the_index_and_untracked_files_are_listed() {
    let tree = Fixture::repository();
    for name in ["edited", "staged", "reverted", "removed", "old name", "same"] {
        tree.write(name, &format!("{name} that is long enough to be recognised"));
    }
    tree.write(".gitignore", "ignored");
    tree.commit("");
    assert_eq!(changed(&tree.root, None), [""; 0]);
    let clean = head(&tree.root).unwrap().unwrap();
    assert!(!clean.dirty && clean.commit.is_some_and(|commit| commit.len() == 40));
    tree.write("edited", "1");
    for text in ["1", "reverted that is long enough to be recognised"] {
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
fn a_base_adds_the_changes_since_the_branch_left_it() {
    let tree = Fixture::repository();
    tree.write("a", "1");
    tree.write("moved", "content that is long enough to be recognised");
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
        assert_eq!(error.hint().unwrap(), "git fetch; the branches here are main, topic", "{base}");
    }
    let misspelt = changed_files(&tree.root, Some("tpoic")).unwrap_err();
    assert_eq!(misspelt.hint().unwrap(), "git fetch; or did you mean \"topic\"?");
    tree.git("", &["checkout", "-q", "--orphan", "unrelated"]);
    tree.commit("");
    assert!(matches!(changed_files(&tree.root, Some("main")), Ok(ChangedFiles::All { .. })));
}

#[test]
fn without_a_commit_all_files_count_as_changed() {
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
fn changes_in_a_subfolder_are_relative_to_it() {
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
fn files_of_nested_repositories_are_listed() {
    let tree = Fixture::with_submodule("lib.c");
    assert_eq!(changed(&tree.root, None), [""; 0]);
    tree.write("lib/new.c", "");
    tree.init("own");
    tree.write("own/x", "");
    tree.commit("own");
    assert_eq!(changed(&tree.root, None), ["lib", "lib/lib.c", "lib/new.c", "own", "own/x"]);
    assert!(changed_files(&tree.root, None).is_ok_and(|changed| match changed {
        ChangedFiles::Listed(paths) => paths.contains(&PathBuf::from("lib/new.c")),
        ChangedFiles::All { .. } => false,
    }));
}

#[test]
fn changed_files_that_git_hides_are_listed() {
    let tree = Fixture::repository();
    for name in ["assumed", "assumed too", "skipped", "sparse", "gone"] {
        tree.write(name, "1");
    }
    tree.commit("");
    tree.git("", &["update-index", "--assume-unchanged", "assumed", "assumed too", "gone"]);
    tree.git("", &["update-index", "--skip-worktree", "skipped", "sparse"]);
    assert_eq!(changed(&tree.root, None), [""; 0]);
    assert!(!head(&tree.root).unwrap().unwrap().dirty);
    tree.write("assumed", "2");
    tree.write("skipped", "2");
    tree.remove("sparse");
    tree.remove("gone");
    assert_eq!(changed(&tree.root, None), ["assumed", "gone", "skipped"]);
    assert!(head(&tree.root).unwrap().unwrap().dirty);
}

#[test]
fn a_submodule_without_its_repository_has_changed() {
    let tree = Fixture::with_submodule("lib.c");
    tree.remove("lib/.git");
    assert_eq!(changed(&tree.root, None), ["lib", "lib/lib.c"]);
}

/// Makes a repository of three commits.
fn three_commits() -> Fixture {
    let tree = Fixture::repository();
    for text in ["1", "2", "3"] {
        tree.write("folder/file", text);
        tree.commit("");
    }
    tree
}

/// Returns the id of an object.
fn object_id(root: &Path, name: &str) -> String {
    let output = Command::new("git").args(["rev-parse", name]).current_dir(root).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Replaces an object of a repository by bytes that are none.
fn break_object(root: &Path, name: &str) {
    let id = object_id(root, name);
    let file = root.join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "no object").unwrap();
}

/// Clones a repository of three commits, and returns the clone's path and the first commit.
fn clone(options: &[&str]) -> (Fixture, PathBuf, String) {
    let tree = three_commits();
    tree.git("", &["config", "uploadpack.allowFilter", "true"]);
    let root = tree.root.join("clone");
    let from = format!("file://{}", tree.root.display());
    tree.git("", &[&["clone", "-q"], options, &[&from, "clone"]].concat());
    let first = object_id(&tree.root, "HEAD~2");
    (tree, root, first)
}

#[test]
fn a_clone_that_lacks_commits_gets_the_command_that_fetches_them() {
    let (tree, root, first) = clone(&["--depth=1"]);
    let error = changed_files(&root, Some(&first)).unwrap_err();
    assert_eq!(error.hint().unwrap(), "git fetch --unshallow", "{error}");
    tree.git("clone", &["fetch", "-q", "--unshallow"]);
    assert_eq!(changed(&root, Some(&first)), ["folder/file"]);

    let (tree, root, first) = clone(&["--filter=tree:0"]);
    let error = changed_files(&root, Some(&first)).unwrap_err();
    let hint = format!("let git fetch the missing folders: git diff --name-only {first}...HEAD");
    assert_eq!(error.hint().unwrap(), hint, "{error}");
    tree.git("clone", &["diff", "--name-only", &format!("{first}...HEAD")]);
    assert_eq!(changed(&root, Some(&first)), ["folder/file"]);
}

#[test]
fn a_broken_folder_of_a_partial_clone_is_not_missing() {
    let tree = three_commits();
    let first = object_id(&tree.root, "HEAD~2");
    tree.git("", &["config", "remote.origin.promisor", "true"]);
    break_object(&tree.root, "HEAD~2^{tree}");
    let error = changed_files(&tree.root, Some(&first)).unwrap_err();
    assert!(matches!(&error, Error::Git { message, .. } if message.contains("corrupt")), "{error}");
}

#[test]
fn a_broken_history_is_no_missing_ancestor() {
    let tree = three_commits();
    let first = object_id(&tree.root, "HEAD~2");
    break_object(&tree.root, "HEAD~1");
    let error = changed_files(&tree.root, Some(&first)).unwrap_err();
    assert!(matches!(&error, Error::Git { message, .. } if message.contains("corrupt")), "{error}");
}

//! Tests of the files that a job file adds to a snapshot, or leaves out.

use std::os::unix::net::UnixListener;

use super::fixture::{Fixture, assert_same};
use crate::config::SnapshotGlobs;
use crate::snapshot::{Error, Tree};

/// Makes a repository that ignores `vendor`, `.env*` and objects.
fn repository() -> Fixture {
    let tree = Fixture::repository();
    tree.write(".gitignore", "/vendor/\n.env*\n*.o\n");
    for path in ["a.c", "docs/a.md", "docs/big/x", "vendor/a/b.c", "vendor/a/b.o", "vendor/c", ".env.test", ".env"] {
        tree.write(path, path);
    }
    tree.folder("vendor/empty");
    tree.commit("");
    tree
}

fn with(mut tree: Fixture, include: &[&str], exclude: &[&str]) -> Fixture {
    let strings = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
    tree.globs = SnapshotGlobs { include: strings(include), exclude: strings(exclude) };
    tree
}

fn included(tree: &Tree) -> Vec<&str> {
    tree.included().map(|path| path.to_str().unwrap()).collect()
}

#[test]
fn globs_add_ignored_files_and_leave_files_out() {
    let base = [".gitignore", "a.c", "docs/a.md", "docs/big/x"];
    for (include, exclude, added, removed) in [
        (&[".env.test"][..], &[][..], &[".env.test"][..], &[][..]),
        (&["vendor/"], &[], &["vendor/a/b.c", "vendor/a/b.o", "vendor/c", "vendor/empty"], &[]),
        (&["vendor", "vendor/a"], &["*/*/*.o", "vendor/empty"], &["vendor/a/b.c", "vendor/c"], &[]),
        (&["vendor/"], &["vendor/a/"], &["vendor/c", "vendor/empty"], &[]),
        (&["**/*.o"], &[], &["vendor/a/b.o"], &[]),
        (&["**/*.c", "./vendor//a/*.c"], &[], &["vendor/a/b.c"], &[]),
        (&[], &["docs/big/"], &[], &["docs/big/x"]),
        (&[".env*"], &[".env", "docs"], &[".env.test"], &["docs/a.md", "docs/big/x"]),
        (&["missing", "a.c/b"], &[], &[], &[]),
    ] {
        let tree = with(repository(), include, exclude);
        let taken = tree.take();
        assert_same(&taken, &tree.copy(&taken));
        let mut expected: Vec<&str> = base.iter().chain(added).copied().collect();
        expected.retain(|path| !removed.contains(path));
        expected.sort_unstable();
        assert_eq!(tree.paths(), expected, "{include:?} {exclude:?}");
        assert_eq!(included(&taken), added, "{include:?} {exclude:?}");
        assert_eq!(taken.unmatched_excludes(), [""; 0], "{include:?} {exclude:?}");
    }
    let tree = with(repository(), &[], &["docs/big/", "dcos/", "*.o"]);
    assert_eq!(tree.read().unmatched_excludes(), ["dcos/", "*.o"]);
}

#[test]
fn no_glob_adds_repositories_state_folders_or_files_behind_links() {
    let mut tree = repository();
    tree.init("vendor/nested");
    tree.write("vendor/nested/x", "");
    tree.write("vendor/.pikaci/secret", "");
    tree.write("../outside/secret", "");
    tree.link("../outside", "out");
    tree.link("../../outside", "vendor/out");
    tree.layout = crate::state::open(&tree.root.join("state")).unwrap();
    tree.write("state/secret", "");
    for include in [&["**"][..], &["vendor/", "out/", "state/", ".pikaci", ".jj/", "vendor/.pikaci/", "out/secret"]] {
        tree = with(tree, include, &["docs", "a.c", ".env*", ".gitignore"]);
        let expected =
            ["out", "vendor/a/b.c", "vendor/a/b.o", "vendor/c", "vendor/empty", "vendor/nested/x", "vendor/out"];
        assert_eq!(tree.paths(), expected, "{include:?}");
    }
}

#[test]
fn an_index_never_hides_a_change_of_the_globs_or_of_an_included_file() {
    let mut tree = repository();
    let count = |tree: &Fixture| tree.take().entries().len();
    assert_eq!(count(&tree), 4);
    tree = with(tree, &["vendor/"], &["docs/big/"]);
    assert_eq!((count(&tree), count(&tree)), (7, 7));
    tree.write("vendor/new", "");
    tree.write("docs/big/new", "");
    assert_eq!(count(&tree), 8);
    tree.write("vendor/new", "changed");
    let (before, after) = (tree.read(), tree.take());
    assert_eq!(before.digest(), after.digest());
    assert_same(&after, &tree.copy(&after));
    tree.remove("vendor/new");
    assert_eq!(count(&tree), 7);
    tree = with(tree, &[], &[]);
    assert_eq!((count(&tree), count(&tree)), (5, 5));
}

#[test]
fn sockets_are_reported_unless_they_are_excluded() {
    let tree = repository();
    let _sockets = ["vendor/a/socket", "docs/socket"].map(|path| UnixListener::bind(tree.root.join(path)).unwrap());
    let skipped = |tree: &Fixture| tree.read().skipped().iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
    assert_eq!(skipped(&tree), [""; 0], "git lists no sockets");
    let tree = with(tree, &["vendor/"], &[]);
    assert_eq!(skipped(&tree), ["vendor/a/socket"]);
    let tree = with(tree, &["vendor/"], &["vendor/a/"]);
    assert_eq!(skipped(&tree), [""; 0]);
}

#[test]
fn globs_that_are_too_large_are_an_error() {
    let glob = format!("{}x", "{a,b,c,d,e,f,g,h}*".repeat(30));
    let tree = with(repository(), &[], &vec![glob.as_str(); 100]);
    match crate::snapshot::read_tree(&tree.root, &tree.layout, &tree.globs) {
        Ok(tree) => assert_eq!(tree.entries().len(), 4),
        Err(error) => assert!(matches!(error, Error::Globs { key: "exclude", .. }), "{error}"),
    }
}

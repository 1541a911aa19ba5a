//! Tests of the repository that a job gets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::fixture::{Fixture, assert_same};
use crate::snapshot::{Error, GuestRepository, read_repository};

/// Commands with the same output and exit code where pikaci runs and in a job.
const COMMANDS: [&[&str]; 9] = [
    &["rev-parse", "HEAD"],
    &["rev-parse", "--abbrev-ref", "HEAD"],
    &["rev-parse", "--is-shallow-repository"],
    &["describe", "--tags", "--long", "--dirty", "--always"],
    &["log", "--format=%H %an %s"],
    &["diff", "--exit-code", "--stat"],
    &["diff", "--cached", "--exit-code"],
    &["status", "--porcelain=v2"],
    &["for-each-ref", "refs/heads", "refs/tags"],
];

/// Makes a repository with two commits, a tag, and a remote whose address has a secret.
fn repository() -> Fixture {
    let tree = Fixture::repository();
    tree.write(".gitignore", "*.o\n");
    for path in ["a", "sub/b", "sub/c", "tool"] {
        tree.write(path, path);
    }
    tree.make_executable("tool");
    tree.link("a", "link");
    tree.commit("");
    tree.git("", &["tag", "-a", "v1.0", "-m", "one"]);
    tree.write("a", "second");
    tree.commit("");
    tree.git("", &["remote", "add", "origin", "https://me:t0ken@example.org/x"]);
    tree.git("", &["config", "http.extraHeader", "Authorization: t0ken"]);
    tree.write(".git/hooks/post-checkout", "t0ken");
    tree
}

fn output(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// Returns a workspace: a copy of the snapshot with the repository.
fn workspace(tree: &Fixture) -> (PathBuf, GuestRepository) {
    let taken = tree.take();
    let folder = tree.root.join("..").canonicalize().unwrap().join(format!("job-{}", taken.copy_id().short()));
    fs::remove_dir_all(&folder).ok();
    let copied = Command::new("cp").arg("-a").arg(tree.copy(&taken)).arg(&folder).status().unwrap();
    assert!(copied.success());
    assert_same(&taken, &folder);
    let repository = read_repository(&tree.root, &tree.globs).unwrap();
    repository.write(&folder.join(".git"), repository.objects()).unwrap();
    (folder, repository)
}

#[track_caller]
fn assert_same_answers(tree: &Fixture) {
    let (folder, _) = workspace(tree);
    for args in COMMANDS {
        // Git on the host wrote the index after the files, so that both compare the same times.
        assert_eq!(output(&folder, args), output(&tree.root, args), "{args:?}");
    }
    // What only the stash or the reflog names is dangling there.
    assert_eq!(output(&folder, &["fsck", "--connectivity-only"]).0, Some(0));
    let copied = Command::new("grep").args(["-r", "-a", "t0ken", "."]).current_dir(&folder).output().unwrap();
    assert_eq!(copied.status.code(), Some(1), "{}", String::from_utf8_lossy(&copied.stdout));
}

#[test]
fn git_answers_a_job_as_it_does_on_the_host() {
    let mut tree = repository();
    assert_same_answers(&tree);
    tree.write("sub/b", "changed");
    tree.write("sub/c", "staged");
    tree.git("", &["add", "sub/c"]);
    tree.remove("tool");
    tree.write("new", "");
    assert_same_answers(&tree);
    tree.git("", &["update-index", "--untracked-cache"]);
    tree.git("", &["status"]);
    assert_same_answers(&tree);
    tree.git("", &["stash", "-q", "-u"]);
    tree.git("", &["sparse-checkout", "set", "--sparse-index", "sub"]);
    assert_same_answers(&tree);
    tree.git("", &["sparse-checkout", "disable"]);
    tree.git("", &["checkout", "-q", "--detach", "v1.0"]);
    assert_same_answers(&tree);
    tree.git("", &["worktree", "add", "-q", "-b", "other", "../other"]);
    tree.root = tree.root.join("../other").canonicalize().unwrap();
    tree.write("a", "in the worktree");
    assert_same_answers(&tree);
}

#[test]
fn submodules_shallow_clones_and_new_repositories_have_their_own() {
    let mut tree = Fixture::with_submodule("a");
    tree.root = tree.root.join("lib");
    tree.write("a", "changed");
    assert_same_answers(&tree);
    let mut shallow = repository();
    let url = format!("file://{}", shallow.root.display());
    shallow.git("", &["clone", "-q", "--depth=1", &url, "../shallow"]);
    shallow.root = shallow.root.join("../shallow").canonicalize().unwrap();
    assert_same_answers(&shallow);
    let new = Fixture::repository();
    new.write("a", "");
    let (folder, _) = workspace(&new);
    assert_eq!(output(&folder, &["status", "--porcelain"]).1, "?? a\n");
}

#[test]
fn the_digest_covers_names_index_and_commit_but_no_times() {
    let tree = repository();
    let digest = || read_repository(&tree.root, &tree.globs).unwrap().digest();
    let first = digest();
    tree.write("a", "second");
    tree.git("", &["status"]);
    tree.git("", &["config", "remote.origin.url", "elsewhere"]);
    assert_eq!(digest(), first);
    let mut digests = vec![first];
    for args in [&["tag", "v2"][..], &["branch", "b"], &["checkout", "-q", "b"], &["rm", "-q", "--cached", "sub/b"]] {
        tree.git("", args);
        digests.push(digest());
    }
    tree.write(".git/info/exclude", "x\n");
    digests.push(digest());
    for (at, digest) in digests.iter().enumerate() {
        assert!(!digests[..at].contains(digest), "{at}");
    }
}

#[test]
fn excluded_files_are_not_missing() {
    let mut tree = repository();
    tree.globs.exclude = vec!["sub".to_owned()];
    // Git would run this hook after it wrote an index.
    tree.write(".git/hooks/post-index-change", "#!/bin/sh\ntouch ../marker\n");
    tree.make_executable(".git/hooks/post-index-change");
    tree.write("a", "changed");
    let (folder, _) = workspace(&tree);
    assert!(!folder.join("sub").exists());
    assert_eq!(output(&folder, &["status", "--porcelain"]), (Some(0), " M a\n".to_owned()));
    assert_eq!(output(&folder, &["diff", "--name-only"]), (Some(0), "a\n".to_owned()));
    assert!(!tree.root.join("../marker").exists());
    tree.git("", &["rm", "-q", "--cached", "a"]);
    assert!(tree.root.join("../marker").exists(), "git runs no such hook, so this test shows nothing");
}

#[test]
fn a_repository_that_leads_elsewhere_is_refused() {
    let victim = repository();
    let refusal = |tree: &Fixture| match read_repository(&tree.root, &tree.globs) {
        Err(Error::NoGuestGit { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let own = Fixture::new();
    assert_eq!(refusal(&own), "it isn't the top folder of a git repository");
    own.write(".git", &format!("gitdir: {}/.git\n", victim.root.display()));
    assert!(refusal(&own).ends_with("/source/.git, which doesn't name this checkout"), "{}", refusal(&own));
    own.remove(".git");
    own.link(victim.root.join(".git").to_str().unwrap(), ".git");
    assert_eq!(refusal(&own), "its .git is a link");

    let tree = repository();
    tree.write(".git/commondir", victim.root.join(".git").to_str().unwrap());
    assert_eq!(refusal(&tree), "its .git borrows from another one");
    tree.remove(".git/commondir");
    tree.write(".git/objects/info/alternates", victim.root.join(".git/objects").to_str().unwrap());
    assert_eq!(refusal(&tree), "it borrows objects from another repository");
    tree.remove(".git/objects/info/alternates");
    fs::rename(tree.root.join(".git/objects"), tree.root.join(".git/moved")).unwrap();
    tree.link(victim.root.join(".git/objects").to_str().unwrap(), ".git/objects");
    assert_eq!(refusal(&tree), "its .git has no folder of objects");

    let tree = repository();
    let mut part = Fixture::new();
    part.root = tree.root.join("sub");
    assert_eq!(refusal(&part), "it isn't the top folder of a git repository");
    tree.git("", &["config", "remote.origin.promisor", "true"]);
    assert_eq!(refusal(&tree), "it is a partial clone, whose missing objects a job can't fetch");
    tree.git("", &["config", "--unset", "remote.origin.promisor"]);
    tree.git("", &["update-index", "--split-index"]);
    assert_eq!(refusal(&tree), "its index is split");
}

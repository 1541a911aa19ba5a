//! Repositories whose settings name programs, and whose index names files outside: git runs none, and nothing is read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::local;
use crate::plain_user::by_plain_user;
use crate::project::{Project, Ran, ran};
use crate::stand_in::StandIns;

/// A project with a marker outside that a program of the repository would make.
struct Trap {
    project: Project,
    outside: TempDir,
}

impl Trap {
    fn new() -> Self {
        let outside = TempDir::with_prefix("pikaci-test-").unwrap();
        fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let project = local::project(r#"a = { command = "true"; paths = [ "**" ]; };"#).file("file", "text\n");
        let trap = Self { project, outside };
        let script = format!("#!/bin/sh\ntouch {}\nexec cat\n", trap.marker().display());
        fs::write(trap.program(), script).unwrap();
        fs::set_permissions(trap.program(), fs::Permissions::from_mode(0o755)).unwrap();
        trap
    }

    fn marker(&self) -> PathBuf {
        self.outside.path().join("marker")
    }

    fn program(&self) -> PathBuf {
        self.outside.path().join("program")
    }

    /// Has a repository name the program for everything that git may run.
    fn set(&self, repository: &str) {
        let program = self.program();
        let program = program.to_str().unwrap();
        let folder = self.project.path(repository);
        let set = |key: &str, value: &str| {
            let status = Command::new("git").args(["config", key, value]).current_dir(&folder).status().unwrap();
            assert!(status.success(), "git config {key}");
        };
        for driver in ["evil", "e.v=i l"] {
            for what in ["clean", "smudge", "process"] {
                set(&format!("filter.{driver}.{what}"), program);
            }
            set(&format!("filter.{driver}.required"), "true");
        }
        for key in ["core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "diff.external", "core.hooksPath"]
        {
            set(key, program);
        }
        set("protocol.ext.allow", "always");
        let attributes = "* filter=evil\n*.x filter=\"e.v=i l\"\n";
        fs::write(folder.join(".gitattributes"), attributes).unwrap();
        // As git status must look into the files to tell whether they changed.
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            let file = fs::File::options().append(true).open(entry.path()).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    }

    /// Asserts that git by itself runs the program in a folder, so that the rest shows something.
    #[track_caller]
    fn springs(&self, folder: &str) {
        let mut git = Command::new("git");
        ran(git.args(["status", "--short"]).current_dir(self.project.path(folder)));
        fs::remove_file(self.marker()).expect("git runs what the repository names");
    }

    /// Asserts that planning and running run nothing of the repository, as root and as a plain user.
    #[track_caller]
    fn holds(&self, judge: impl Fn(&Ran)) {
        self.springs("");
        for args in [&["plan"][..], &["plan", "--base=HEAD"], &["check"], &["run"], &["list"]] {
            let ran = ran(&mut self.project.command(args));
            assert!(!self.marker().exists(), "{args:?} ran a program: {ran:?}");
            judge(&ran);
        }
        fs::remove_dir_all(self.project.state("")).ok();
        let programs = StandIns::new();
        for args in [["plan"], ["run"]] {
            let ran = ran(&mut by_plain_user(&self.project, &programs, &args));
            assert!(!self.marker().exists(), "{args:?} ran a program as a plain user: {ran:?}");
            judge(&ran);
        }
    }
}

fn succeeds(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn settings_that_came_with_a_repository_run_nothing() {
    let trap = Trap::new();
    let project = trap.project.file("odd.x", "x\n").committed();
    let trap = Trap { project, outside: trap.outside };
    trap.set("");
    trap.holds(succeeds);
}

#[test]
fn settings_of_a_repository_inside_run_nothing() {
    let trap = Trap::new();
    let project = trap.project.file("inner/file", "inner\n");
    let inner = project.path("inner");
    for args in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message=inner"]] {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
        assert!(Command::new("git").args(identity).args(args).current_dir(&inner).status().unwrap().success());
    }
    let trap = Trap { project: project.committed(), outside: trap.outside };
    trap.set("inner");
    fs::write(trap.project.path("inner/file"), "changed\n").unwrap();
    // What changed in it still counts.
    let plan = trap.project.pikaci(&["plan", "--format=json"]).exits(0).stdout;
    assert!(plan.contains("execute:a"), "{plan}");
    trap.holds(succeeds);
}

#[test]
fn a_bare_repository_in_a_folder_of_a_clone_is_none() {
    let trap = Trap::new();
    let program = trap.program();
    let project = trap.project.file("sub/pikaci.nix", r#"{ jobs.a = { command = "true"; paths = [ "**" ]; }; }"#);
    let project =
        project.file("sub/refs/.keep", "").file("sub/objects/.keep", "").file("sub/HEAD", "ref: refs/heads/main\n");
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = \".\"\n\tfsmonitor = {0}\n[filter \"evil\"]\n\tclean = {0}\n",
        program.display()
    );
    let project = project.file("sub/config", &config).file("sub/.gitattributes", "* filter=evil\n").committed();
    let trap = Trap { project, outside: trap.outside };
    trap.springs("sub");
    for args in [["plan"], ["run"], ["list"]] {
        let ran = ran(trap.project.command(&args).current_dir(trap.project.path("sub")));
        assert!(!trap.marker().exists(), "{args:?} ran a program: {ran:?}");
    }
}

/// An index may hold any path: git itself makes none of these.
#[test]
fn paths_of_an_index_that_lead_outside_are_errors() {
    let trap = Trap::new();
    fs::write(trap.outside.path().join("secret"), "canary").unwrap();
    let project = trap.project.file("xx/secret", "inside").committed();
    let index = fs::read(project.path(".git/index")).unwrap();
    for (name, shown) in [("../secret", "../secret"), ("./xsecret", "./xsecret"), ("x//secret", "x//secret")] {
        let mut forged = replaced(&index, b"xx/secret", name.as_bytes());
        let end = forged.len() - 20;
        // Without a checksum: git takes zeros for none.
        forged[end..].fill(0);
        fs::write(project.path(".git/index"), &forged).unwrap();
        let plan = project.pikaci(&["plan"]);
        let refused = [Some(1), Some(2)].contains(&plan.code) && !plan.stderr.contains("canary");
        assert!(refused && (plan.stderr.contains(shown) || plan.stderr.contains("git")), "{name}: {plan:?}");
    }
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "the index holds the lengths");
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

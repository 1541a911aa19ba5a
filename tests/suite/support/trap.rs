//! A repository with settings that run a program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::plain_user::by_plain_user;
use crate::support::project::{Project, Ran, ran};
use crate::support::stand_in::StandIns;

/// A project, and a marker outside of it that a program of the repository would create.
pub struct Trap {
    pub project: Project,
    pub outside: TempDir,
}

impl Trap {
    pub fn new() -> Self {
        let outside = TempDir::with_prefix("pikaci-test-").unwrap();
        fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let project = Project::without_guest(r#"a = { command = "true"; paths = [ "**" ]; };"#).file("file", "text\n");
        let trap = Self { project, outside };
        let script = format!("#!/bin/sh\ntouch {}\nexec cat\n", trap.marker().display());
        fs::write(trap.program(), script).unwrap();
        fs::set_permissions(trap.program(), fs::Permissions::from_mode(0o755)).unwrap();
        trap
    }

    pub fn marker(&self) -> PathBuf {
        self.outside.path().join("marker")
    }

    pub fn program(&self) -> PathBuf {
        self.outside.path().join("program")
    }

    /// Makes a repository name the program in every setting with a command.
    pub fn set(&self, repository: &str) {
        let program = self.program();
        let program = program.to_str().unwrap();
        let folder = self.project.path(repository);
        let set = |key: &str, value: &str| {
            let status = Command::new("git").args(["config", key, value]).current_dir(&folder).status().unwrap();
            assert!(status.success(), "git config {key}");
        };
        for driver in ["evil", "e.v=i l"] {
            for kind in ["clean", "smudge", "process"] {
                set(&format!("filter.{driver}.{kind}"), program);
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
        // git status reads a file only if its stamp differs from that in the index.
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
            let file = fs::File::options().append(true).open(entry.path()).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    }

    /// Asserts that git itself runs the program in a folder, so that the test can fail.
    #[track_caller]
    pub fn assert_springs(&self, folder: &str) {
        let mut git = Command::new("git");
        ran(git.args(["status", "--short"]).current_dir(self.project.path(folder)));
        fs::remove_file(self.marker()).expect("git runs the program of the repository");
    }

    /// Asserts that plan and run start no program of the repository, as root and as a plain user.
    #[track_caller]
    pub fn holds(&self, judge: impl Fn(&Ran)) {
        self.assert_springs("");
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

pub fn succeeds(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

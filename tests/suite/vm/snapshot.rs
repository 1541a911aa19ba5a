//! The source tree that a job sees.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::project::Project;

#[test]
fn a_job_sees_tracked_and_new_files_as_they_are_and_no_ignored_ones() {
    let list = r"find . -mindepth 1 -not -type d -printf '%P %y %m %l\n' | sort; cat tracked staged new deep/new";
    let project = Project::with_guests(&format!("{{ jobs.list = {{ command = ''{list}''; }}; }}"))
        .file(".gitignore", "*.o\n/build\n")
        .file("tracked", "old\n")
        .file("staged", "old\n")
        .file("removed", "old\n")
        .file("tool", "#!/bin/sh\n");
    fs::set_permissions(project.path("tool"), Permissions::from_mode(0o755)).unwrap();
    symlink("deep/new", project.path("link")).unwrap();
    symlink("/no/such/file", project.path("dangling")).unwrap();
    let project = project
        .committed()
        .file("tracked", "modified\n")
        .file("staged", "staged\n")
        .file("new", "new\n")
        .file("deep/new", "deep\n")
        .file("a.o", "ignored\n")
        .file("build/out", "ignored\n");
    project.git(&["add", "staged"]);
    fs::remove_file(project.path("removed")).unwrap();
    project.pikaci(&["run"]).exits(0);
    let files = ".gitignore f 644 \ndangling l 777 /no/such/file\ndeep/new f 644 \nlink l 777 deep/new\nnew f 644 \n\
        pikaci.nix f 644 \nstaged f 644 \ntool f 755 \ntracked f 644 \n";
    assert_eq!(project.output("list"), format!("{files}modified\nstaged\nnew\ndeep\n"));
}

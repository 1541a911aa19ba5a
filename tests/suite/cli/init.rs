//! `pikaci init`: what it writes is valid, and it never overwrites.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use pikaci::config;

use crate::support::init_trees::{TREES, c_library};
use crate::support::project::{Project, ran};

#[test]
fn a_job_file_is_written_once_for_each_kind_of_project() {
    let trees = TREES.iter().map(|tree| (tree.job, tree.fill(Project::new(""))));
    for (job, project) in trees.chain([("make", c_library(Project::new("")))]) {
        let written = project.pikaci(&["init"]).exits(0);
        let job_file = project.path("pikaci.nix");
        let text = fs::read_to_string(&job_file).unwrap();
        let folders = if text.contains("hostFolders = ") { " --allow-host-folders" } else { "" };
        let file = job_file.canonicalize().unwrap();
        let end = format!("wrote {}\nnext: pikaci check, then pikaci run{folders}\n", file.display());
        assert!(written.stdout.ends_with(&end), "{}", written.stdout);
        let first = written.stdout.lines().next().unwrap();
        assert!(first.starts_with(&format!("job {job}: ")) || first.ends_with(job), "{first}");
        let jobs = config::read("pikaci.nix", &text).unwrap().jobs;
        assert!(jobs.keys().any(|name| name.as_str() == job), "{text}");
        assert_eq!(fs::metadata(&job_file).unwrap().permissions().mode() & 0o111, 0);
        let checked = project.pikaci(&["check"]).exits(0).stdout;
        assert!(checked.starts_with("pikaci.nix is valid: "), "{checked}");

        fs::write(&job_file, "{ }\n").unwrap();
        let again = project.pikaci(&["init"]).exits(2);
        assert!(again.stdout.is_empty() && again.stderr.contains("exists already\nhint: pikaci check"), "{again:?}");
        assert_eq!(fs::read_to_string(&job_file).unwrap(), "{ }\n");
        assert_eq!(project.pikaci(&["init", "--dry-run"]).exits(0).stdout, text);
        assert_eq!(fs::read_to_string(&job_file).unwrap(), "{ }\n");
        assert!(!project.state("").exists(), "init needs no state");
    }
}

#[test]
fn ignored_files_and_files_that_no_job_should_trust_are_left_out() {
    let project = TREES[1].fill(Project::new("")).file(".gitignore", "/go.mod\n").committed();
    let project = project.file("go.mod", "module a\n").file("real", "test:\n");
    std::os::unix::fs::symlink("real", project.path("Makefile")).unwrap();
    fs::create_dir_all(project.path("package.json")).unwrap();
    fs::write(project.path("package.json/file"), "").unwrap();
    fs::write(project.path("Cargo.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(ran(Command::new("mkfifo").arg(project.path("setup.py"))).code == Some(0));
    let written = project.pikaci(&["init"]).exits(0);
    for line in [
        "note: Makefile is left out: it is a symbolic link or lies behind one\n",
        "note: package.json is left out: it is a folder, not a regular file\n",
        "note: Cargo.toml is left out: it has more than 1048576 bytes\n",
    ] {
        assert!(written.stderr.contains(line), "{}", written.stderr);
    }
    assert!(written.stdout.starts_with("no build was recognised"), "{}", written.stdout);
}

#[test]
fn a_link_in_place_of_a_job_file_is_not_followed() {
    let project = TREES[1].fill(Project::new(""));
    std::os::unix::fs::symlink("elsewhere", project.path("pikaci.nix")).unwrap();
    project.pikaci(&["init"]).exits(2);
    assert!(!project.path("elsewhere").exists());
    project.pikaci(&["init", "-C", "/nonexistent"]).exits(2);
}

/// Its folder is named, as far as the policy allows it, and nothing of it is started.
#[test]
fn a_program_outside_of_usr_is_only_located() {
    let project = TREES[8].fill(Project::new("")).file("policy.json", r#"{ "hostFolders": false }"#);
    let bin = project.path("bin");
    fs::create_dir(&bin).unwrap();
    let mark = project.path("started");
    for program in ["meson", "ninja", "cc"] {
        fs::write(bin.join(program), format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        fs::set_permissions(bin.join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::join_paths([bin.clone(), "/bin".into()]).unwrap();
    let init = |args: &[&str]| ran(project.command(&["init"]).args(args).env("PATH", &path)).exits(0);
    let shared = init(&["--dry-run"]).stdout;
    let written = init(&["--policy=policy.json"]);
    let text = fs::read_to_string(project.path("pikaci.nix")).unwrap();
    let is_in_usr = ["/usr/local/bin", "/usr/bin"].iter().any(|folder| fs::exists(format!("{folder}/meson")).unwrap());
    assert_eq!(text.contains(&format!("# - meson is in {}\n", bin.display())), !is_in_usr, "{text}");
    assert_eq!(shared.contains(&format!("    hostFolders = [ \"{}\" ];\n", bin.display())), !is_in_usr, "{shared}");
    assert!(!text.contains("hostFolders"), "{text}");
    assert_eq!(written.stderr.contains("note: not in /usr"), !is_in_usr, "{}", written.stderr);
    assert!(!mark.exists());
}

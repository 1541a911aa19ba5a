//! Artifacts of jobs without a guest.

use std::fs;

use pikaci::event::Outcome;
use pikaci::record::Manifest;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::processes::Running;
use crate::support::project::{Project, json};

#[test]
fn a_job_fails_without_its_required_artifacts() {
    let project = Project::without_guest(
        r#"
        whole = { command = "echo a >a"; artifacts = { paths = [ "a" ]; required = true; }; };
        none = { command = "echo a >a"; artifacts = { paths = [ "a" "b/*" ]; required = true; }; };
        large = { command = "truncate -s 70M a"; artifacts = { paths = [ "a" ]; required = true; size = "64M"; }; };
        allowed = { command = "true"; artifacts = { paths = [ "a" ]; required = true; }; allowFailure = true; };
        "#,
    );
    let ended = project.pikaci(&["run"]).exits(100).stdout;
    let hint = "make the command write these files, or remove `required` of `artifacts` in pikaci.nix";
    assert!(ended.contains(hint), "{ended}");
    for (name, outcome, message) in [
        ("whole", Outcome::Passed, None),
        ("none", Outcome::Failed, Some("no file matches the artifacts `b/*`")),
        ("large", Outcome::Failed, Some("artifacts were left out: \"a\" doesn't fit into the `size` of the artifacts")),
        ("allowed", Outcome::Failed, Some("no file matches the artifacts `a`")),
    ] {
        let job = project.job(name);
        assert_eq!((job.status.outcome(), job.exit.reason.message.as_deref()), (Some(outcome), message), "{name}");
        assert_eq!(job.allowed, name == "allowed");
    }
}

#[test]
fn a_cancelled_job_leaves_its_artifacts() {
    let project =
        Project::without_guest(r#"a = { command = "echo kept >kept; echo up; sleep 600"; artifacts = [ "kept" ]; };"#);
    let mut running = Running::start(&project.command(&["run"]));
    running.prints(&project, "a", "up\n");
    running.signal(Signal::INT);
    assert_eq!(running.ends("SIGINT").code, Some(130));
    let job = project.job("a");
    assert_eq!((job.status.outcome(), job.artifacts.artifacts), (Some(Outcome::Cancelled), 1));
}

#[test]
fn links_come_as_links_if_they_lead_to_another_artifact() {
    let project = Project::without_guest(
        r#"
        lib = {
          command = ''
            mkdir -p out real; echo 1 >out/lib.so.1; echo file >real/file
            ln -s lib.so.1 out/lib.so; ln -s /etc/passwd out/passwd; ln -s ../.. out/up; ln -s real linked; ln -s out/lib.so.1 latest
          '';
          artifacts = [ "out/" "linked/**" "latest" ];
        };
        test = { command = "readlink out/lib.so; cat out/lib.so linked/file latest; ls out"; inputs.lib.from = "lib"; };
        "#,
    );
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.output("test"), "lib.so.1\n1\nfile\n1\nlib.so\nlib.so.1\n");
    let manifest = project.state(&project.job("lib").artifacts.artifacts_dir.unwrap()).with_file_name("manifest.json");
    let manifest: Manifest = serde_json::from_value(json(&manifest)).unwrap();
    let links: Vec<_> = manifest.links.iter().map(|link| (link.path.as_str(), link.kept)).collect();
    assert_eq!(links, [("out/lib.so", true), ("out/passwd", false), ("out/up", false)]);
    let listed = project.pikaci(&["artifacts"]).exits(0).stdout;
    assert!(listed.contains("link  out/passwd -> /etc/passwd (not kept: it leads to no artifact)\n"), "{listed}");
    let to = TempDir::new().unwrap();
    let to = to.path().join("to");
    project.pikaci(&["artifacts", "--job", "lib", "--to", to.to_str().unwrap()]).exits(0);
    assert_eq!(fs::read_link(to.join("out/lib.so")).unwrap().to_str(), Some("lib.so.1"));
    assert!(!to.join("out/passwd").is_symlink());
}

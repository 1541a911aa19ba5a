//! Inputs: the artifacts of other jobs in the workspace of a job without a guest.

use std::fs;
use std::os::unix::fs::symlink;

use pikaci::event::Outcome;
use pikaci::record::Manifest;

use crate::support::project::{Project, json};

const JOBS: &str = r#"
    lib = {
      matrix.cc = [ "gcc" "clang" ];
      command = "mkdir -p out; echo $cc >out/lib; printf '#!/bin/sh\\necho tool' >tool; chmod 755 tool";
      artifacts = [ "out" "tool" ];
    };
    test = {
      command = "deps/tool; cat deps/out/lib; cat all/cc=clang/out/lib; cat kept; echo changed >deps/out/lib";
      inputs.one = { from = "lib[cc=gcc]"; to = "deps"; };
      inputs.all = { from = "lib"; to = "all/"; };
    };
    nothing = { command = "true"; artifacts = [ "no-such-file" ]; };
    fed = { command = "true"; inputs.none.from = "nothing"; };
"#;

#[test]
fn a_job_has_the_artifacts_of_other_jobs() {
    let project = Project::without_guest(JOBS).file("kept", "kept\n");
    // A link of the project isn't followed.
    let outside = tempfile::TempDir::new().unwrap();
    symlink(outside.path(), project.path("deps")).unwrap();
    let planned = project.pikaci(&["plan", "test"]).exits(0).stdout;
    let part = "artifacts of lib[cc=clang] in all/cc=clang, lib[cc=gcc] in all/cc=gcc, lib[cc=gcc] in deps";
    assert!(planned.contains(part), "{planned}");
    project.pikaci(&["run", "test"]).exits(0);
    assert_eq!(project.output("test"), "tool\ngcc\nclang\nkept\n");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);

    // A rerun of the job alone has the artifacts of the recorded run, and they are still as their job left them.
    let first = project.runs().pop().unwrap();
    project.pikaci(&["rerun", &first, "test"]).exits(0);
    let plan = json(&project.last_run().join("plan.json"));
    assert_eq!(plan["nodes"][0]["execute"]["inputs"][0]["run"], first.as_str(), "{plan}");
    project.pikaci(&["rerun"]).exits(0);
    assert_eq!(project.output("test"), "tool\ngcc\nclang\nkept\n");
    // So that gc keeps that run.
    project.pikaci(&["gc", "--keep-runs", "1"]).exits(0);
    assert_eq!(project.runs().len(), 2);

    // Not in the folder of runs, where a glob of all runs would match one of them twice.
    let latest = fs::read_link(project.state("latest")).unwrap();
    assert_eq!(latest.to_str(), project.runs().last().map(|run| format!("runs/{run}")).as_deref());
    assert!(project.state("latest/run.json").exists());

    // A changed artifact is no input.
    let lib = project.state("runs").join(&first).join("jobs/lib+5bcc+3dgcc+5d/attempts/1");
    let manifest: Manifest = serde_json::from_value(json(&lib.join("manifest.json"))).unwrap();
    let tool = manifest.files.iter().find(|file| file.path == "tool").unwrap();
    assert_eq!((tool.mode.as_deref(), tool.sha256.is_some()), (Some("755"), true));
    fs::write(lib.join("artifacts/out/lib"), "GCC\n").unwrap();
    let reason = |project: &Project| project.job("test").exit.reason.message.unwrap();
    project.pikaci(&["rerun"]).exits(102);
    let changed = "the artifacts of the job lib[cc=gcc]: out/lib: it has changed since its job left it";
    assert_eq!(reason(&project), changed);
    fs::remove_file(lib.join("artifacts/out/lib")).unwrap();
    symlink("/etc/passwd", lib.join("artifacts/out/lib")).unwrap();
    project.pikaci(&["rerun"]).exits(102);
    assert!(reason(&project).starts_with("the artifacts of the job lib[cc=gcc]: out/lib is missing: it is a symbolic"));
    // Neither does a manifest lead elsewhere.
    for path in ["../manifest.json", "/etc/passwd", ".git/config", ""] {
        let text = fs::read_to_string(lib.join("manifest.json")).unwrap();
        fs::write(lib.join("manifest.json"), text.replacen("out/lib", path, 1)).unwrap();
        project.pikaci(&["rerun"]).exits(102);
        assert!(reason(&project).ends_with("isn't the path of an artifact"), "{path}: {}", reason(&project));
        fs::write(lib.join("manifest.json"), text).unwrap();
    }
}

#[test]
fn a_missing_artifact_is_an_error_that_names_the_job() {
    let project = Project::without_guest(JOBS);
    project.pikaci(&["run", "fed"]).exits(102);
    let job = project.job("fed");
    let message = "the input none needs the artifacts of the job nothing, which left none";
    assert_eq!((job.status.outcome(), job.exit.reason.message.as_deref()), (Some(Outcome::Errored), Some(message)));
    for args in [&["run", "test", "--only"][..], &["plan", "test", "--skip", "lib[cc=gcc]"]] {
        let refused = project.pikaci(args).exits(2).stderr;
        assert!(refused.contains("job test gets artifacts of the job lib[cc="), "{refused}");
        assert!(refused.contains("which isn't selected\nhint: leave out --only or --skip"), "{refused}");
    }
}

#[test]
fn a_taken_result_has_its_artifacts_for_a_job_that_runs() {
    let project = Project::without_guest(
        r#"
        lib = { command = "date +%s%N >lib; cat file"; artifacts = [ "lib" ]; cache = "trust"; paths = [ "file" ]; };
        test = { command = "cat lib other"; inputs.lib.from = "lib"; cache = "trust"; paths = [ "other" ]; };
        "#,
    )
    .file("file", "")
    .file("other", "1\n");
    let outcomes =
        |project: &Project| project.record().jobs.iter().map(|job| job.status.outcome().unwrap()).collect::<Vec<_>>();
    project.pikaci(&["run", "--all"]).exits(0);
    let first = project.output("test");
    fs::write(project.path("other"), "2\n").unwrap();
    project.pikaci(&["run", "--all"]).exits(0);
    assert_eq!(outcomes(&project), [Outcome::Cached, Outcome::Passed]);
    assert_eq!(project.output("test"), first.replace("\n1\n", "\n2\n"));
    project.pikaci(&["run", "--all"]).exits(0);
    assert_eq!(outcomes(&project), [Outcome::Cached; 2]);
}

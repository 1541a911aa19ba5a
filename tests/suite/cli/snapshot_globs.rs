//! Files that a job file adds to snapshots, or leaves out, on base `none`.

use std::fs;

use pikaci::event::Outcome;

use crate::support::project::Project;

const JOBS: &str = r#"{
  guests.default.base = "none";
  snapshot = { include = [ ".env.test" "vendor/" ]; exclude = [ "docs/big/" ]; };
  jobs.list = { command = "find . -type f | sort; cat .env.test"; cache = "trust"; };
  jobs.vendored = { command = "true"; paths = [ "vendor" ]; };
  jobs.source = { command = "true"; paths = [ "src" ]; };
}"#;

fn project() -> Project {
    let project = Project::new(JOBS).file(".gitignore", ".pikaci\n/vendor/\n.env*\n").file("src/a", "a\n");
    let project = project.file("docs/big/x", "").file("docs/small", "").file("vendor/lib/b", "b\n");
    project.file(".env.test", "KEY=1\n").file(".env", "secret\n").committed()
}

#[test]
fn jobs_get_included_files_and_no_excluded_ones() {
    let project = project();
    project.pikaci(&["check"]).exits(0);
    let run = project.pikaci(&["run"]).exits(0);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    let files = "./.env.test\n./.gitignore\n./docs/small\n./pikaci.nix\n./src/a\n./vendor/lib/b\nKEY=1\n";
    assert_eq!(project.output("list"), files);
    // The included file is a part of the result key.
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.job("list").status.outcome(), Some(Outcome::Cached));
    fs::write(project.path("docs/big/x"), "changed").unwrap();
    project.pikaci(&["run", "list"]).exits(0);
    assert_eq!(project.job("list").status.outcome(), Some(Outcome::Cached));
    fs::write(project.path(".env.test"), "KEY=2\n").unwrap();
    project.pikaci(&["run", "list"]).exits(0);
    assert_eq!(project.job("list").status.outcome(), Some(Outcome::Passed));
    assert!(project.output("list").ends_with("KEY=2\n"));
    fs::write(project.path(".env.test"), "KEY=3\n").unwrap();
    project.pikaci(&["rerun"]).exits(0);
    assert!(project.output("list").ends_with("KEY=2\n"), "a rerun has the files of then");
    for command in ["run", "rerun"] {
        let untrusted = project.pikaci(&[command, "--untrusted"]).exits(2).stderr;
        assert!(untrusted.contains("job list gets files that git ignores (`.env.test`)"), "{untrusted}");
    }
}

#[test]
fn changes_of_excluded_files_affect_no_job_and_included_files_always_count() {
    let project = project();
    let explained = |args: &[&str]| project.pikaci(&[&["plan", "--explain"], args].concat()).exits(0).stdout;
    let affected = explained(&["--affected"]);
    for line in [
        "  runs      list: .env.test, which git ignores, may have changed\n",
        "  runs      vendored: its paths match vendor/lib/b\n",
        "  left out  source: no file of its paths changed against HEAD\n",
    ] {
        assert!(affected.contains(line), "{affected}");
    }
    // A clean checkout runs everything.
    assert!(!explained(&[]).contains("left out"));
    let text = JOBS.replace(r#"include = [ ".env.test" "vendor/" ];"#, "").replace("; cat .env.test", "");
    fs::write(project.path("pikaci.nix"), text.replace(r#""vendor""#, r#""docs/**""#)).unwrap();
    project.git(&["commit", "--quiet", "--all", "--message=exclude"]);
    fs::write(project.path("docs/big/x"), "changed").unwrap();
    let affected = explained(&["--affected"]);
    assert!(!affected.contains("  runs "), "{affected}");
    // Another selection of files may change the result of each job.
    fs::write(project.path("pikaci.nix"), text.replace("docs/big/", "docs/")).unwrap();
    let affected = explained(&["--affected"]);
    for job in ["list", "vendored", "source"] {
        assert!(affected.contains(&format!("  runs      {job}: pikaci.nix defines it differently")), "{affected}");
    }
}

#[test]
fn globs_that_match_no_file_are_reported() {
    let project = Project::new(
        r#"{ guests.default.base = "none"; jobs.a.command = "true";
             snapshot = { include = [ ".env" ".pikaci/" ]; exclude = [ "dcos/" ]; }; }"#,
    );
    let warnings = [
        "`.env` in `snapshot.include` matches no file of the project\n",
        "`.pikaci/` in `snapshot.include` matches no file of the project\n",
        "`dcos/` in `snapshot.exclude` matches no file of the project\n",
    ];
    let run = project.pikaci(&["run"]).exits(0).stderr;
    let refused = project.pikaci(&["check"]).exits(2).stderr;
    for warning in warnings {
        assert!(run.contains(&format!("warning: {warning}")) && refused.contains(warning), "{run}{refused}");
    }
    let many = format!("{{ snapshot.include = [ {} ]; }}", "\"a\" ".repeat(101));
    let refused = project.file("pikaci.nix", &many).pikaci(&["check"]).exits(2).stderr;
    assert!(refused.contains("`snapshot.include` has more than 100 globs"), "{refused}");
}

//! Secrets: consent, sources, masking, and jobs without a guest.

use std::fs;

use crate::support::processes::Running;
use crate::support::project::{Project, json, ran};
use crate::support::secret_leaks::SecretLeaks;

#[test]
fn the_secrets_of_a_job_without_a_guest_are_masked_and_in_no_file_of_pikaci() {
    let leaks = SecretLeaks::new();
    let project = SecretLeaks::with_scripts(Project::new(&format!(
        r#"{{
          {}
          guests.default.base = "none";
          jobs.leak = {{
            secrets = [ "TOKEN" "KEY" "PASSWORD" ];
            services.shout = {{ command = "sh forms.sh; sleep 1000"; }};
            steps = [
              {{ name = "show"; command = "sh forms.sh; sh facts.sh; echo $KEY >key-file"; }}
              {{ name = "wait"; command = "echo end of it; while [ ! -e key-file.done ]; do sleep 0.1; done"; timeout = 3; }}
              {{ name = "fail"; command = "cat key-file; echo why $TOKEN; exit 3"; when = "always"; }}
            ];
          }};
        }}"#,
        leaks.job_file_keys()
    )));
    let plan = project.pikaci(&["plan"]);
    assert!(plan.stderr.contains("--allow-secret-files"), "{}", plan.stderr);
    // A plan reads no value.
    let plan = leaks.command(&project, &["plan"]).env_remove("LEAK_TEST_TOKEN").output().unwrap();
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(plan.contains("secrets KEY, PASSWORD, TOKEN, readable by all processes of this user"), "{plan}");
    let mut running = Running::start(&leaks.command(&project, &["run", "--format=json"]));
    running.prints(&project, "leak", "end of it\n");
    leaks.assert_nowhere(&project.state(""), running.pid().as_raw_nonzero().get().unsigned_abs());
    let ended = running.ends("a job with secrets").exits(100);
    leaks.assert_absent("the events", &ended.stdout);
    let logs = |part: &str| project.pikaci(&["logs", "--job=leak", part]).exits(0).stdout;
    leaks.assert_masked(&logs("--step=show"));
    let fails = logs("--step=fail");
    let (file, rest) = fails.split_once('\n').unwrap();
    assert!(file.ends_with("/KEY") && !fs::exists(file).unwrap(), "{fails}");
    assert_eq!(rest, "why ***TOKEN***\n");
    let service = logs("--service=shout");
    assert!(service.starts_with("***TOKEN***\n"), "{service}");
    for args in [&["why", "leak"][..], &["status", "--format=json"], &["logs"], &["rerun"]] {
        let shown = ran(&mut leaks.command(&project, args));
        leaks.assert_absent(args[0], &(shown.stdout + &shown.stderr));
    }
    assert_eq!(project.runs().len(), 2);
    leaks.assert_masked(&logs("--step=show"));
    // A recorded plan needs the consent too, and the value of today.
    let refused = project.pikaci(&["rerun"]).exits(69).stderr;
    assert!(refused.contains("job leak requests the secret KEY from the file "), "{refused}");
    let mut rerun = leaks.command(&project, &["rerun"]);
    let refused = ran(rerun.env_remove("LEAK_TEST_TOKEN")).exits(2).stderr;
    assert!(refused.contains("the secret TOKEN from the variable LEAK_TEST_TOKEN"), "{refused}");
    assert_eq!(project.runs().len(), 2);
}

/// Returns a project with a job without a guest and its secret from this source.
fn project_with(source: &str) -> Project {
    Project::new(&format!(
        "{{\n  guests.default.base = \"none\";\n  secrets.S = {{ {source} }};\n  jobs.a = {{ command = \"true\"; secrets = [ \"S\" ]; }};\n}}"
    ))
}

#[test]
fn a_secret_without_consent_or_value_is_refused_with_its_line_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("large"), "x".repeat((64 << 10) + 1)).unwrap();
    fs::write(path("binary"), b"secret\0secret").unwrap();
    fs::write(path("good"), "a good value\n").unwrap();
    let file = |name: &str| format!("file = \"{}\";", path(name));
    let command = |script: &str| format!("command = [ \"sh\" \"-c\" \"{script}\" ];");
    let both = ["run", "--allow-secret-files", "--allow-secret-commands"];
    for (source, args, code, message, hint) in [
        (file("good"), &["run"][..], 69, "job a requests the secret S from the file ", "add --allow-secret-files"),
        (command("echo"), &["run"], 69, "requests the secret S from the command sh -c", "add --allow-secret-commands"),
        (
            "env = \"PATH\";".to_owned(),
            &["run", "--untrusted"],
            2,
            "which --untrusted doesn't allow",
            "without --untrusted",
        ),
        (
            "env = \"NO_SUCH\";".to_owned(),
            &both,
            2,
            "pikaci.nix:3: the secret S from the variable NO_SUCH: there is no such variable",
            "set it: NO_SUCH=…",
        ),
        (
            "env = \"FIVE\";".to_owned(),
            &both,
            2,
            "its value has 5 bytes, and fewer than 6 can't be masked",
            "set it: FIVE=…",
        ),
        (file("none"), &both, 2, "No such file", "head -c 64 "),
        (file("."), &both, 2, "a file below `/`", ""),
        (format!("file = \"{}\";", folder.path().display()), &both, 2, "not a regular file", "head -c 64"),
        (file("large"), &both, 2, "it has more than 65536 bytes", "head -c 64"),
        (file("binary"), &both, 2, "its value has a NUL", "head -c 64"),
        (
            command("echo the-value-of-it; exit 3"),
            &both,
            2,
            "it ended with exit code 3",
            "check that it works in the folder of the project: sh -c 'echo",
        ),
        (command("printf '\\\\377secret'"), &both, 2, "its value isn't UTF-8", "check that it works"),
    ] {
        let project = project_with(&source);
        let refused = ran(project.command(args).env("FIVE", "12345")).exits(code).stderr;
        assert!(refused.contains(message) && refused.contains(hint), "{source}: {refused}");
        assert!(!refused.contains("12345"), "{refused}");
        assert_eq!(project.runs(), [""; 0], "{source}");
    }
}

#[test]
fn the_policy_names_the_kinds_of_sources() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("good"), "a good value\n").unwrap();
    let project = project_with(&format!("file = \"{}\";", path("good")));
    for (kinds, code, message) in [
        (r#"["env", "command"]"#, 2, "job a gets the secret S from the file "),
        (r#"["env", "command"]"#, 2, "set \"secrets\" in "),
        (r#"["file"]"#, 0, ""),
    ] {
        fs::write(path("policy.json"), format!(r#"{{ "secrets": {kinds} }}"#)).unwrap();
        let args = ["run", "--allow-secret-files", "--policy", &path("policy.json")];
        let ended = project.pikaci(&args).exits(code).stderr;
        assert!(ended.contains(message), "{ended}");
    }
}

#[test]
fn the_result_key_has_the_name_of_a_secret_and_not_its_value() {
    let job = r#"jobs.a = { command = "echo ran"; cache = "trust"; secrets = [ "S" ]; };"#;
    let text = |source: &str| format!("{{ guests.default.base = \"none\"; secrets.S.env = \"{source}\"; {job} }}");
    let project = Project::new(&text("FIRST"));
    let run = |value: &str| {
        let ended = ran(project.command(&["run"]).env("FIRST", value).env("SECOND", value)).exits(0).stdout;
        ended.contains("cached")
    };
    assert!(!run("one-value"));
    let key = json(&project.last_run().join("plan.json")).to_string();
    assert!(key.contains("FIRST") && !key.contains("one-value"), "{key}");
    assert!(run("another-value"));
    // A taken result needs no value.
    ran(project.command(&["run"]).env_remove("FIRST")).exits(0);
    fs::write(project.path("pikaci.nix"), text("SECOND")).unwrap();
    assert!(!run("one-value"));
}

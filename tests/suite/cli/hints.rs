//! Hints for commands that fail, on base `none`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::project::{Project, ran};

#[test]
fn a_failed_command_gets_its_remedy_below_its_output() {
    let project = Project::without_guest(
        r#"
        a-program = { command = "only-in-the-home-folder"; };
        b-mode = { command = "./ci.sh"; };
        c-shell = { command = "[[ -e x ]]"; };
        "#,
    )
    .file("ci.sh", "#!/bin/sh\n")
    .file("home/.cargo/bin/only-in-the-home-folder", "");
    let folder = project.path("home/.cargo/bin");
    let pikaci = |command| ran(project.command(&[command]).env("HOME", project.path("home")));
    let run = pikaci("run").exits(100).stdout;
    let status = pikaci("status").exits(0).stdout;
    let program = "only-in-the-home-folder";
    for line in [
        format!("hint: {program} is in {0}, which isn't in PATH: export PATH={0}:$PATH\n", folder.display()),
        "hint: make it executable: chmod +x ./ci.sh\n".to_owned(),
        "hint: `[[` is a word of bash, and the script runs with sh: write `shell = \"bash\";` in the job\n".to_owned(),
        format!("{program}: not found\n"),
        "./ci.sh: Permission denied\n".to_owned(),
    ] {
        assert!(run.contains(&line), "{line}{run}");
        assert!(status.contains(&line) || !line.starts_with("hint: "), "{line}{status}");
    }
    fs::set_permissions(project.path("ci.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    project.pikaci(&["run", "b-mode"]).exits(0);
}

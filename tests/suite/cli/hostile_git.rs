//! Repositories with settings that name programs, and with an index that names files outside: pikaci runs and reads
//! none of these.

use std::fs;

use crate::support::project::ran;
use crate::support::trap::Trap;

#[test]
fn a_bare_repository_inside_a_clone_runs_nothing() {
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
    trap.assert_springs("sub");
    for args in [["plan"], ["run"], ["list"]] {
        let ran = ran(trap.project.command(&args).current_dir(trap.project.path("sub")));
        assert!(!trap.marker().exists(), "{args:?} ran a program: {ran:?}");
    }
}

/// An index may contain any path, but git itself never writes these.
#[test]
fn an_index_with_a_path_that_leads_outside_is_an_error() {
    let trap = Trap::new();
    fs::write(trap.outside.path().join("secret"), "canary").unwrap();
    let project = trap.project.file("xx/secret", "inside").committed();
    let index = fs::read(project.path(".git/index")).unwrap();
    for (name, shown) in [("../secret", "../secret"), ("./xsecret", "./xsecret"), ("x//secret", "x//secret")] {
        let mut forged = replaced(&index, b"xx/secret", name.as_bytes());
        let end = forged.len() - 20;
        // Git accepts zeros instead of a checksum.
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

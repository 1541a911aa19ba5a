//! The repository of jobs with `git = true`, in guests.

use std::process::Command;

use crate::support::project::Project;

/// Prints what git says about the workspace, without its colours and times.
const QUERIES: &str = "git describe --tags --dirty; git log --format=%H; git rev-parse --abbrev-ref HEAD; \
    git status --porcelain; git diff --exit-code --stat || echo dirty; git fsck --connectivity-only";

#[test]
fn git_answers_the_job_s_user_and_root_as_on_the_host() {
    let jobs = format!(
        r#"{{ defaults.git = true; jobs.user.command = ''
              {QUERIES}
              ! grep -r t0ken .git /pikaci/git
              stat -c %U .git .git/index
              echo more >new && git add new && git -c user.name=a -c user.email=a@b commit --quiet --message=more
              git log --format=%s
              ! touch /pikaci/git-objects/x
            '';
            jobs.root = {{ command = "{QUERIES}"; runAsRoot = true; }}; }}"#
    );
    let project = Project::with_guests(&jobs).file("a", "a\n").file("sub/b", "b\n").committed();
    project.git(&["tag", "v1"]);
    project.git(&["commit", "--quiet", "--allow-empty", "--message=second"]);
    project.git(&["remote", "add", "origin", "https://me:t0ken@example.org/x"]);
    let project = project.file("sub/b", "changed\n");
    let on_host = Command::new("sh").args(["-c", QUERIES]).current_dir(project.path(".")).output().unwrap();
    let on_host = String::from_utf8(on_host.stdout).unwrap();
    assert!(on_host.contains("v1-1-g") && on_host.contains("dirty\n"), "{on_host}");
    project.pikaci(&["run"]).exits(0);
    assert_eq!(project.output("root"), on_host);
    let user = project.output("user");
    let own = user.strip_prefix(&on_host).unwrap_or_else(|| panic!("{user}"));
    assert!(own.starts_with("job\njob\nmore\nsecond\n"), "{own}");
    // The commit of the job is in its own repository.
    let after = Command::new("git").args(["log", "--format=%s"]).current_dir(project.path(".")).output().unwrap();
    assert!(after.stdout.starts_with(b"second\n"), "{after:?}");
}

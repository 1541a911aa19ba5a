//! A project with a forged state folder, and all commands on it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::checking::tree;
use crate::support::plain_user::by_plain_user;
use crate::support::project::{Project, Ran, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::inside;

/// Every command that looks for a project or its state folder.
const COMMANDS: [&[&str]; 13] = [
    &["check"],
    &["plan"],
    &["run"],
    &["rerun"],
    &["list"],
    &["status"],
    &["logs"],
    &["logs", "--kind=host"],
    &["artifacts"],
    &["cancel"],
    &["gc"],
    &["gc", "--keep-runs=0"],
    &["doctor"],
];
/// Text that no command may print.
const CANARY: &str = "canary-5f1c";

/// A project that has run once, and a folder outside of it that no command may touch.
pub struct Scene {
    pub project: Project,
    pub outside: TempDir,
}

impl Scene {
    pub fn new() -> Self {
        let outside = TempDir::with_prefix("pikaci-test-").unwrap();
        fs::write(outside.path().join("secret"), CANARY).unwrap();
        fs::create_dir_all(outside.path().join("20261101-000000000-0000/jobs")).unwrap();
        let job = format!("a.command = \"touch {}/ran; echo out\";", outside.path().display());
        let project = Project::without_guest(&job).committed();
        project.pikaci(&["run"]).exits(0);
        fs::remove_file(outside.path().join("ran")).unwrap();
        Self { project, outside }
    }

    pub fn outside(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    /// Asserts that every command ends as `judge` demands, prints no canary, and changes nothing outside.
    #[track_caller]
    pub fn holds(&self, user: Option<&StandIns>, judge: impl Fn(&[&str], &Ran)) {
        let before = tree(self.outside.path());
        for args in COMMANDS {
            let command = match user {
                Some(programs) => by_plain_user(&self.project, programs, args),
                None => self.project.command(args),
            };
            // A run of the project itself would leave a mark.
            let ran = ran(bounded(&command).env_remove("PIKACI_ALLOW_UNISOLATED"));
            assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{args:?}: {ran:?}");
            assert_eq!(tree(self.outside.path()), before, "{args:?}");
            judge(args, &ran);
        }
    }

    /// Asserts that every command refuses the state folder for this reason.
    #[track_caller]
    pub fn refuses(&self, user: Option<&StandIns>, why: &str) {
        self.holds(user, |args, ran| {
            let code = if args == ["doctor"] { 69 } else { 2 };
            let output = if args == ["doctor"] { &ran.stdout } else { &ran.stderr };
            assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
            assert!(output.contains(why) && output.contains("hint: "), "{args:?}: {ran:?}");
        });
    }
}

/// Returns the command with a limit of time and memory, which reading without an end would exceed.
fn bounded(command: &Command) -> Command {
    let mut bounded = Command::new("/bin/sh");
    bounded.args(["-c", "ulimit -v 4000000; exec timeout 60 \"$0\" \"$@\""]);
    inside(bounded, command)
}

//! A project that brings a state folder, or one that others can change: no command believes, follows or removes anything.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::checking::tree;
use crate::local;
use crate::plain_user::by_plain_user;
use crate::project::{Project, Ran, ran};
use crate::stand_in::StandIns;

/// Every command that finds a project or its state.
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
/// What no command may print.
const CANARY: &str = "canary-5f1c";

/// A project that ran once, and a folder outside of it that nothing may touch.
struct Scene {
    project: Project,
    outside: TempDir,
}

impl Scene {
    fn new() -> Self {
        let outside = TempDir::with_prefix("pikaci-test-").unwrap();
        fs::write(outside.path().join("secret"), CANARY).unwrap();
        fs::create_dir_all(outside.path().join("20261101-000000000-0000/jobs")).unwrap();
        let job = format!("a.command = \"touch {}/ran; echo out\";", outside.path().display());
        let project = local::project(&job).committed();
        project.pikaci(&["run"]).exits(0);
        fs::remove_file(outside.path().join("ran")).unwrap();
        Self { project, outside }
    }

    fn outside(&self, name: &str) -> PathBuf {
        self.outside.path().join(name)
    }

    /// Asserts that every command ends as `judge` says, and that none printed the canary or changed what is outside.
    #[track_caller]
    fn holds(&self, user: Option<&StandIns>, judge: impl Fn(&[&str], &Ran)) {
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
    fn refuses(&self, user: Option<&StandIns>, why: &str) {
        self.holds(user, |args, ran| {
            let code = if args == ["doctor"] { 69 } else { 2 };
            let said = if args == ["doctor"] { &ran.stdout } else { &ran.stderr };
            assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
            assert!(said.contains(why) && said.contains("hint: "), "{args:?}: {ran:?}");
        });
    }
}

/// Returns the command with a limit of time and memory, which reading without an end would reach.
fn bounded(command: &Command) -> Command {
    let mut bounded = Command::new("/bin/sh");
    bounded.args(["-c", "ulimit -v 4000000; exec timeout 60 \"$0\" \"$@\""]).arg(command.get_program());
    bounded.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    bounded.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    bounded
}

#[test]
fn one_that_git_tracks_is_refused() {
    let scene = Scene::new();
    scene.project.git(&["add", "--force", ".pikaci"]);
    scene.project.git(&["commit", "--quiet", "--message=state"]);
    scene.refuses(None, "came with the repository: git tracks .pikaci/");
}

#[test]
fn files_that_a_branch_adds_to_an_ignored_one_are_refused() {
    let scene = Scene::new();
    let run = scene.project.last_run();
    let forged = run.with_file_name("20991101-000000000-0000");
    let copied = Command::new("cp").arg("-a").args([&run, &forged]).status().unwrap();
    assert!(copied.success());
    scene.project.git(&["add", "--force", forged.to_str().unwrap()]);
    scene.refuses(None, "came with the repository: git tracks .pikaci/runs/20991101-000000000-0000/");
    // In a folder of the repository as well, by whatever name it is typed.
    let inner = scene.project.path("inner/state");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("version"), "1\n").unwrap();
    scene.project.git(&["add", "--force", "inner"]);
    let list = scene.project.pikaci(&["list", "--state-root=inner/../inner/state"]).exits(2).stderr;
    assert!(list.contains("git tracks state/version"), "{list}");
}

#[test]
fn one_that_is_a_link_or_has_links_is_refused() {
    let scene = Scene::new();
    let state = scene.project.path(".pikaci");
    let kept = scene.project.path("kept");
    for name in ["runs", "locks", "snapshots", "indexes"] {
        fs::create_dir_all(state.join(name)).unwrap();
        fs::rename(state.join(name), &kept).unwrap();
        symlink(scene.outside.path(), state.join(name)).unwrap();
        scene.refuses(None, &format!(".pikaci/{name} is a symbolic link, and pikaci follows none to its state"));
        fs::remove_file(state.join(name)).unwrap();
        fs::rename(&kept, state.join(name)).unwrap();
    }
    for (name, to) in [("version", "/dev/zero"), ("host.json", "/dev/zero"), ("kvm.json", "/etc/passwd")] {
        fs::remove_file(state.join(name)).ok();
        symlink(to, state.join(name)).unwrap();
        scene.refuses(None, &format!(".pikaci/{name} is a symbolic link"));
        fs::remove_file(state.join(name)).unwrap();
        fs::write(state.join("version"), "1\n").unwrap();
    }
    fs::rename(&state, scene.outside("state")).unwrap();
    symlink(scene.outside("state"), &state).unwrap();
    scene.refuses(None, ".pikaci is a symbolic link, and pikaci follows none to its state");
}

#[test]
fn one_of_another_user_or_that_others_can_write_is_refused() {
    let scene = Scene::new();
    let state = scene.project.path(".pikaci");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
    scene.refuses(None, "other users may write the state folder");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    chown(&state, Some(4321), Some(4321)).unwrap();
    scene.refuses(None, "belongs to another user (uid 4321)");
    // A plain user is told the same of one that root made.
    let programs = StandIns::new();
    drop(by_plain_user(&scene.project, &programs, &["list"]));
    chown(&state, Some(0), Some(0)).unwrap();
    let mut list = by_plain_user(&scene.project, &programs, &["list"]);
    chown(&state, Some(0), Some(0)).unwrap();
    let stderr = ran(&mut list).exits(2).stderr;
    assert!(stderr.contains("belongs to another user (uid 0)\nhint: run pikaci as that user"), "{stderr}");
}

/// Replaces texts in all records of the latest run.
fn forge(project: &Project, replacements: &[(&str, &str)]) {
    let run = project.last_run();
    let job = run.join("jobs/a/status.json");
    for file in [run.join("run.json"), run.join("events.jsonl"), run.join("plan.json"), job] {
        let text = fs::read_to_string(&file).unwrap();
        let text = replacements.iter().fold(text, |text, (from, to)| text.replace(from, to));
        fs::write(&file, text).unwrap();
    }
}

/// One that came with an archive belongs to the user, and no git tells of it.
#[test]
fn forged_records_lead_nowhere() {
    for (user, up) in [(false, ""), (true, ""), (false, "../../../../../../../../../../..")] {
        let programs = user.then(StandIns::new);
        let scene = Scene::new();
        fs::set_permissions(scene.outside.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let log = scene.project.job("a").guest_log_path.unwrap();
        let to = format!("{up}{}", scene.outside("secret").display());
        forge(
            &scene.project,
            &[(log.as_str(), &to), ("\"artifacts_dir\": null", &format!("\"artifacts_dir\": {to:?}"))],
        );
        scene.holds(programs.as_ref(), |args, ran| assert_ne!(ran.code, Some(124), "{args:?} hangs"));
    }
}

#[test]
fn links_and_devices_among_records_are_not_followed() {
    let log = |name: &str| format!("jobs/a/attempts/1/{name}.log");
    for (name, to) in [
        (log("guest"), "secret"),
        (log("host"), "secret"),
        ("jobs/a/status.json".to_owned(), "/dev/zero"),
        ("events.jsonl".to_owned(), "/dev/zero"),
        ("lock".to_owned(), "made"),
        ("run.json".to_owned(), "/dev/zero"),
        ("../20991101-000000000-0000".to_owned(), "20261101-000000000-0000"),
        ("../../locks/gc".to_owned(), "made"),
    ] {
        let scene = Scene::new();
        let place = scene.project.last_run().join(&name);
        fs::remove_file(&place).ok();
        symlink(scene.outside(to), &place).unwrap();
        scene.holds(None, |args, ran| assert_ne!(ran.code, Some(124), "{args:?} hangs: {name}"));
    }
}

#[test]
fn a_snapshot_that_was_changed_is_not_run_again() {
    let scene = Scene::new();
    let snapshot = scene.project.state(&scene.project.record().info.snapshot_dir);
    for change in ["added", "pikaci.nix", ".git/config"] {
        let file = snapshot.join(change);
        let before = fs::read(&file).ok();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "changed").unwrap();
        let stderr = scene.project.pikaci(&["rerun"]).exits(4).stderr;
        assert!(stderr.contains("isn't what it was when it was made\nhint: pikaci run"), "{stderr}");
        match before {
            Some(text) => fs::write(&file, text).unwrap(),
            None if change == ".git/config" => fs::remove_dir_all(snapshot.join(".git")).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
    }
    assert!(!scene.outside("ran").exists());
    scene.project.pikaci(&["rerun"]).exits(0);
    assert!(scene.outside("ran").exists());
}

//! pikaci as a plain user of the host, with a Nix daemon or a store at home.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pikaci::event::Outcome;

use crate::support::checking::{assert_checked, checking, tree};
use crate::support::plain_user::{PLAIN_USER, by_plain_user};
use crate::support::project::{NIX_CONFIG, Project, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::nix;

/// A daemon of Nix, which ends with the test.
struct NixDaemon(Child);

impl NixDaemon {
    fn start(socket: &Path) -> Self {
        let mut command = Command::new(nix("oldest"));
        command.arg("daemon").env("NIX_CONFIG", NIX_CONFIG).env("NIX_DAEMON_SOCKET_PATH", socket);
        let daemon = Self(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < deadline, "nix daemon doesn't listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        daemon
    }
}

impl Drop for NixDaemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_plain_user_of_the_host_runs_jobs_as_that_user() {
    let script = r#"
is user "$(id -u):$(id -g):$(id -un)" 1234:1234:job
is owners "$(stat -c %u:%g . file folder/file | sort -u)" 1234:1234
echo changed >folder/file
works mv folder moved
is changed "$(cat moved/file)" changed
fails touch /usr/new
"#;
    let project = checking(r#"command = [ "sh" "check.sh" ];"#, script).file("file", "f\n").file("folder/file", "f\n");
    let project = project.committed();
    let programs = StandIns::new();
    let socket = programs.path("socket");
    let _daemon = NixDaemon::start(&socket);
    let command = |args: &[&str]| {
        let mut command = by_plain_user(&project, &programs, args);
        command.env("NIX_REMOTE", format!("unix://{}", socket.display()));
        command
    };
    let doctor = ran(&mut command(&["doctor"])).exits(0);
    assert!(
        doctor.stdout.contains("\nok       store      the Nix daemon answers, and ignores --builders of this user\n"),
        "{}",
        doctor.stdout
    );
    // The daemon doesn't trust the user, so it builds on this machine.
    let ignored = "--builders has no effect: the Nix daemon doesn't trust this user";
    let doctor = ran(&mut command(&["doctor", "--builders=ssh-ng://other"])).exits(0);
    assert!(doctor.stdout.contains(&format!("\nwarning  builder    {ignored}\n")), "{}", doctor.stdout);
    let run = ran(&mut command(&["run", "--builders=ssh-ng://other"])).exits(0);
    assert!(run.stderr.contains(&format!("note: {ignored}\nhint: name the machines in `builders`")), "{}", run.stderr);
    assert_checked(&project);
    let owners = tree_owners(&project.state(""));
    assert_eq!(owners, [PLAIN_USER]);
    assert_eq!(fs::metadata(project.state("")).unwrap().mode() & 0o777, 0o700);
}

fn tree_owners(folder: &Path) -> Vec<u32> {
    let mut owners: Vec<u32> =
        tree(folder).keys().map(|name| fs::symlink_metadata(folder.join(name)).unwrap().uid()).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

#[test]
fn a_plain_user_without_a_daemon_has_a_store_at_home() {
    let project = Project::with_guests(r#"{ jobs.a = { command = "id -u; cat file"; }; }"#).file("file", "content\n");
    let (programs, home) = (StandIns::new().own_busybox(), tempfile::TempDir::with_prefix("pikaci-home-").unwrap());
    chown(home.path(), Some(PLAIN_USER), Some(PLAIN_USER)).unwrap();
    let root = home.path().join(".local/share/nix/root");
    let at_home = |mut command: Command| ran(command.env("HOME", home.path())).exits(0);
    let command = |args: &[&str]| programs.before(by_plain_user(&project, &programs, args));
    let run = |args: &[&str], prepared| {
        at_home(command(args));
        let prepare = project.record().prepares[0].clone();
        assert_eq!((project.output("a"), prepare.status.outcome()), ("1234\ncontent\n".to_owned(), Some(prepared)));
        PathBuf::from(prepare.runner.unwrap())
    };

    let doctor = at_home(command(&["doctor"])).stdout;
    let line = format!("\nok       store      it is a store of this user, in {}\n", root.display());
    assert!(doctor.contains(&line) && !root.exists(), "{doctor}");
    let runner = run(&["run"], Outcome::Passed);
    assert!(runner.starts_with(root.join("nix/store")), "{}", runner.display());
    assert_eq!(run(&["rerun"], Outcome::Cached), runner);

    // Nix keeps the runner until pikaci has removed its root.
    let collect = || {
        let mut nix = Command::new(nix("oldest"));
        nix.args(["store", "gc", "--store"]).arg(&root).env("NIX_CONFIG", NIX_CONFIG).uid(PLAIN_USER).gid(PLAIN_USER);
        at_home(nix);
    };
    collect();
    assert!(runner.join("boot.json").exists());
    at_home(command(&["gc", "--keep-runs=0", "--older-than=0s"]));
    collect();
    assert!(!runner.exists());
}

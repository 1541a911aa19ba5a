//! `pikaci exec` as a user without namespaces.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::support::fixture;
use crate::support::project::{Project, Ran, json as read, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::tool;

/// The id of a user without an account on this machine.
const PLAIN_USER: u32 = 1234;

/// Returns a script of a QEMU that has no KVM.
fn qemu() -> String {
    let real = tool("qemu-system-x86_64");
    format!(r#"case "$*" in *accel=kvm*) exit 1 ;; esac; exec {} "$@""#, real.display())
}

struct Scene {
    folder: TempDir,
    programs: StandIns,
    runner: String,
}

impl Scene {
    fn new() -> Self {
        let project: Project = fixture::project(r#"{ guests.default.base = "nix"; jobs.a.command = "true"; }"#);
        project.pikaci(&["run"]).exits(0);
        let runner = project.record().prepares[0].runner.clone().unwrap();
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        fs::create_dir(folder.path().join("tree")).unwrap();
        fs::write(folder.path().join("tree/greeting"), "hi\n").unwrap();
        // The job writes to a copy, in a folder of this user.
        ran(Command::new("chown").arg("-R").arg(PLAIN_USER.to_string()).arg(folder.path().join("tree"))).exits(0);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        let programs = StandIns::new().program("pikaci", &fs::read(env!("CARGO_BIN_EXE_pikaci")).unwrap());
        // The daemons need no jail.
        let programs = programs.script("qemu-system-x86_64", &qemu()).own("virtiofsd");
        Self { folder, programs, runner }
    }

    fn exec(&self, jobs: &serde_json::Value, job: &str, out: &str, accel: &str) -> Ran {
        let path = |name: &str| self.folder.path().join(name);
        fs::write(path("jobs.json"), jobs.to_string()).unwrap();
        let mut command = Command::new(self.programs.path("pikaci"));
        command.args(["exec", "--unconfined", "--accel", accel, "--job", job, "--runner", &self.runner]);
        command
            .arg("--job-file")
            .arg(path("jobs.json"))
            .arg("--workspace")
            .arg(path("tree"))
            .arg("--out")
            .arg(path(out));
        command.env("TMPDIR", path("")).uid(PLAIN_USER).gid(PLAIN_USER);
        ran(&mut self.programs.alone(command))
    }
}

#[test]
fn exec_runs_one_job_as_a_user_without_privileges() {
    let scene = Scene::new();
    let job = |command: &str| {
        json!({ "guests": { "default": { "base": "nix" } },
                "jobs": { "one": { "command": command, "artifacts": ["made"], "env": { "A": "${b}\n" } } } })
    };
    let passed =
        scene.exec(&job("cat greeting; id -u; printf '%s' \"$A\"; echo kept >made"), "one", "passed", "tcg").exits(0);
    assert_eq!(passed.stdout, "hi\n1234\n${b}\n");
    assert!(passed.stderr.starts_with("pikaci: one passed in "), "{}", passed.stderr);
    let out = scene.folder.path().join("passed");
    assert_eq!(fs::read_to_string(out.join("artifacts/made")).unwrap(), "kept\n");
    assert_eq!(read(&out.join("status.json"))["status"], "passed");
    assert_eq!(fs::read_to_string(out.join("guest.log")).unwrap(), passed.stdout);
    assert!(!scene.folder.path().join("tree/made").exists());

    let failed = scene.exec(&job("exit 3"), "one", "failed", "auto").exits(100);
    assert!(failed.stderr.starts_with("pikaci: one is emulated, which is slower: "), "{}", failed.stderr);
    assert!(failed.stderr.ends_with(": the command ended with exit code 3\n"), "{}", failed.stderr);
    assert_eq!(read(&scene.folder.path().join("failed/status.json"))["exit_code"], 3);

    let unknown = scene.exec(&job("true"), "two", "unknown", "tcg").exits(4);
    assert!(unknown.stderr.ends_with("jobs.json has no job \"two\"\nhint: it has one\n"), "{}", unknown.stderr);
    let wrong = scene.exec(&json!({ "jobs": { "one": { "comand": "true" } } }), "one", "wrong", "tcg").exits(2);
    assert!(wrong.stderr.contains("unknown key `comand` in `jobs.one`"), "{}", wrong.stderr);
}

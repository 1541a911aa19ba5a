//! An ssh server on this machine with two builders, each with a store of its own.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::downstream;
use crate::support::fixture;
use crate::support::processes::START;
use crate::support::project::{NIX_CONFIG, Project, delete_paths, ran};
use crate::support::tools::{nix, tool, tool_command};

/// The builders' stores.
pub const BUILDERS: [&str; 2] = ["store-a", "store-b"];

/// An ssh server with two builders, in a folder of its own, which is removed with the server.
pub struct Remote {
    pub folder: TempDir,
    pub server: Child,
    /// The port of the server on this machine.
    pub port: u16,
}

impl Remote {
    /// Starts the server.
    pub fn start() -> Self {
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for key in ["host", "user"] {
            ran(tool_command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)])).exits(0);
        }
        fs::write(path("nix.conf"), downstream::CONFIG).unwrap();
        let programs = nix("oldest").parent().unwrap().display().to_string();
        // The port is free for a moment; if another program takes it, the log of the server reports that.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host_key = fs::read_to_string(path("host.pub")).unwrap();
        fs::write(path("known"), format!("[127.0.0.1]:{port} {host_key}")).unwrap();
        let config = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
            StrictModes no\nPermitRootLogin yes\nSetEnv NIX_CONF_DIR={} PATH={programs}:/usr/bin:/bin\n",
            path("host"),
            path("user.pub"),
            folder.path().display(),
        );
        fs::write(path("sshd_config"), config).unwrap();
        // A system that starts sshd at boot has this folder.
        fs::create_dir_all("/run/sshd").unwrap();
        let log = File::create(path("log")).unwrap();
        let mut command = tool_command("setpriv");
        command.args(["--pdeathsig", "TERM"]).arg(tool("sshd")).args(["-D", "-e", "-f", &path("sshd_config")]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut remote = Self { folder, server, port };
        remote.wait();
        remote
    }

    /// Waits until the server listens.
    pub fn wait(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let over = self.server.try_wait().unwrap();
            let log = fs::read_to_string(self.path("log")).unwrap();
            assert!(over.is_none() && began.elapsed() < START, "no ssh server: {over:?}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the path of a file in its folder; `user` is the accepted key.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn url(&self, store: &str) -> String {
        format!("ssh-ng://root@127.0.0.1?remote-store={}", self.path(store).display())
    }

    /// Returns both builders in Nix's syntax.
    pub fn builders(&self) -> String {
        BUILDERS.map(|store| format!("{} x86_64-linux - 2 1", self.url(store))).join(" ; ")
    }

    /// Gives a command, which may build nothing itself, the access to the builders.
    pub fn reached_by<'a>(&self, command: &'a mut Command, config: &str) -> &'a mut Command {
        let (key, hosts) = (self.path("user"), self.path("known"));
        let ssh = format!("-F none -p {} -i {} -o UserKnownHostsFile={}", self.port, key.display(), hosts.display());
        command.env("NIX_SSHOPTS", ssh).env("NIX_CONFIG", format!("{config}max-jobs = 0\n"))
    }

    /// Returns the matching paths of a builder's store.
    pub fn built(&self, store: &str, like: impl Fn(&str) -> bool) -> Vec<String> {
        let at = self.path(store);
        let all = real_nix("nix", &["path-info", "--all", "--store", at.to_str().unwrap()]);
        all.lines().filter(|path| like(path)).map(str::to_owned).collect()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
        // Nix records the copied paths there.
        let own = self.folder.path().file_name().unwrap().to_str().unwrap();
        for lock in fs::read_dir("/nix/var/nix/current-load").into_iter().flatten().flatten() {
            if lock.file_name().to_string_lossy().contains(own) {
                fs::remove_file(lock.path()).ok();
            }
        }
    }
}

/// Runs Nix, or another program of that Nix, and returns its output.
#[track_caller]
pub fn real_nix(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(nix("oldest").with_file_name(program));
    ran(command.args(args).env("NIX_CONFIG", NIX_CONFIG)).exits(0).stdout
}

/// A project with a unique runner, which is deleted with it.
pub struct Unique {
    /// The project.
    pub project: Project,
}

impl Unique {
    /// Makes the project.
    pub fn new() -> Self {
        let project = fixture::project(
            r#"{ guests.default = { base = "nix"; devShell = "default"; }; jobs.a = { command = "true"; }; }"#,
        );
        let flake = fs::read_to_string(project.path("flake.nix")).unwrap();
        let own = format!("(pkgs.wrapped \"{}\")", project.path("program").display());
        let project = project.file("flake.nix", &flake.replace("pkgs.gnumake", &own));
        Self { project }
    }

    /// Runs the job, and returns the runner and the log of its build.
    #[track_caller]
    pub fn run(&self, command: &mut Command) -> (String, String) {
        ran(command).exits(0);
        let prepare = self.project.record().prepares[0].clone();
        let log = fs::read_to_string(self.project.state(&prepare.log_path.unwrap())).unwrap();
        (prepare.runner.unwrap(), log)
    }

    /// Deletes the store paths that only this project uses: the runner alone, or its dependencies too.
    pub fn delete(&self, runner: &str, all: bool) {
        let deriver = real_nix("nix-store", &["--query", "--deriver", runner]).trim().to_owned();
        let made = real_nix("nix-store", &["--query", "--requisites", "--include-outputs", &deriver]);
        for record in fs::read_dir("/nix/var/nix/gcroots/auto").unwrap().map(|entry| entry.unwrap().path()) {
            if fs::read_link(&record).is_ok_and(|root| root.starts_with(self.project.path(""))) {
                fs::remove_file(record).unwrap();
            }
        }
        let own = |path: &&str| {
            let name = path.trim_end_matches(".drv");
            ["-pikaci-runner", "-pikaci-userland", "-pikaci"].iter().any(|end| name.ends_with(end))
        };
        let mut paths = vec![runner];
        if all {
            paths.extend(made.lines().filter(own));
        }
        delete_paths(&paths);
        assert!(!Path::new(runner).exists());
    }
}

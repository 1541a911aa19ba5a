//! More machines for building: two builders behind an ssh server on this machine, each with a store of its own, and a
//! binary cache.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::checks::{self, Downstream};
use crate::fixture;
use crate::processes::START;
use crate::project::{NIX_CONFIG, Project, delete_paths, nix, ran};
use crate::stand_in::{FAILING_NIX, StandIns};

/// Eight jobs, which share a guest.
const JOBS: &str = r#"{
  guests.default = { base = "nix"; };
  jobs = builtins.listToAttrs (builtins.genList (n: {
    name = "job-${builtins.toString n}";
    value.command = "true";
  }) 8);
}"#;
/// The builders' stores.
const BUILDERS: [&str; 2] = ["store-a", "store-b"];

/// An ssh server with two builders behind it, in a folder of its own, which goes with them.
pub struct Remote {
    folder: TempDir,
    server: Child,
    /// The port of the server on this machine.
    pub port: u16,
}

impl Remote {
    /// Starts the server.
    pub fn start() -> Self {
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for key in ["host", "user"] {
            ran(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)])).exits(0);
        }
        fs::write(path("nix.conf"), checks::CONFIG).unwrap();
        let programs = nix("oldest").parent().unwrap().display().to_string();
        // It is free for a moment; should somebody else take it then, the server's log says so.
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
        // Where a system starts one at boot it is there.
        fs::create_dir_all("/run/sshd").unwrap();
        let log = File::create(path("log")).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "/usr/sbin/sshd", "-D", "-e", "-f", &path("sshd_config")]);
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut remote = Self { folder, server, port };
        remote.wait();
        remote
    }

    /// Waits until somebody listens.
    fn wait(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let over = self.server.try_wait().unwrap();
            let log = fs::read_to_string(self.path("log")).unwrap();
            assert!(over.is_none() && began.elapsed() < START, "no ssh server: {over:?}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the path of a file in its folder: `user` is the key that it accepts.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn url(&self, store: &str) -> String {
        format!("ssh-ng://root@127.0.0.1?remote-store={}", self.path(store).display())
    }

    /// Returns both builders in Nix's own words.
    pub fn builders(&self) -> String {
        BUILDERS.map(|store| format!("{} x86_64-linux - 2 1", self.url(store))).join(" ; ")
    }

    /// Has a command, which may build nothing itself, find the way to the builders.
    pub fn reached_by<'a>(&self, command: &'a mut Command, config: &str) -> &'a mut Command {
        let (key, known) = (self.path("user"), self.path("known"));
        let ssh = format!("-F none -p {} -i {} -o UserKnownHostsFile={}", self.port, key.display(), known.display());
        command.env("NIX_SSHOPTS", ssh).env("NIX_CONFIG", format!("{config}max-jobs = 0\n"))
    }

    /// Returns the paths of a builder's store that are like this.
    fn built(&self, store: &str, like: impl Fn(&str) -> bool) -> Vec<String> {
        let at = self.path(store);
        let all = real_nix("nix", &["path-info", "--all", "--store", at.to_str().unwrap()]);
        all.lines().filter(|path| like(path)).map(str::to_owned).collect()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
        // Nix counts there what it has given to whom.
        let own = self.folder.path().file_name().unwrap().to_str().unwrap();
        for lock in fs::read_dir("/nix/var/nix/current-load").into_iter().flatten().flatten() {
            if lock.file_name().to_string_lossy().contains(own) {
                fs::remove_file(lock.path()).ok();
            }
        }
    }
}

/// Runs Nix, or a program that comes with it, and returns what it printed.
#[track_caller]
fn real_nix(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(nix("oldest").with_file_name(program));
    ran(command.args(args).env("NIX_CONFIG", NIX_CONFIG)).exits(0).stdout
}

/// A project whose runner is like no other; what was built of it goes with it.
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

    /// Runs the job and returns the runner and the log of its build.
    #[track_caller]
    fn run(&self, command: &mut Command) -> (String, String) {
        ran(command).exits(0);
        let prepare = self.project.record().prepares[0].clone();
        let log = fs::read_to_string(self.project.state(&prepare.log_path.unwrap())).unwrap();
        (prepare.runner.unwrap(), log)
    }

    /// Deletes what only this project has in the store of this machine: the runner alone, or what it is made from too.
    fn delete(&self, runner: &str, all: bool) {
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

#[test]
fn checks_spread_over_builders() {
    let remote = Remote::start();
    let downstream = Downstream::new(JOBS);
    let checks: Vec<String> = (0..8).map(|n| format!("path:.#checks.x86_64-linux.job-{n}")).collect();
    // The one that asks has a store of its own too, so that nothing is there before.
    let (client, builders) = (remote.path("client"), remote.builders());
    let mut args = vec!["build", "--no-link", "--print-build-logs", "--store", client.to_str().unwrap()];
    args.extend(["--builders", &builders]);
    args.extend(checks.iter().map(String::as_str));
    let mut command = downstream.command("oldest", &args);
    let ran = ran(remote.reached_by(&mut command, checks::CONFIG)).exits(0);

    let shares = BUILDERS.map(|store| remote.built(store, |path| path.contains("-pikaci-job-")));
    println!("{shares:?}");
    assert!(shares.iter().all(|share| !share.is_empty()), "one has done nothing: {shares:?}");
    let mut all = shares.concat();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), shares.concat().len()), (8, 8), "{shares:?}");
    let runners = ran.stderr.matches("-pikaci-runner.drv' on 'ssh-ng://").count();
    assert_eq!(runners, 1, "the jobs share a runner: {}", ran.stderr);
}

#[test]
fn builders_are_passed_on_as_they_are_given_or_not_at_all() {
    let project = Project::new(r#"{ jobs.a = { command = "true"; }; }"#);
    let programs = StandIns::new().script("nix", &format!("[ \"$1\" != build ] || echo \"called: $*\"\n{FAILING_NIX}"));
    let build = |given: Option<&str>| {
        let mut command = programs.before(project.command(&["run"]));
        ran(command.envs(given.map(|builders| ("PIKACI_BUILDERS", builders)))).exits(101);
        let log = project.state(&project.record().prepares[0].log_path.clone().unwrap());
        let log = fs::read_to_string(log).unwrap();
        log.lines().find_map(|line| line.strip_prefix("called: ")).unwrap().to_owned()
    };
    let configured = build(None);
    assert!(configured.starts_with("build ") && !configured.contains("builders"), "{configured}");
    let given = build(Some("ssh-ng://one - - 2 ; @/two"));
    assert_eq!(given.replace(" --builders ssh-ng://one - - 2 ; @/two", ""), configured);
    assert_ne!(given, configured);
}

#[test]
fn a_run_has_its_runner_built_elsewhere_and_another_finds_it_in_a_binary_cache() {
    let (remote, unique) = (Remote::start(), Unique::new());
    let mut run = unique.project.command(&["run", "--builders", &remote.builders()]);
    let (runner, log) = unique.run(remote.reached_by(&mut run, NIX_CONFIG));
    assert!(log.contains("-pikaci-runner.drv' on 'ssh-ng://root@127.0.0.1?remote-store="), "{log}");
    let at = BUILDERS.map(|store| remote.built(store, |path| path == runner).len());
    assert_eq!(at.iter().sum::<usize>(), 1, "{log}");

    let secret = real_nix("nix", &["key", "generate-secret", "--key-name", "test-1"]);
    fs::write(remote.path("secret"), &secret).unwrap();
    let cache = format!("file://{}", remote.path("cache").display());
    let signed = format!("{cache}?secret-key={}", remote.path("secret").display());
    real_nix("nix", &["copy", "--to", &signed, &runner]);
    unique.delete(&runner, false);
    let mut public = Command::new(nix("oldest"));
    public.args(["key", "convert-secret-to-public"]).stdin(File::open(remote.path("secret")).unwrap());
    let public = ran(public.env("NIX_CONFIG", NIX_CONFIG)).exits(0).stdout;
    let known =
        format!("{NIX_CONFIG}extra-substituters = {cache}\nextra-trusted-public-keys = {public}\nmax-jobs = 0\n");
    let (again, log) = unique.run(unique.project.command(&["run"]).env("NIX_CONFIG", known));
    assert_eq!(again, runner);
    assert!(log.contains(&format!("copying path '{runner}' from 'file://")) && !log.contains("building"), "{log}");
    unique.delete(&runner, true);
}

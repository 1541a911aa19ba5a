//! QEMU and virtiofsd in their jails, inspected from the host while a job runs.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use rustix::process::{Pid, Signal, getuid};
use tempfile::NamedTempFile;

use crate::support::processes::Running;
use crate::support::project::Project;
use crate::support::tools::inside;

const JOB: &str = r#"{ jobs.long = { command = "echo started; sleep 600"; timeout = "10m"; }; }"#;

/// A process of this machine.
struct ObservedProcess(Pid);

impl ObservedProcess {
    fn path(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.0.as_raw_nonzero())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns a value of the process status.
    fn status(&self, name: &str) -> String {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).trim().to_owned()
    }

    /// Returns the namespaces that the process shares with this one.
    fn shared_namespaces(&self) -> Vec<&'static str> {
        let link = |path: String| fs::read_link(path).unwrap();
        let names = ["user", "ipc", "pid", "uts", "cgroup", "net", "mnt"];
        let is_shared = |name: &&str| link(self.path(&format!("ns/{name}"))) == link(format!("/proc/self/ns/{name}"));
        names.into_iter().filter(is_shared).collect()
    }

    /// Returns the paths of the open files.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("fd")).unwrap();
        let links = entries.map(|entry| fs::read_link(entry.unwrap().path()).unwrap());
        links.map(|link| link.to_string_lossy().into_owned()).collect()
    }

    /// Returns the names in the root folder of the process.
    fn root(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path("root/")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[track_caller]
    fn assert_alone(&self, project: &Project) {
        assert_eq!(self.read("oom_score_adj"), "500\n");
        assert_eq!(self.read("environ"), "PWD=/\0");
        assert_eq!(self.status("CapEff"), "0000000000000000");
        let devices = fs::read_dir(self.path("root/dev")).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(devices.collect::<BTreeSet<_>>(), ["fd", "null", "urandom", "zero"].map(Into::into).into());
        let root = self.root();
        for hidden in ["etc", "home", "root", "run", "tmp", "var", "srv", "mnt", "boot", "sys"] {
            assert!(!root.contains(hidden), "{root:?}");
        }
        assert!(!fs::exists(self.path(&format!("root/{}", project.path("").display()))).unwrap());
        assert!(!fs::exists(self.path("root/usr/local/etc/canary")).unwrap());
    }
}

#[test]
fn qemu_runs_as_nobody_and_has_only_its_own_files() {
    fs::create_dir_all("/usr/local/etc").unwrap();
    let _canary = tempfile::Builder::new().prefix("canary").rand_bytes(0).tempfile_in("/usr/local/etc").unwrap();
    let project = Project::with_guests(JOB);
    let secret = NamedTempFile::new().unwrap();
    // A variable and an open file of pikaci itself aren't passed on.
    let pikaci = project.command(&["run"]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"exec 7<"$1"; shift; exec "$@""#, "sh"]).arg(secret.path());
    let mut running = Running::start(&inside(command, &pikaci));
    running.prints(&project, "long", "started");

    let qemu = ObservedProcess(running.process("qemu-system-x86_64"));
    qemu.assert_alone(&project);
    assert_eq!(qemu.shared_namespaces(), [""; 0]);
    let log = project.last_run().join("jobs/long/attempts/1");
    let boot = ["/nix/store/", log.to_str().unwrap()];
    let own = ["socket:", "pipe:", "anon_inode:", "/memfd:", "/dev/null"].into_iter().chain(boot);
    let own: Vec<&str> = own.collect();
    for file in qemu.files() {
        assert!(own.iter().any(|start| file.starts_with(start)), "{file} is open");
    }
    assert_eq!((qemu.status("NoNewPrivs"), qemu.status("CapBnd")), ("1".to_owned(), "0000000000000000".to_owned()));
    let is_root = getuid().is_root();
    if is_root {
        let users: Vec<u32> = qemu.status("Uid").split('\t').map(|user| user.parse().unwrap()).collect();
        assert!(users.iter().all(|user| *user > 1_900_000_000), "{users:?}");
        assert_eq!(qemu.status("Groups"), "");
    }
    let root = qemu.root();
    let usual = ["bin", "dev", "lib", "lib32", "lib64", "libx32", "nix", "proc", "sbin", "usr"];
    assert!(root.iter().all(|name| usual.contains(&name.as_str())), "{root:?}");

    let daemons: Vec<ObservedProcess> = running.processes("virtiofsd").into_iter().map(ObservedProcess).collect();
    assert_eq!(daemons.len(), 2);
    for daemon in &daemons {
        daemon.assert_alone(&project);
        assert!(!daemon.shared_namespaces().contains(&"net"));
        let files = daemon.files();
        assert!(!files.contains(&secret.path().to_string_lossy().into_owned()), "{files:?}");
    }
    // Daemons of shared folders that every user may read run as nobody.
    let others = daemons.iter().filter(|daemon| !daemon.status("Uid").starts_with("0\t")).count();
    assert_eq!(others, if is_root { 1 } else { 2 });
    running.signal(Signal::INT);
    running.ends("a jailed QEMU").exits(130);
}

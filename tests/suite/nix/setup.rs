//! .ci/setup in a copy of /etc, with stand-ins for the package manager.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::project::{Ran, ran};
use crate::support::terminal::terminal;
use crate::support::tools::tool_command;

/// A machine before the set-up, in folders that stand for those of this machine.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = TempDir::with_prefix("pikaci-setup-").unwrap();
        for name in ["lib", "bin", "tools"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut copy = Command::new("cp");
        ran(copy.args(["-a", "/etc"]).arg(folder.path().join("etc"))).exits(0);
        // One package is missing.
        fs::remove_file(folder.path().join("etc/ssl/certs/ca-certificates.crt")).unwrap();
        Self { folder }
    }

    /// Adds a stand-in that records its arguments.
    fn tool(&self, name: &str, script: &str) {
        let path = self.folder.path().join("tools").join(name);
        let calls = self.folder.path().join("calls");
        fs::write(&path, format!("#!/bin/sh\necho {name} \"$*\" >>{}\n{script}\n", calls.display())).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Returns the calls of the stand-ins.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes the list of files that the set-up has installed.
    fn installed(&self, lines: &[&str]) {
        fs::write(self.folder.path().join("lib/installed"), lines.join("\n") + "\n").unwrap();
    }

    fn has(&self, path: &str) -> bool {
        self.folder.path().join(path).exists()
    }

    fn command(&self, args: &[&str]) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = tool_command("bwrap");
        command.args(["--dev-bind", "/", "/", "--bind"]).arg(path("lib")).arg("/usr/local/lib/pikaci");
        command.arg("--bind").arg(path("bin")).arg("/usr/local/bin").arg("--bind").arg(path("etc")).arg("/etc");
        command.args(["--chdir", env!("CARGO_MANIFEST_DIR")]);
        command.arg(".ci/setup").args(args).env_remove("CI").stdin(Stdio::null());
        command.env("PATH", format!("{}:{}", path("tools").display(), std::env::var("PATH").unwrap()));
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        ran(&mut self.command(args))
    }
}

#[test]
fn every_step_of_the_set_up_is_announced() {
    let machine = Machine::new();
    let inst = "echo 'Inst ca-certificates (2 Debian [amd64])'; echo 'Inst libc6 [1] (2 Debian [amd64])'";
    machine.tool("apt-get", inst);
    let dry = machine.run(&["--dry-run", "test"]).exits(0).stdout;
    for announced in [
        "packages by apt-get: ca-certificates",
        "with what they need: ca-certificates\n",
        "upgraded: libc6\n",
        "a kernel for guests",
    ] {
        assert!(dry.contains(announced), "{dry}");
    }
    // The program that removes a package isn't installed.
    machine.tool("apt-get", "case \"$*\" in *install*) exit 100 ;; esac");
    let refused = machine.run(&["test"]).exits(1);
    assert!(refused.stderr.contains("can't be installed beside the present ones"), "{}", refused.stderr);
    let calls = machine.calls();
    let installs: Vec<&String> = calls.iter().filter(|call| call.contains(" install ")).collect();
    assert!(installs.len() >= 2, "{calls:?}");
    assert!(installs.iter().all(|call| call.contains(" --no-remove ") && call.contains(" --simulate ")), "{calls:?}");
    assert!(!machine.has("lib/installed") && fs::read_dir(machine.folder.path().join("bin")).unwrap().next().is_none());
}

#[test]
fn qemu_comes_from_the_backports_where_a_package_breaks_the_older_one() {
    let machine = Machine::new();
    machine.tool("qemu-system-x86_64", "exit 1");
    let installs = "*--target-release*) echo 'Inst qemu-system-x86 (10 Debian [amd64])' ;; *install*) exit 100 ;;";
    machine.tool("apt-get", &format!("case \"$*\" in *indextargets*) echo http://archive.test ;; {installs} esac"));
    let run = machine.run(&["run"]);
    assert!(run.stdout.contains("taking QEMU from "), "{}{}", run.stdout, run.stderr);
    let calls = machine.calls();
    let installs: Vec<&String> =
        calls.iter().filter(|call| call.contains(" --yes ") && call.contains("-backports install ")).collect();
    assert!(matches!(installs[..], [call] if call.ends_with(" install qemu-system-x86")), "{calls:?}");
    assert!(installs[0].contains(" --no-remove "), "{calls:?}");
    assert_eq!(fs::read_to_string(machine.folder.path().join("lib/installed")).unwrap(), "package qemu-system-x86\n");
}

#[test]
fn the_set_up_prompts_a_person_once() {
    let machine = Machine::new();
    machine.tool("apt-get", "");
    let (end, mut shown) = terminal();
    let mut command = machine.command(&["test"]);
    let child = command.stdin(end).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    shown.write_all(b"n\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert!(stderr.contains("go on? [y/N]") && stderr.contains("nothing was done"), "{stdout}{stderr}");
    assert!(machine.calls().iter().all(|call| call.contains("--simulate")), "{:?}", machine.calls());
    let mut typed = [0; 3];
    shown.read_exact(&mut typed).unwrap();
}

#[test]
fn undo_removes_only_the_files_of_the_set_up() {
    let machine = Machine::new();
    let kept = machine.run(&["undo"]).exits(0).stdout;
    assert!(kept.contains("names nothing"), "{kept}");
    let path = |name: &str| machine.folder.path().join(name);
    fs::create_dir_all(path("lib/nix-oldest/bin")).unwrap();
    fs::write(path("bin/nix"), "ours").unwrap();
    fs::write(path("bin/other"), "not ours").unwrap();
    let group = fs::read_to_string(path("etc/group")).unwrap();
    fs::write(path("etc/group"), format!("{group}pikacitest:x:60990:\n")).unwrap();
    // dpkg keeps a package that another one needs.
    machine.tool("dpkg", "exit 1");
    machine.tool("dpkg-query", "case \"$*\" in *needed) echo installed ;; esac | tr -d '\\n'");
    let made = [
        "package hello",
        "package needed",
        "path /usr/local/lib/pikaci/nix-oldest",
        "path /usr/local/bin/nix",
        "group pikacitest",
    ];
    machine.installed(&made);
    let dry = machine.run(&["--dry-run", "undo"]).exits(0).stdout;
    assert!(made.iter().all(|line| dry.contains(line)) && machine.has("bin/nix"), "{dry}");
    let left = machine.run(&["undo"]).exits(1);
    assert!(left.stderr.contains("some packages stay"), "{}", left.stderr);
    assert_eq!(fs::read_to_string(path("lib/installed")).unwrap(), "package needed\n");
    assert!(machine.calls().contains(&"dpkg --purge hello needed".to_owned()), "{:?}", machine.calls());
    assert!(!machine.has("bin/nix") && machine.has("bin/other") && !machine.has("lib/nix-oldest"));
    assert!(!fs::read_to_string(path("etc/group")).unwrap().contains("pikacitest"));
    machine.tool("dpkg-query", "");
    let undone = machine.run(&["undo"]).exits(0).stdout;
    assert!(undone.ends_with("setup: undone\n") && !machine.has("lib/installed"), "{undone}");
}

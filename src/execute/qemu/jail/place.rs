//! The place that bubblewrap makes for a program.

#![expect(clippy::disallowed_methods, reason = "looks at the folders of this host")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::nix::STORE;

/// Bubblewrap's arguments for every program. None has a new session: no terminal is among the devices that it sees, and Linux
/// may give sessions equal parts of the processors, however much they have to do.
pub const CONFINED: [&str; 6] =
    ["--die-with-parent", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--clearenv"];
/// Bubblewrap's arguments for a program that needs no user of this host.
pub const NOBODY: [&str; 7] = ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"];
/// The links at the root of most systems whose folders are in `/usr`.
pub const LINKS: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// The devices that every program may use.
pub const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];
/// KVM's device.
pub const KVM: &str = "/dev/kvm";
/// The file descriptor of a program that the jail's user can't open by its path.
pub const PROGRAM_FD: RawFd = 49;

/// Returns bubblewrap's arguments for QEMU: nothing in its place can be written to but devices.
pub fn qemu_place(program: &Path, is_given: bool, devices: &[&str], network: bool) -> Vec<OsString> {
    let mut args = Args(CONFINED.into_iter().chain(NOBODY).map(OsString::from).collect());
    if network {
        args.add(["--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"]);
    } else {
        args.add(["--unshare-net"]);
    }
    args.system(program, is_given);
    args.devices(devices);
    args.add(["--remount-ro", "/", "--chdir", "/"]);
    args.0
}

/// Returns bubblewrap's arguments for what serves a tree, with the tree's own; root keeps a right only to give it up.
pub fn share_place(program: &Path, is_given: bool, is_root: bool, tree: Vec<OsString>) -> Vec<OsString> {
    let mut args = Args(CONFINED.map(OsString::from).to_vec());
    args.add(["--unshare-net"]);
    // Before it drops the rest, virtiofsd needs SETPCAP to do so. Bubblewrap leaves another user none anyway.
    if is_root {
        args.add(["--cap-drop", "ALL", "--cap-add", "CAP_SETPCAP"]);
    }
    args.system(program, is_given);
    args.devices(&DEVICES);
    args.0.extend(tree);
    args.add(["--chdir", "/"]);
    args.0
}

/// Arguments of bubblewrap.
struct Args(Vec<OsString>);

impl Args {
    fn add<const N: usize>(&mut self, words: [impl AsRef<OsStr>; N]) {
        self.0.extend(words.map(|word| word.as_ref().to_owned()));
    }

    /// Adds these devices, and the names of open files.
    fn devices(&mut self, devices: &[&str]) {
        for device in devices {
            self.add(["--dev-bind", device, device]);
        }
        self.add(["--symlink", "/proc/self/fd", "/dev/fd"]);
    }

    /// Adds what a program needs to start: its libraries, and the program itself where it lies elsewhere.
    fn system(&mut self, program: &Path, is_given: bool) {
        self.add(["--ro-bind", "/usr", "/usr"]);
        for etc in etc_folders() {
            self.add([OsStr::new("--tmpfs"), etc.as_os_str()]);
            self.add([OsStr::new("--remount-ro"), etc.as_os_str()]);
        }
        for name in LINKS {
            let path = Path::new("/").join(name);
            match fs::read_link(&path) {
                Ok(target) => self.add([OsStr::new("--symlink"), target.as_os_str(), path.as_os_str()]),
                Err(_) => self.add([OsStr::new("--ro-bind-try"), path.as_os_str(), path.as_os_str()]),
            }
        }
        self.add(["--proc", "/proc"]);
        let program = program.as_os_str();
        if is_given {
            self.add(["--perms", "0555", "--ro-bind-data", &PROGRAM_FD.to_string()]);
            self.add([program]);
        } else if Path::new(program).starts_with(STORE) {
            self.add(["--ro-bind", STORE, STORE]);
        } else if !Path::new(program).starts_with("/usr") {
            self.add([OsStr::new("--ro-bind"), program, program]);
        }
    }
}

/// Returns the folders below `/usr` that are as private as `/etc` is.
#[must_use]
pub fn etc_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr").into_iter().flatten().flatten().map(|entry| entry.path());
    let places = [PathBuf::from("/usr")].into_iter().chain(entries);
    let is_folder = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_dir());
    // What other users can't enter is hidden already.
    let is_open = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_dir() && file.mode() & 1 == 1);
    let mut folders: Vec<PathBuf> = places.filter(is_open).map(|place| place.join("etc")).filter(is_folder).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CONFINED, DEVICES, KVM, qemu_place};

    fn lines(program: &str, is_given: bool, devices: &[&str], network: bool) -> String {
        let args = qemu_place(Path::new(program), is_given, devices, network);
        let args: Vec<_> = args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
        let text = args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n");
        // Which of these there are is up to the machine.
        let is_own = |line: &&str| ["/etc", "/bin", "/sbin", "/lib"].iter().any(|name| line.contains(name));
        text.lines().filter(|line| line.contains("/it") || !is_own(line)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn qemu_sees_programs_and_devices_and_writes_nothing() {
        let place = lines("/usr/bin/qemu", false, &DEVICES, false);
        insta::assert_snapshot!(place, @"
        --die-with-parent
        --unshare-ipc
        --unshare-pid
        --unshare-uts
        --unshare-cgroup-try
        --clearenv
        --unshare-user
        --uid 65534
        --gid 65534
        --cap-drop ALL
        --unshare-net
        --ro-bind /usr /usr
        --proc /proc
        --dev-bind /dev/null /dev/null
        --dev-bind /dev/zero /dev/zero
        --dev-bind /dev/urandom /dev/urandom
        --symlink /proc/self/fd /dev/fd
        --remount-ro /
        --chdir /
        ");
        let kvm = [&DEVICES, &[KVM][..]].concat();
        let other = lines("/opt/it", false, &kvm, true);
        let changed: Vec<&str> = other.lines().filter(|line| !place.lines().any(|known| known == *line)).collect();
        assert_eq!(changed, ["--ro-bind /opt/it /opt/it", "--dev-bind /dev/kvm /dev/kvm"]);
        assert!(place.contains("--unshare-net") && !other.contains("--unshare-net"));
        assert!(lines("/root/it", true, &kvm, true).contains("--perms 0555\n--ro-bind-data 49 /root/it"));
        assert!(lines("/nix/store/it", false, &kvm, true).contains("--ro-bind /nix/store /nix/store"));
        assert!(CONFINED.iter().all(|arg| place.lines().any(|line| line == *arg)));
    }
}

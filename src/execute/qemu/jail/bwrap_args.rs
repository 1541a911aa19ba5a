//! bubblewrap's arguments: the files, devices and namespaces of a jail.

#![expect(clippy::disallowed_methods, reason = "inspects the folders of this host")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::nix::STORE;

/// bubblewrap's arguments for every program. There is no `--new-session`: a jail has no terminal among its devices, and
/// Linux may give each session an equal share of the CPUs, whatever its load.
pub const CONFINED: [&str; 6] =
    ["--die-with-parent", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try", "--clearenv"];
/// bubblewrap's arguments for a program that needs no user of this host.
pub const NOBODY: [&str; 7] = ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"];
/// Names in `/` that are links into `/usr` on most systems.
pub const LINKS: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// Devices that every program may use.
pub const DEVICES: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/urandom"];
/// Device of KVM.
pub const KVM: &str = "/dev/kvm";
/// The file descriptor of a program that the jail's user can't open by its path.
pub const PROGRAM_FD: RawFd = 49;

/// Returns bubblewrap's arguments for QEMU. Nothing in its jail is writable except devices. `is_fd` is true if
/// bubblewrap gets the program as the file descriptor [`PROGRAM_FD`].
pub fn qemu_args(program: &Path, is_fd: bool, devices: &[&str], network: bool) -> Vec<OsString> {
    let mut args = Args(CONFINED.into_iter().chain(NOBODY).map(OsString::from).collect());
    if network {
        args.add(["--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"]);
    } else {
        args.add(["--unshare-net"]);
    }
    args.system(program, is_fd);
    args.devices(devices);
    args.add(["--remount-ro", "/", "--chdir", "/"]);
    args.0
}

/// Returns bubblewrap's arguments for the daemon of a share, with the arguments `tree` for the shared files.
pub fn share_args(program: &Path, is_fd: bool, is_root: bool, tree: Vec<OsString>) -> Vec<OsString> {
    let mut args = Args(CONFINED.map(OsString::from).to_vec());
    args.add(["--unshare-net"]);
    // virtiofsd needs SETPCAP to drop its capabilities. bubblewrap leaves other users no capability anyway.
    if is_root {
        args.add(["--cap-drop", "ALL", "--cap-add", "CAP_SETPCAP"]);
    }
    args.system(program, is_fd);
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

    /// Adds these devices, and `/dev/fd`.
    fn devices(&mut self, devices: &[&str]) {
        for device in devices {
            self.add(["--dev-bind", device, device]);
        }
        self.add(["--symlink", "/proc/self/fd", "/dev/fd"]);
    }

    /// Adds `/usr` with the libraries, and the program itself if it is elsewhere.
    fn system(&mut self, program: &Path, is_fd: bool) {
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
        if is_fd {
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
    let parents = [PathBuf::from("/usr")].into_iter().chain(entries);
    let is_folder = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_dir());
    // Other folders are hidden from the users of jails already.
    let is_open = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_dir() && file.mode() & 1 == 1);
    let mut folders: Vec<PathBuf> =
        parents.filter(is_open).map(|parent| parent.join("etc")).filter(is_folder).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{CONFINED, DEVICES, KVM, qemu_args};

    fn lines(program: &str, is_fd: bool, devices: &[&str], network: bool) -> String {
        let args = qemu_args(Path::new(program), is_fd, devices, network);
        let args: Vec<_> = args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
        let text = args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n");
        // These lines depend on the machine.
        let depends_on_machine = |line: &&str| ["/etc", "/bin", "/sbin", "/lib"].iter().any(|name| line.contains(name));
        text.lines().filter(|line| line.contains("/it") || !depends_on_machine(line)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn qemu_sees_programs_and_devices_and_writes_nothing() {
        let plain = lines("/usr/bin/qemu", false, &DEVICES, false);
        insta::assert_snapshot!(plain, @"
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
        let changed: Vec<&str> = other.lines().filter(|line| !plain.lines().any(|same| same == *line)).collect();
        assert_eq!(changed, ["--ro-bind /opt/it /opt/it", "--dev-bind /dev/kvm /dev/kvm"]);
        assert!(plain.contains("--unshare-net") && !other.contains("--unshare-net"));
        assert!(lines("/root/it", true, &kvm, true).contains("--perms 0555\n--ro-bind-data 49 /root/it"));
        assert!(lines("/nix/store/it", false, &kvm, true).contains("--ro-bind /nix/store /nix/store"));
        assert!(CONFINED.iter().all(|arg| plain.lines().any(|line| line == *arg)));
    }
}

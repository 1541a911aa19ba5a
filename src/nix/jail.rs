//! Nix in bubblewrap: it evaluates code of the project, and sees only the files of the host that it needs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::view::{Mode, View};
use super::{NixStore, Way};
use crate::process::Invocation;

/// The number of the pipe whose end asks Nix to end.
pub const LEASH_FD: i32 = 3;

/// Runs Nix, and asks it to end at the end of the leash. First it uncovers the parts of /proc that bubblewrap covers for
/// root: the kernel lets Nix mount a /proc for its builds only where nothing of its own is covered.
const SCRIPT: &str = r#"for part in sys sysrq-trigger irq bus; do
  PATH=$PATH:/usr/bin:/bin:/run/current-system/sw/bin umount "/proc/$part" 2>/dev/null
done
"$@" 3<&- &
nix=$!
(read -r line; kill -TERM "$nix") <&3 2>/dev/null &
exec 3<&-
wait "$nix" 2>/dev/null"#;

/// The namespaces of Nix; the network stays, for substituters and builders.
const NAMESPACES: [&str; 6] =
    ["--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"];

/// The capabilities that root needs for files of others: a state folder may be another user's.
const OF_FILES: [&str; 2] = ["CAP_DAC_OVERRIDE", "CAP_FOWNER"];
/// The capabilities that root needs besides for builds in a sandbox of Nix, as users of their own.
const OF_BUILDS: [&str; 8] = [
    "CAP_CHOWN",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",
    "CAP_SYS_CHROOT",
];

/// The program that confines Nix, and what it shows.
#[derive(Debug)]
pub struct Jail<'a> {
    /// bubblewrap.
    pub bwrap: &'a Path,
    /// The store, by which it depends what Nix does itself.
    pub store: &'a NixStore,
    /// The paths that Nix sees.
    pub view: View,
    /// An empty folder for builds and temporary files.
    pub tmp: &'a Path,
    /// The home folder, which is empty but for what the view shows.
    pub home: Option<PathBuf>,
    /// The working folder of Nix.
    pub dir: &'a Path,
}

impl Jail<'_> {
    /// Returns the invocation that runs a program with these arguments in the jail, without any environment.
    pub fn invocation(self, program: &Path, args: Vec<OsString>) -> Invocation {
        let mut bwrap: Vec<OsString> = NAMESPACES.map(OsString::from).into();
        bwrap.extend(self.privileges(rustix::process::getuid().is_root()).into_iter().map(OsString::from));
        let mut option = |words: &[&OsStr]| bwrap.extend(words.iter().map(OsString::from));
        option(&["--proc", "/proc", "--dev", "/dev", "--dev-bind-try", "/dev/kvm", "/dev/kvm"].map(OsStr::new));
        option(&[OsStr::new("--bind"), self.tmp.as_os_str(), OsStr::new("/tmp")]);
        if let Some(home) = &self.home {
            option(&[OsStr::new("--dir"), home.as_os_str()]);
        }
        for (link, target) in &self.view.links {
            option(&[OsStr::new("--symlink"), target.as_os_str(), link.as_os_str()]);
        }
        for (path, mode) in self.view.mounts() {
            let mount = if mode == Mode::Writable { "--bind-try" } else { "--ro-bind-try" };
            option(&[OsStr::new(mount), path.as_os_str(), path.as_os_str()]);
        }
        option(&[OsStr::new("--chdir"), self.dir.as_os_str(), OsStr::new("--")]);
        option(&["/bin/sh", "-c", SCRIPT, "nix"].map(OsStr::new));
        option(&[program.as_os_str()]);
        bwrap.extend(args);
        Invocation::new(self.bwrap).args(bwrap).without_env()
    }

    /// Returns what Nix may do. Root stays in the user namespace of the host where it builds, since the users that builds
    /// run as must be there.
    fn privileges(&self, is_root: bool) -> Vec<&'static str> {
        if !is_root {
            return vec!["--unshare-user", "--cap-drop", "ALL"];
        }
        let builds = matches!(self.store.way(), Way::Direct | Way::Chroot(_));
        let of_builds = OF_BUILDS.into_iter().filter(|_| builds);
        let kept = OF_FILES.into_iter().chain(of_builds).flat_map(|name| ["--cap-add", name]);
        ["--cap-drop", "ALL"].into_iter().chain(kept).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::{Jail, NixStore, View};

    #[test]
    fn only_a_root_that_builds_may_mount() {
        let privileges = |remote: &str, is_root| {
            let store = NixStore::choose(|name| (name == "NIX_REMOTE").then(|| OsString::from(remote)));
            let (bwrap, dir) = (Path::new("/b"), Path::new("/"));
            let jail = Jail { bwrap, store: &store, view: View::default(), tmp: dir, home: None, dir };
            jail.privileges(is_root).join(" ")
        };
        for remote in ["local", "/own"] {
            assert!(privileges(remote, true).contains("--cap-add CAP_SYS_ADMIN"), "{remote}");
        }
        let files = "--cap-drop ALL --cap-add CAP_DAC_OVERRIDE --cap-add CAP_FOWNER";
        assert_eq!(privileges("daemon", true), files);
        for remote in ["local", "daemon"] {
            assert_eq!(privileges(remote, false), "--unshare-user --cap-drop ALL", "{remote}");
        }
    }
}

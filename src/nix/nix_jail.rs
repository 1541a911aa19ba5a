//! Nix in bubblewrap: it evaluates code of the project, and sees only the host's files that it needs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::nix_store::{NixStore, StoreConnection};
use super::visible_paths::{MountMode, VisiblePaths};
use crate::process::Invocation;

/// File descriptor of the pipe; Nix ends when the pipe is closed.
pub const LEASH_FD: i32 = 3;

/// Script that runs Nix and ends it when the pipe is closed. Before, it unmounts the parts of /proc that bubblewrap covers
/// for root: the kernel lets Nix mount a /proc for its builds only if no part of its own is covered.
const SCRIPT: &str = r#"for part in sys sysrq-trigger irq bus; do
  PATH=$PATH:/usr/bin:/bin:/run/current-system/sw/bin umount "/proc/$part" 2>/dev/null
done
"$@" 3<&- &
nix=$!
(read -r line; kill -TERM "$nix") <&3 2>/dev/null &
exec 3<&-
wait "$nix" 2>/dev/null"#;

/// Namespaces of Nix; it keeps the host's network for substituters and builders.
const NAMESPACES: [&str; 6] =
    ["--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"];

/// Capabilities that root needs for files of other users: a state folder may belong to one.
const FILE_CAPABILITIES: [&str; 2] = ["CAP_DAC_OVERRIDE", "CAP_FOWNER"];
/// Further capabilities that root needs for builds in Nix's sandbox, which run as other users.
const BUILD_CAPABILITIES: [&str; 8] = [
    "CAP_CHOWN",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",
    "CAP_SYS_CHROOT",
];

/// A jail of Nix: the program that confines Nix, and the paths that Nix sees.
#[derive(Debug)]
pub struct NixJail<'a> {
    /// Path of bubblewrap.
    pub bwrap: &'a Path,
    /// The store that Nix uses.
    pub store: &'a NixStore,
    /// Paths of the host that Nix sees.
    pub paths: VisiblePaths,
    /// Empty folder for builds and temporary files.
    pub tmp: &'a Path,
    /// Home folder; it has only the visible paths.
    pub home: Option<PathBuf>,
    /// Working folder of Nix.
    pub dir: &'a Path,
}

impl NixJail<'_> {
    /// Returns the invocation that runs a program with these arguments in the jail, without environment variables.
    pub fn invocation(self, program: &Path, args: Vec<OsString>) -> Invocation {
        let mut bwrap: Vec<OsString> = NAMESPACES.map(OsString::from).into();
        bwrap.extend(self.privilege_args(rustix::process::getuid().is_root()).into_iter().map(OsString::from));
        let mut option = |words: &[&OsStr]| bwrap.extend(words.iter().map(OsString::from));
        option(&["--proc", "/proc", "--dev", "/dev", "--dev-bind-try", "/dev/kvm", "/dev/kvm"].map(OsStr::new));
        option(&[OsStr::new("--bind"), self.tmp.as_os_str(), OsStr::new("/tmp")]);
        if let Some(home) = &self.home {
            option(&[OsStr::new("--dir"), home.as_os_str()]);
        }
        bwrap.extend(mount_args(&self.paths));
        let mut option = |words: &[&OsStr]| bwrap.extend(words.iter().map(OsString::from));
        option(&[OsStr::new("--chdir"), self.dir.as_os_str(), OsStr::new("--")]);
        option(&["/bin/sh", "-c", SCRIPT, "nix"].map(OsStr::new));
        option(&[program.as_os_str()]);
        bwrap.extend(args);
        Invocation::new(self.bwrap).args(bwrap).without_env()
    }

    /// Returns the arguments for Nix's privileges. Root stays in the host's user namespace, which has the users of Nix's
    /// builds.
    fn privilege_args(&self, is_root: bool) -> Vec<&'static str> {
        if !is_root {
            return vec!["--unshare-user", "--cap-drop", "ALL"];
        }
        let builds = matches!(self.store.connection(), StoreConnection::Direct | StoreConnection::Chroot(_));
        let for_builds = BUILD_CAPABILITIES.into_iter().filter(|_| builds);
        let kept = FILE_CAPABILITIES.into_iter().chain(for_builds).flat_map(|name| ["--cap-add", name]);
        ["--cap-drop", "ALL"].into_iter().chain(kept).collect()
    }
}

/// Returns the arguments of bubblewrap for links and mounts.
pub fn mount_args(paths: &VisiblePaths) -> Vec<OsString> {
    let links = paths.links.iter().map(|(link, target)| ["--symlink".into(), target.into(), link.into()]);
    let mounts = paths.mounts().map(|(path, mode)| {
        let mount = if mode == MountMode::Writable { "--bind-try" } else { "--ro-bind-try" };
        [mount.into(), path.into(), path.into()]
    });
    links.chain(mounts).flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::{NixJail, NixStore, VisiblePaths};

    #[test]
    fn only_root_may_mount_and_only_for_its_own_builds() {
        let privileges = |remote: &str, is_root| {
            let store = NixStore::from_env(|name| (name == "NIX_REMOTE").then(|| OsString::from(remote)));
            let (bwrap, dir) = (Path::new("/b"), Path::new("/"));
            let jail = NixJail { bwrap, store: &store, paths: VisiblePaths::default(), tmp: dir, home: None, dir };
            jail.privilege_args(is_root).join(" ")
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

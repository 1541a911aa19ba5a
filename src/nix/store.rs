//! The store that Nix uses: where it is, who may change it, and which GC roots it has.

#![expect(clippy::disallowed_methods, reason = "looks at the store's folders")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::id::Digest;

/// The folder of every store, as its paths name it.
pub const STORE: &str = "/nix/store";
/// The variables by which Nix chooses its store.
const VARIABLES: [&str; 4] = ["NIX_REMOTE", "NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_CONF_DIR"];

/// The way in which Nix reaches its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nix changes the files itself.
    Direct,
    /// The Nix daemon at this socket does it.
    Daemon(PathBuf),
    /// Nix changes the files itself, in this folder: a chroot store, whose paths begin with `/nix/store` all the same.
    Chroot(PathBuf),
    /// As an address says that pikaci doesn't read.
    Address(String),
}

/// The store that Nix uses.
#[derive(Clone, Debug)]
pub struct NixStore {
    way: Way,
    state_dir: PathBuf,
    id: String,
}

impl NixStore {
    /// Returns the store that Nix chooses with these variables. A user who can't change the one in /nix, and has no
    /// daemon that would, gets one at home, where Nix itself makes one on machines without /nix.
    pub fn choose(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let state_dir = variable("NIX_STATE_DIR").map_or_else(|| PathBuf::from("/nix/var/nix"), PathBuf::from);
        let socket =
            variable("NIX_DAEMON_SOCKET_PATH").map_or_else(|| state_dir.join("daemon-socket/socket"), PathBuf::from);
        let remote = variable("NIX_REMOTE").unwrap_or_default().to_string_lossy().into_owned();
        let way = match remote.as_str() {
            "" | "auto" if access(&state_dir, Access::READ_OK | Access::WRITE_OK).is_ok() => Way::Direct,
            "" | "auto" if socket.exists() => Way::Daemon(socket),
            "" | "auto" => own_root(&variable).map_or(Way::Direct, Way::Chroot),
            "local" => Way::Direct,
            "daemon" => Way::Daemon(socket),
            address => match (address.strip_prefix("unix://"), address.strip_prefix("local?root=")) {
                (Some(socket), _) => Way::Daemon(PathBuf::from(socket)),
                (_, Some(root)) if !root.contains('&') => Way::Chroot(PathBuf::from(root)),
                _ if address.starts_with('/') => Way::Chroot(PathBuf::from(address)),
                _ => Way::Address(remote.clone()),
            },
        };
        let mut id: Vec<String> =
            VARIABLES.map(|name| format!("{name}={}", variable(name).unwrap_or_default().to_string_lossy())).into();
        let mut state_dir = state_dir;
        if let Way::Chroot(root) = &way {
            id.push(format!("root={}", root.display()));
            state_dir = root.join("nix/var/nix");
        }
        Self { way, state_dir, id: Digest::of(id.join("\n").as_bytes()).short().to_owned() }
    }

    /// Returns how Nix gets at it.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Returns its name among the stores that a state folder has roots in.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the folder that a chroot store is in.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        if let Way::Chroot(root) = &self.way { Some(root) } else { None }
    }

    /// Returns the folder of its database, roots and logs.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Returns its folder on this machine.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.real(Path::new(STORE))
    }

    /// Returns where a store path is on this machine.
    #[must_use]
    pub fn real(&self, path: &Path) -> PathBuf {
        match (self.root(), path.strip_prefix("/")) {
            (Some(root), Ok(relative)) => root.join(relative),
            _ => path.to_owned(),
        }
    }

    /// Returns where the store path is that a GC root holds.
    #[must_use]
    pub fn held(&self, link: &Path) -> Option<PathBuf> {
        Some(self.real(&fs::read_link(link).ok()?))
    }

    /// Returns the command that repairs a path of it, given as it is on this machine.
    #[must_use]
    pub fn repair(&self, path: &Path) -> String {
        let inside = self.root().and_then(|root| path.strip_prefix(root).ok().map(|path| (root, path)));
        match inside {
            Some((root, path)) => format!("nix-store --store {} --repair-path /{}", root.display(), path.display()),
            None => format!("sudo nix-store --repair-path {}", path.display()),
        }
    }

    /// Returns whether the store has this GC root: its own record points back to the link.
    #[must_use]
    pub fn has_root(&self, link: &Path) -> bool {
        let Ok(roots) = fs::read_dir(self.state_dir.join("gcroots/auto")) else { return false };
        let inode = |path: &Path| fs::symlink_metadata(path).map(|link| (link.dev(), link.ino())).ok();
        let Some(own) = inode(link) else { return false };
        // Nix writes its record without the `..` that a path of ours may have.
        let is_link = |target: PathBuf| target.file_name() == link.file_name() && inode(&target) == Some(own);
        roots.filter_map(Result::ok).any(|root| fs::read_link(root.path()).is_ok_and(is_link))
    }
}

/// Returns the folder of the store of a user who can change no other, where Nix itself would make it. Only on Linux does
/// Nix build in such a store.
fn own_root(variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let is_moved = ["NIX_STORE_DIR", "NIX_STATE_DIR"].iter().any(|name| variable(name).is_some());
    if std::env::consts::OS != "linux" || rustix::process::getuid().is_root() || is_moved {
        return None;
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("nix/root"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::{NixStore, Way};

    fn chosen(variables: &[(&str, &str)]) -> NixStore {
        let value = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
        NixStore::choose(value)
    }

    #[test]
    fn the_variables_say_which_store_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let way = |remote: &str| chosen(&[("NIX_REMOTE", remote)]).way;
        assert_eq!(chosen(&[("NIX_STATE_DIR", folder)]).way, Way::Direct);
        assert_eq!(way("local"), Way::Direct);
        assert_eq!(way("daemon"), Way::Daemon("/nix/var/nix/daemon-socket/socket".into()));
        let socket = ("NIX_DAEMON_SOCKET_PATH", "/s");
        assert_eq!(chosen(&[("NIX_REMOTE", "daemon"), socket]).way, Way::Daemon("/s".into()));
        assert_eq!(way("unix:///run/s"), Way::Daemon("/run/s".into()));
        for remote in ["/home/me", "local?root=/home/me"] {
            assert_eq!(way(remote), Way::Chroot("/home/me".into()));
        }
        for remote in ["ssh-ng://a", "local?root=/a&state=/b", "dummy://"] {
            assert_eq!(way(remote), Way::Address(remote.to_owned()));
        }
        // A state folder that can't be written, where a daemon listens.
        let moved = [("NIX_STATE_DIR", "/nonexistent"), ("NIX_DAEMON_SOCKET_PATH", folder)];
        assert_eq!(chosen(&moved).way, Way::Daemon(folder.into()));
        assert_eq!(chosen(&moved[..1]).way, Way::Direct);
    }

    #[test]
    fn paths_of_a_chroot_store_are_in_its_folder() {
        let (own, usual) = (chosen(&[("NIX_REMOTE", "/home/me")]), chosen(&[("NIX_REMOTE", "daemon")]));
        let path = Path::new("/nix/store/a");
        assert_eq!((own.real(path), usual.real(path)), ("/home/me/nix/store/a".into(), path.to_owned()));
        assert_eq!((own.folder(), own.state_dir()), ("/home/me/nix/store".into(), Path::new("/home/me/nix/var/nix")));
        let repair = "nix-store --store /home/me --repair-path /nix/store/a";
        assert_eq!(own.repair(&own.real(path)), repair);
        assert_eq!(usual.repair(path), "sudo nix-store --repair-path /nix/store/a");
        assert_ne!(own.id(), usual.id());
    }
}

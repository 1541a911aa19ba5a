//! The store that Nix uses: its folders, the connection to it, and its GC roots.

#![expect(clippy::disallowed_methods, reason = "reads the store's folders")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::id::Digest;

/// Folder of every store, as store paths begin.
pub const STORE: &str = "/nix/store";
/// Variables that select the store.
const VARIABLES: [&str; 4] = ["NIX_REMOTE", "NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_CONF_DIR"];

/// The connection of Nix to its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConnection {
    /// Nix changes the files of the store itself.
    Direct,
    /// The Nix daemon at this socket changes the files.
    Daemon(PathBuf),
    /// Nix changes the files itself, below this folder: a chroot store, whose paths begin with `/nix/store` too.
    Chroot(PathBuf),
    /// A store URL that pikaci doesn't parse.
    Address(String),
}

/// The store that Nix uses.
#[derive(Clone, Debug)]
pub struct NixStore {
    connection: StoreConnection,
    state_dir: PathBuf,
    id: String,
}

impl NixStore {
    /// Returns the store that these environment variables select. For a user who can't write to /nix and has no daemon, it
    /// is a store in the home folder, which is Nix's own choice on machines without /nix.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let state_dir = variable("NIX_STATE_DIR").map_or_else(|| PathBuf::from("/nix/var/nix"), PathBuf::from);
        let socket =
            variable("NIX_DAEMON_SOCKET_PATH").map_or_else(|| state_dir.join("daemon-socket/socket"), PathBuf::from);
        let remote = variable("NIX_REMOTE").unwrap_or_default().to_string_lossy().into_owned();
        let connection = match remote.as_str() {
            "" | "auto" if access(&state_dir, Access::READ_OK | Access::WRITE_OK).is_ok() => StoreConnection::Direct,
            "" | "auto" if socket.exists() => StoreConnection::Daemon(socket),
            "" | "auto" => home_chroot(&variable).map_or(StoreConnection::Direct, StoreConnection::Chroot),
            "local" => StoreConnection::Direct,
            "daemon" => StoreConnection::Daemon(socket),
            address => match (address.strip_prefix("unix://"), address.strip_prefix("local?root=")) {
                (Some(socket), _) => StoreConnection::Daemon(PathBuf::from(socket)),
                (_, Some(root)) if !root.contains('&') => StoreConnection::Chroot(PathBuf::from(root)),
                _ if address.starts_with('/') => StoreConnection::Chroot(PathBuf::from(address)),
                _ => StoreConnection::Address(remote.clone()),
            },
        };
        let mut id: Vec<String> =
            VARIABLES.map(|name| format!("{name}={}", variable(name).unwrap_or_default().to_string_lossy())).into();
        let mut state_dir = state_dir;
        if let StoreConnection::Chroot(root) = &connection {
            id.push(format!("root={}", root.display()));
            state_dir = root.join("nix/var/nix");
        }
        Self { connection, state_dir, id: Digest::of(id.join("\n").as_bytes()).short().to_owned() }
    }

    /// Returns the connection of Nix to the store.
    #[must_use]
    pub fn connection(&self) -> &StoreConnection {
        &self.connection
    }

    /// Returns the name of the store's folder of GC roots in a state folder.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the folder of a chroot store.
    #[must_use]
    pub fn chroot(&self) -> Option<&Path> {
        if let StoreConnection::Chroot(root) = &self.connection { Some(root) } else { None }
    }

    /// Returns the folder of the store's database, GC roots and logs.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Returns the folder of the store on this machine.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.host_path(Path::new(STORE))
    }

    /// Returns the location of a store path on this machine.
    #[must_use]
    pub fn host_path(&self, path: &Path) -> PathBuf {
        match (self.chroot(), path.strip_prefix("/")) {
            (Some(root), Ok(relative)) => root.join(relative),
            _ => path.to_owned(),
        }
    }

    /// Returns the location of the store path that a GC root holds.
    #[must_use]
    pub fn root_target(&self, link: &Path) -> Option<PathBuf> {
        Some(self.host_path(&fs::read_link(link).ok()?))
    }

    /// Returns the command that repairs a store path, given its location on this machine.
    #[must_use]
    pub fn repair_command(&self, path: &Path) -> String {
        let inside = self.chroot().and_then(|root| path.strip_prefix(root).ok().map(|path| (root, path)));
        match inside {
            Some((root, path)) => format!("nix-store --store {} --repair-path /{}", root.display(), path.display()),
            None => format!("sudo nix-store --repair-path {}", path.display()),
        }
    }

    /// Returns whether the store has this GC root: a link in the store's own folder leads to it.
    #[must_use]
    pub fn has_gc_root(&self, link: &Path) -> bool {
        let Ok(roots) = fs::read_dir(self.state_dir.join("gcroots/auto")) else { return false };
        let inode = |path: &Path| fs::symlink_metadata(path).map(|link| (link.dev(), link.ino())).ok();
        let Some(link_inode) = inode(link) else { return false };
        // Nix writes that link without the `..` that our path may have.
        let is_link = |target: PathBuf| target.file_name() == link.file_name() && inode(&target) == Some(link_inode);
        roots.filter_map(Result::ok).any(|root| fs::read_link(root.path()).is_ok_and(is_link))
    }
}

/// Returns the folder of the chroot store in the user's home, which is Nix's own choice of folder. Nix builds in such a
/// store only on Linux.
fn home_chroot(variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
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

    use super::{NixStore, StoreConnection};

    fn store(variables: &[(&str, &str)]) -> NixStore {
        let value = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
        };
        NixStore::from_env(value)
    }

    #[test]
    fn the_environment_selects_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().to_str().unwrap();
        let connection = |remote: &str| store(&[("NIX_REMOTE", remote)]).connection;
        assert_eq!(store(&[("NIX_STATE_DIR", folder)]).connection, StoreConnection::Direct);
        assert_eq!(connection("local"), StoreConnection::Direct);
        assert_eq!(connection("daemon"), StoreConnection::Daemon("/nix/var/nix/daemon-socket/socket".into()));
        let socket = ("NIX_DAEMON_SOCKET_PATH", "/s");
        assert_eq!(store(&[("NIX_REMOTE", "daemon"), socket]).connection, StoreConnection::Daemon("/s".into()));
        assert_eq!(connection("unix:///run/s"), StoreConnection::Daemon("/run/s".into()));
        for remote in ["/home/me", "local?root=/home/me"] {
            assert_eq!(connection(remote), StoreConnection::Chroot("/home/me".into()));
        }
        for remote in ["ssh-ng://a", "local?root=/a&state=/b", "dummy://"] {
            assert_eq!(connection(remote), StoreConnection::Address(remote.to_owned()));
        }
        // A state folder that can't be written, where a daemon listens.
        let moved = [("NIX_STATE_DIR", "/nonexistent"), ("NIX_DAEMON_SOCKET_PATH", folder)];
        assert_eq!(store(&moved).connection, StoreConnection::Daemon(folder.into()));
        assert_eq!(store(&moved[..1]).connection, StoreConnection::Direct);
    }

    #[test]
    fn paths_of_a_chroot_store_lie_in_its_folder() {
        let (own, usual) = (store(&[("NIX_REMOTE", "/home/me")]), store(&[("NIX_REMOTE", "daemon")]));
        let path = Path::new("/nix/store/a");
        assert_eq!((own.host_path(path), usual.host_path(path)), ("/home/me/nix/store/a".into(), path.to_owned()));
        assert_eq!((own.folder(), own.state_dir()), ("/home/me/nix/store".into(), Path::new("/home/me/nix/var/nix")));
        let repair = "nix-store --store /home/me --repair-path /nix/store/a";
        assert_eq!(own.repair_command(&own.host_path(path)), repair);
        assert_eq!(usual.repair_command(path), "sudo nix-store --repair-path /nix/store/a");
        assert_ne!(own.id(), usual.id());
    }
}

//! Shares of a guest in QEMU: each has a jailed virtiofsd, which refuses every change.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "resolves a path and creates sockets")]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::jail::{Jail, jail_share_daemon, jail_user};
use super::open_file_limit::open_file_limit;
use super::userland::Userland;
use crate::execute::runtime_folder::runtime_folder;
use crate::execute::share::{ShareTree, ShareUsers};
use crate::failpoint::Point;
use crate::process::{Child, Group, LogPipe};

/// File descriptor of the listening socket in virtiofsd.
const LISTENER_FD: i32 = 3;

/// File descriptor, in bubblewrap, of the file with the arguments for store paths.
const BINDS_FD: i32 = 48;

/// Drops the capabilities of root that virtiofsd would keep: read-only shares need none.
const NO_CAPABILITIES: &str = "--modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap";

/// The user that owns the files of unmapped users in a user namespace (`user_namespaces(7)`).
const NOBODY: u32 = 65534;

/// The database of the packages in `/usr`.
const DPKG: &str = "/var/lib/dpkg";

/// Name of a socket in its folder.
const SOCKET: &str = "s";

/// The daemon of shares and its jail.
#[derive(Clone, Debug)]
pub struct VirtiofsProgram {
    /// Path of virtiofsd, the one written in Rust.
    pub virtiofsd: PathBuf,
    /// Jail of the daemon.
    pub jail: Jail,
}

/// Starts the daemon of a share. Returns its process and the socket for the hypervisor.
///
/// # Errors
/// When the socket can't be made or the daemon can't be started.
pub fn start_share_daemon(
    group: &Group,
    program: &VirtiofsProgram,
    tree: &ShareTree,
    users: ShareUsers,
    log: &LogPipe,
) -> Result<(Child, UnixStream)> {
    let folder = runtime_folder()?;
    let path = folder.path().join(SOCKET);
    let listener = UnixListener::bind(&path).with_context(|| format!("making the socket {}", path.display()))?;
    let stream = UnixStream::connect(&path).with_context(|| format!("connecting to {}", path.display()))?;
    let virtiofsd =
        fs::canonicalize(&program.virtiofsd).with_context(|| format!("resolving {}", program.virtiofsd.display()))?;
    // Files of the host's system are public, so that their daemon runs as a user without rights.
    let is_jailed = matches!(program.jail, Jail::Bwrap(_)) && !matches!(tree, ShareTree::Folder(_));
    let user = is_jailed.then(|| jail_user(group)).flatten();
    let users = ShareUsers { host: user.map_or(users.host, |(user, _)| user), ..users };
    let (shared_dir, tree_args) = match (&program.jail, tree) {
        (Jail::Bwrap(_), ShareTree::Store(_, None)) => {
            bail!("the runner doesn't list the store paths that it needs: build it again")
        }
        (Jail::Bwrap(_), _) => (Path::new("/share"), bwrap_tree_args(tree, &Userland::inspect())),
        (_, ShareTree::Folder(folder) | ShareTree::Store(folder, _)) => (folder.as_path(), Vec::new()),
        (_, ShareTree::HostUserland) => {
            bail!("only bubblewrap can share the host's userland: run pikaci doctor for details")
        }
    };
    let invocation = jail_share_daemon(&program.jail, &virtiofsd, shared_dir, tree_args, user)?;
    let invocation = match tree {
        ShareTree::Store(folder, Some(names)) if is_jailed => invocation.fd(store_binds(folder, names)?, BINDS_FD),
        _ => invocation,
    };
    let invocation = invocation.args(daemon_args(shared_dir, tree, users, open_file_limit()));
    // Both ends are open. Without the folder, nothing is left if pikaci is killed from here on.
    drop(folder);
    let daemon = group.spawn(Point::Daemon, invocation.fd(listener, LISTENER_FD), log)?;
    Ok((daemon, stream))
}

/// Returns bubblewrap's arguments that show the tree at `/share`.
fn bwrap_tree_args(tree: &ShareTree, userland: &Userland) -> Vec<OsString> {
    let mut args = Vec::new();
    let mut add = |words: &[&dyn AsRef<OsStr>]| args.extend(words.iter().map(|word| word.as_ref().to_owned()));
    match tree {
        ShareTree::Folder(folder) => add(&[&"--ro-bind", folder, &"/share"]),
        // A file holds these arguments, since hundreds of them would fill the log.
        ShareTree::Store(..) => add(&[&"--perms", &"0755", &"--dir", &"/share", &"--args", &BINDS_FD.to_string()]),
        ShareTree::HostUserland => {
            // By default, the job's user can't enter the folders that bubblewrap creates.
            add(&[&"--perms", &"0755", &"--dir", &"/share", &"--perms", &"0755", &"--dir", &"/share/etc"]);
            add(&[&"--ro-bind", &"/usr", &"/share/usr"]);
            for folder in &userland.private {
                let hidden = format!("/share{}", folder.display());
                add(&[&"--tmpfs", &hidden, &"--remount-ro", &hidden]);
            }
            add(&[&"--ro-bind-try", &DPKG, &"/share/dpkg"]);
            let parents = userland.etc.iter().flat_map(|name| Path::new(name).ancestors().skip(1));
            let parents: BTreeSet<&Path> = parents.filter(|parent| !parent.as_os_str().is_empty()).collect();
            for parent in parents {
                add(&[&"--perms", &"0755", &"--dir", &Path::new("/share/etc").join(parent)]);
            }
            for name in &userland.etc {
                add(&[&"--ro-bind", &format!("/etc/{name}"), &format!("/share/etc/{name}")]);
            }
        }
    }
    args
}

/// Returns a file with bubblewrap's arguments that show these paths of a store.
fn store_binds(store: &Path, names: &[String]) -> Result<File> {
    let mut args = Vec::new();
    for name in names {
        let path = store.join(name);
        for word in [OsStr::new("--ro-bind"), path.as_os_str(), Path::new("/share").join(name).as_os_str()] {
            args.extend(word.as_bytes());
            args.push(0);
        }
    }
    let mut file = tempfile::tempfile().context("making a file for bubblewrap's arguments")?;
    file.write_all(&args).and_then(|()| file.rewind()).context("writing bubblewrap's arguments")?;
    Ok(file)
}

/// Returns the daemon's arguments.
fn daemon_args(folder: &Path, tree: &ShareTree, users: ShareUsers, open_files: u64) -> Vec<OsString> {
    let mut shared = OsString::from("--shared-dir=");
    shared.push(folder);
    let mut args = vec![format!("--fd={LISTENER_FD}").into(), shared];
    args.extend(
        ["--readonly", "--sandbox=none", "--cache=always", "--inode-file-handles=never", "--log-level=warn"]
            .map(OsString::from),
    );
    args.push(format!("--rlimit-nofile={open_files}").into());
    if users.host == 0 {
        args.push(NO_CAPABILITIES.into());
    }
    let map = match tree {
        ShareTree::Folder(_) if users.host != users.guest => Some(format!("map:{}:{}:1", users.guest, users.host)),
        // In the user namespace of another user, the files of root belong to nobody.
        ShareTree::HostUserland | ShareTree::Store(..) if users.host != 0 => Some(format!("map:0:{NOBODY}:1")),
        _ => None,
    };
    if let Some(map) = map {
        args.extend([format!("--translate-uid={map}").into(), format!("--translate-gid={map}").into()]);
    }
    args
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{ShareTree, ShareUsers, Userland, bwrap_tree_args, daemon_args};

    fn lines(tree: &ShareTree, users: ShareUsers) -> String {
        let private = ["/usr/etc", "/usr/local/etc"].map(PathBuf::from).to_vec();
        let userland = Userland { etc: vec!["localtime".to_owned(), "ssl/certs".to_owned()], private };
        let daemon = daemon_args(Path::new("/share"), tree, users, 1000);
        let args = bwrap_tree_args(tree, &userland).into_iter().chain(["/virtiofsd".into()]).chain(daemon);
        let args: Vec<_> = args.map(|arg| arg.into_string().unwrap()).collect();
        args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n")
    }

    #[test]
    fn a_folder_is_shared_with_another_user() {
        let tree = ShareTree::Folder("/state/snapshots/a b".into());
        insta::assert_snapshot!(lines(&tree, ShareUsers { host: 0, guest: 1000 }), @"
        --ro-bind /state/snapshots/a b /share /virtiofsd
        --fd=3
        --shared-dir=/share
        --readonly
        --sandbox=none
        --cache=always
        --inode-file-handles=never
        --log-level=warn
        --rlimit-nofile=1000
        --modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap
        --translate-uid=map:1000:0:1
        --translate-gid=map:1000:0:1
        ");
        let same = lines(&tree, ShareUsers { host: 1000, guest: 1000 });
        assert!(!same.contains("translate") && !same.contains("cap"), "{same}");
    }

    #[test]
    fn the_userland_hides_private_folders() {
        insta::assert_snapshot!(lines(&ShareTree::HostUserland, ShareUsers { host: 1_900_000_007, guest: 1000 }), @"
        --perms 0755
        --dir /share
        --perms 0755
        --dir /share/etc
        --ro-bind /usr /share/usr
        --tmpfs /share/usr/etc
        --remount-ro /share/usr/etc
        --tmpfs /share/usr/local/etc
        --remount-ro /share/usr/local/etc
        --ro-bind-try /var/lib/dpkg /share/dpkg
        --perms 0755
        --dir /share/etc/ssl
        --ro-bind /etc/localtime /share/etc/localtime
        --ro-bind /etc/ssl/certs /share/etc/ssl/certs /virtiofsd
        --fd=3
        --shared-dir=/share
        --readonly
        --sandbox=none
        --cache=always
        --inode-file-handles=never
        --log-level=warn
        --rlimit-nofile=1000
        --translate-uid=map:0:65534:1
        --translate-gid=map:0:65534:1
        ");
    }
}

//! Programs that tests start. They are searched in PATH; a missing program fails the test.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Folders of programs that PATH may lack: those of root, the one of virtiofsd, and the one of the set-up.
const SYSTEM_FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/libexec", "/usr/local/lib/pikaci/bin"];

/// Returns the path of a program.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH is set");
    let folders = std::env::split_paths(&path).chain(SYSTEM_FOLDERS.map(PathBuf::from));
    let program = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    program.unwrap_or_else(|| panic!("{name} is missing: install it, or run `.ci/setup test`"))
}

/// Returns a command of a program.
#[track_caller]
pub fn tool_command(name: &str) -> Command {
    Command::new(tool(name))
}

/// Returns the Nix of a version that the set-up installs: `oldest`, `newest` or `strict-locks`.
#[track_caller]
pub fn nix(version: &str) -> PathBuf {
    // The other programs of that Nix are beside the target of the link.
    let program = tool(&format!("nix-{version}"));
    program.canonicalize().unwrap_or_else(|error| panic!("resolving {}: {error}", program.display()))
}

/// Appends a command to another one that starts it, such as `strace -f`, with its environment and folder, and without
/// input.
pub fn inside(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(inner.get_current_dir().unwrap_or(Path::new("."))).stdin(Stdio::null());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Returns a command that starts another one where /dev/kvm opens, whatever this machine has: it is another /dev/null, in
/// a copy of /dev that only the command sees. The process of the command is the one that is started.
pub fn with_kvm_device(command: &Command) -> Command {
    const SCRIPT: &str = r#"mount -t tmpfs tmpfs /mnt; cp -ax /dev/. /mnt; rm -f /mnt/kvm; mknod -m 666 /mnt/kvm c 1 3
        mount --move /mnt /dev; exec "$0" "$@""#;
    let mut unshare = tool_command("unshare");
    unshare.args(["--mount", "sh", "-euc", SCRIPT]);
    inside(unshare, command)
}

/// Returns a command that starts another one with every signal's default action. A shell ignores SIGINT in the
/// processes of its background, which pass that on.
pub fn with_default_signals(command: &Command) -> Command {
    let mut env = tool_command("env");
    env.arg("--default-signal");
    inside(env, command)
}

/// Returns a command that starts another one as another user, in only that user's own group.
pub fn by_user(user: u32, command: &Command) -> Command {
    let mut setpriv = tool_command("setpriv");
    setpriv.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]);
    inside(setpriv, command)
}

/// Writes a program in a process of its own. If this process had the file open for writing, it could not be executed as
/// long as a child of another test inherits the open file.
#[track_caller]
pub fn write_program(path: &Path, content: &[u8]) {
    let mut shell = Command::new("sh");
    shell.args(["-euc", r#"cat >"$0"; chmod 755 "$0""#]).arg(path).stdin(Stdio::piped());
    let mut writer = shell.spawn().unwrap();
    writer.stdin.take().unwrap().write_all(content).unwrap();
    assert!(writer.wait().unwrap().success(), "writing {}", path.display());
}

//! Commands at a terminal of their own.

use std::fs::File;
use std::io::Read as _;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::project::Ran;
use crate::support::tools::{inside, tool_command, with_default_signals};

/// Creates a terminal: the end for programs, and the end that shows it.
pub fn terminal() -> (File, File) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    let name = ptsname(&shown, Vec::new()).unwrap().into_string().unwrap();
    (File::options().read(true).write(true).open(name).unwrap(), File::from(shown))
}

/// Returns a command in a session of its own whose terminal is its standard input, and the end that shows that terminal.
pub fn session(command: &Command) -> (Command, File) {
    let (used, shown) = terminal();
    let mut session = tool_command("setsid");
    session.arg("--ctty");
    let mut session = inside(session, &with_default_signals(command));
    session.stdin(used);
    (session, shown)
}

/// Runs a command at a terminal at which nobody types, and returns its exit code and the terminal's text.
pub fn at_terminal(command: &Command) -> Ran {
    let (mut session, mut shown) = session(command);
    let name = ptsname(&shown, Vec::new()).unwrap().into_string().unwrap();
    let open = || File::options().read(true).write(true).open(&name).unwrap();
    let mut child = session.stdout(open()).stderr(open()).spawn().unwrap();
    // The command holds the other end of the terminal.
    drop(session);
    let stdout = read_all(&mut shown);
    Ran { code: child.wait().unwrap().code(), stdout, stderr: String::new() }
}

/// Reads a terminal until every program has closed it, which is an error on Linux.
fn read_all(terminal: &mut File) -> String {
    let mut bytes = Vec::new();
    while let Ok(1..) = terminal.take(4096).read_to_end(&mut bytes) {}
    String::from_utf8_lossy(&bytes).into_owned()
}

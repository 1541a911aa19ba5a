//! A command whose output is read while it runs.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pikaci::text::quote;

use crate::support::project::Project;

/// The longest time that any step may take on a busy machine.
const DEADLINE: Duration = Duration::from_mins(2);

/// A command of pikaci whose output is read while it runs.
pub struct Following {
    pub child: Child,
    pub bytes: Receiver<Vec<u8>>,
    pub output: Vec<u8>,
}

impl Following {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, bytes) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut buffer)
                && sender.send(buffer[..count].to_vec()).is_ok()
            {}
        });
        Self { child, bytes, output: Vec::new() }
    }

    /// Waits until the output so far ends with this.
    #[track_caller]
    pub fn shows(&mut self, end: &[u8]) {
        self.until(|output| output.ends_with(end));
    }

    /// Waits until the output so far meets the condition.
    #[track_caller]
    pub fn until(&mut self, done: impl Fn(&[u8]) -> bool) {
        let start = Instant::now();
        while !done(&self.output) {
            let more = self.bytes.recv_timeout(DEADLINE.saturating_sub(start.elapsed()));
            self.output.extend(more.unwrap_or_else(|_| panic!("after {:?}", String::from_utf8_lossy(&self.output))));
        }
    }

    /// Waits for the end, and returns all output.
    #[track_caller]
    pub fn ends(&mut self) -> (ExitStatus, Vec<u8>) {
        let status = ended(&mut self.child);
        self.output.extend(self.bytes.iter().flatten());
        (status, std::mem::take(&mut self.output))
    }
}

impl Drop for Following {
    /// Ends the command if a test fails.
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

#[track_caller]
pub fn ended(child: &mut Child) -> ExitStatus {
    let status = wait(|| child.try_wait().unwrap());
    status.unwrap_or_else(|| {
        child.kill().unwrap();
        panic!("the command didn't end within {DEADLINE:?}")
    })
}

/// Returns the first value of `probe` before the deadline.
pub fn wait<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(value) = probe() {
            return Some(value);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

pub fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

pub fn project() -> Project {
    Project::new("{ jobs.test.command = \"true\"; }")
}

/// Returns the command `pikaci ARGS` on a terminal of its own.
pub fn on_terminal(project: &Project, args: &str) -> Command {
    let pikaci = project.command(&[]);
    let mut script = Command::new("script");
    let line = format!("env --default-signal {} {args}", quote(pikaci.get_program().to_str().unwrap()));
    script.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]).stdin(Stdio::null());
    script.envs(pikaci.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").env_remove("NO_COLOR").current_dir(project.path("."));
    script
}

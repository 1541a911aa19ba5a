//! A running pikaci with all its descendants.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tempfile::NamedTempFile;

use crate::support::project::{Project, Ran};
use crate::support::terminal::session;
use crate::support::tools::with_default_signals;

/// The environment variable that all processes of one pikaci share.
pub const MARK: &str = "PIKACI_TEST_MARK";
/// The longest time until the job of a guest runs, on a busy machine.
pub const START: Duration = Duration::from_mins(2);
/// The longest time until every process has ended, from the moment of a failure or a request.
pub const END: Duration = Duration::from_secs(10);

/// A running pikaci, in a foreground process group of its own.
pub struct Running {
    child: Child,
    mark: String,
    stdout: NamedTempFile,
    stderr: NamedTempFile,
    observed: Vec<Process>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: Pid,
    /// File name of the program.
    pub name: String,
    parent: i32,
    /// The start time in ticks: a process id is used again, but never with the same start time.
    started: u64,
}

impl Running {
    /// Starts a command of pikaci.
    pub fn start(command: &Command) -> Self {
        Self::marked(command, new_mark())
    }

    /// Starts a command of pikaci at a terminal of its own, and returns the other end of the terminal.
    pub fn start_at_terminal(command: &Command) -> (Self, File) {
        let (session, terminal) = session(command);
        (Self::spawn(session, new_mark()), terminal)
    }

    /// Starts a command whose processes have this mark; jobs without a guest get the mark only from the job file.
    pub fn marked(command: &Command, mark: String) -> Self {
        let mut command = with_default_signals(command);
        command.process_group(0);
        Self::spawn(command, mark)
    }

    fn spawn(mut command: Command, mark: String) -> Self {
        let (stdout, stderr) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        command.env(MARK, &mark);
        command.stdout(stdout.reopen().unwrap()).stderr(stderr.reopen().unwrap());
        Self { child: command.spawn().unwrap(), mark, stdout, stderr, observed: Vec::new() }
    }

    /// Waits until a job has printed this.
    #[track_caller]
    pub fn prints(&mut self, project: &Project, job: &str, text: &str) {
        // Until then, the latest run may be an older one.
        self.says(&format!("{job}: started\n"));
        self.until(text, || {
            let log = project.try_output(job)?;
            log.contains(text).then_some(())
        });
    }

    /// Waits until pikaci has printed this on standard error.
    #[track_caller]
    pub fn says(&mut self, text: &str) {
        let log = self.stderr.path().to_owned();
        self.until(text, || fs::read_to_string(&log).unwrap().contains(text).then_some(()));
    }

    /// Waits for a process with this program, and returns its id.
    #[track_caller]
    pub fn process(&mut self, name: &str) -> Pid {
        let (mark, root) = (self.mark.clone(), self.pid());
        self.until(name, || Some(processes_of(root, &mark).into_iter().find(|process| process.name == name)?.pid))
    }

    /// Returns the ids of all processes with this program.
    pub fn processes(&self, name: &str) -> Vec<Pid> {
        let all = processes_of(self.pid(), &self.mark).into_iter();
        all.filter(|process| process.name == name).map(|process| process.pid).collect()
    }

    #[track_caller]
    fn until<T>(&mut self, label: &str, mut get: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(value) = get() {
                self.observe();
                return value;
            }
            let over = self.child.try_wait().unwrap();
            assert!(over.is_none() && began.elapsed() < START, "no {label:?}: {over:?}\n{}", text(&self.stderr));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Records the current processes, which must have ended at the end.
    fn observe(&mut self) {
        for process in processes_of(self.pid(), &self.mark) {
            if !self.observed.contains(&process) {
                self.observed.push(process);
            }
        }
    }

    /// Returns the process id of pikaci.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    /// Sends a signal to pikaci alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Sends a signal to the whole group, as a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        kill_process_group(self.pid(), signal).unwrap();
    }

    /// Waits for the end of pikaci and of all its descendants; both may take [`END`] from now.
    #[track_caller]
    pub fn ends(self, label: &str) -> Ran {
        self.ends_within(END, label)
    }

    /// Waits for the end of pikaci and of all its descendants.
    #[track_caller]
    pub fn ends_within(mut self, limit: Duration, label: &str) -> Ran {
        self.observe();
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < limit, "{label}: pikaci is still there\n{}", text(&self.stderr));
            std::thread::sleep(Duration::from_millis(10));
        };
        let ended = began.elapsed();
        loop {
            let alive = self.alive();
            if alive.is_empty() {
                break;
            }
            assert!(began.elapsed() < limit, "{label}: still there: {alive:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let observed: Vec<&str> = self.observed.iter().map(|process| process.name.as_str()).collect();
        println!("{label}: pikaci ended in {ended:.1?}, the last of {observed:?} in {:.1?}", began.elapsed());
        Ran { code: status.code(), stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }

    fn alive(&self) -> Vec<Process> {
        let marked = |process: &Process| is_marked(process.pid, &self.mark);
        let is_observed = |process: &Process| {
            self.observed.iter().any(|observed| (observed.pid, observed.started) == (process.pid, process.started))
        };
        all().into_iter().filter(|process| is_observed(process) || marked(process)).collect()
    }
}

/// Returns a mark that no other process has.
pub fn new_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Ends all processes of a failed test.
impl Drop for Running {
    fn drop(&mut self) {
        for process in self.alive() {
            // The process may have ended meanwhile.
            kill_process(process.pid, Signal::KILL).ok();
        }
        self.child.wait().ok();
    }
}

/// Returns a process and its descendants: by their parents, or by their environment if a parent has ended.
pub fn processes_of(root: Pid, mark: &str) -> Vec<Process> {
    let all = all();
    let mut descendants: Vec<Process> =
        all.iter().filter(|process| process.pid == root || is_marked(process.pid, mark)).cloned().collect();
    let mut next = 0;
    while let Some(parent) = descendants.get(next).map(|process| process.pid.as_raw_nonzero().get()) {
        let children = all.iter().filter(|process| process.parent == parent && !descendants.contains(process));
        descendants.extend(children.cloned().collect::<Vec<_>>());
        next += 1;
    }
    descendants
}

fn is_marked(pid: Pid, mark: &str) -> bool {
    let variable = format!("{MARK}={mark}");
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes())
}

/// Returns every process that hasn't ended.
fn all() -> Vec<Process> {
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    pids.filter_map(process).collect()
}

fn process(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may contain any character: proc_pid_stat(5).
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let zombie = matches!(fields[0], "Z" | "X");
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let name = Path::new(&program).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (parent, started) = (fields[1].parse().ok()?, fields[19].parse().ok()?);
    (!zombie).then_some(Process { pid: Pid::from_raw(pid)?, name, parent, started })
}

fn text(file: &NamedTempFile) -> String {
    let mut bytes = Vec::new();
    File::open(file.path()).unwrap().read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

//! The order of writes and syncs in a trace of system calls: a file that has its name survives a power loss.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::support::kill_scenes::PASSES;
use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::{inside, tool_command};

const JOB_FILE: &str = r#"{
  guests.here.base = "none";
  jobs.a = { command = "sleep 1; echo out >out.txt"; artifacts = [ "*.txt" ]; guest = "here"; network = true; };
  jobs.b.command = "true";
}"#;

/// A successful system call, with its first and last line in the trace.
struct Call {
    name: String,
    text: String,
    began: usize,
    ended: usize,
}

impl Call {
    /// Returns the paths among the arguments.
    fn given(&self) -> Vec<&str> {
        self.text.split('"').skip(1).step_by(2).collect()
    }

    /// Returns the open file that is an argument.
    fn open_file(&self) -> Option<&str> {
        Some(self.text.split_once('<')?.1.split_once('>')?.0)
    }

    /// Returns true if the call writes the text into the file.
    fn writes(&self, path: &Path, text: &str) -> bool {
        self.name == "write" && self.open_file().is_some_and(|file| Path::new(file) == path) && self.text.contains(text)
    }

    fn syncs(&self, path: &Path) -> bool {
        ["fsync", "fdatasync"].contains(&self.name.as_str())
            && self.open_file().is_some_and(|file| Path::new(file) == path)
    }

    /// Returns true if the call syncs the whole file system of a folder.
    fn syncs_all(&self, folder: &Path) -> bool {
        self.name == "syncfs" && self.open_file().is_some_and(|file| Path::new(file).starts_with(folder))
    }
}

/// Reads the trace of strace, which prints a long call in two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: Vec<(&str, String, usize)> = Vec::new();
    let mut calls = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let (process, text) = line.split_once(char::is_whitespace).unwrap();
        let text = text.trim_start();
        let (text, began) = if let Some(begun) = text.strip_suffix(" <unfinished ...>") {
            open.push((process, begun.to_owned(), at));
            continue;
        } else if text.starts_with("<... ") {
            let place = open.iter().position(|(begun, ..)| *begun == process).expect("a resumed call has a beginning");
            let (_, start, began) = open.remove(place);
            (start + text.split_once(" resumed>").unwrap().1, began)
        } else {
            (text.to_owned(), at)
        };
        let is_well = text.rsplit_once(" = ").is_some_and(|(_, result)| !result.starts_with(['-', '?']));
        if let (true, Some((name, _))) = (is_well, text.split_once('(')) {
            calls.push(Call { name: name.to_owned(), text, began, ended: at });
        }
    }
    calls
}

/// Returns true for a record that is computed again if a power loss loses it.
fn is_view(calls: &[Call], renamed: &Call) -> bool {
    let [from, to] = renamed.given()[..] else { return false };
    let is_synced = calls.iter().any(|call| call.ended < renamed.began && call.syncs(Path::new(from)));
    !is_synced && (to.ends_with("/run.json") || to.ends_with("/status.json"))
}

/// Asserts that all files of a run were synced before its record reported the end, and that the lock, which marks a run
/// to be completed, existed until then. Returns true if the file system was synced for that.
fn assert_closed(calls: &[Call], run: &Path) -> bool {
    let record = run.join("run.json");
    let of_run = |call: &&Call| call.name.starts_with("rename") && Path::new(call.given()[1]).starts_with(run);
    let renamed: Vec<&Call> = calls.iter().filter(of_run).collect();
    let closed = renamed.iter().rfind(|call| Path::new(call.given()[1]) == record).unwrap();
    assert!(!is_view(calls, closed), "{}", closed.text);
    let synced = calls.iter().rfind(|call| call.syncs_all(run) && call.ended < closed.began);
    let events = run.join("events.jsonl");
    for replaced in renamed.iter().filter(|call| !is_view(calls, call) && !call.given()[1].ends_with("/manifest.json"))
    {
        let event = calls.iter().rfind(|call| call.ended < replaced.began && call.writes(&events, ""));
        let survives = |event: &Call| {
            calls.iter().any(|call| event.ended < call.began && call.ended < replaced.began && call.syncs(&events))
        };
        assert!(event.is_none_or(survives), "{} follows from an event that isn't synced", replaced.text);
    }
    for view in renamed.iter().filter(|call| is_view(calls, call)) {
        let again = renamed.iter().any(|other| other.began > view.ended && other.given()[1] == view.given()[1]);
        let survives = synced.is_some_and(|synced| view.ended < synced.began);
        assert!(again || survives, "{} isn't synced at the end", view.text);
    }
    let jobs = run.join("jobs");
    let named = calls.iter().any(|call| call.ended < closed.began && call.syncs(&jobs)) || synced.is_some();
    assert!(named, "{} isn't synced", jobs.display());
    let unlocked = calls.iter().find(|call| call.name == "unlink" && Path::new(call.given()[0]) == run.join("lock"));
    let unlocked = unlocked.expect("the lock is removed").began;
    let is_synced = calls.iter().any(|call| call.syncs(run) && closed.ended < call.began && call.ended < unlocked);
    assert!(is_synced, "the lock was removed before {} was synced", record.display());
    synced.is_some()
}

/// Returns the files that were renamed into their place in the state folder. Asserts that the content of each was
/// synced before, and its folder after; records of a running run are exempt.
fn durable(calls: &[Call], state: &Path) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::new();
    for call in calls.iter().filter(|call| call.name.starts_with("rename")) {
        let [from, to] = call.given()[..] else { panic!("{}", call.text) };
        let (from, to) = (Path::new(from), Path::new(to));
        let is_draft = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with(".tmp-");
        // Nix itself makes the links to runners.
        let is_ours = to.starts_with(state) && !to.starts_with(state.join("runners"));
        if !is_ours || !is_draft(from) || is_view(calls, call) {
            continue;
        }
        let before =
            |call_of: &dyn Fn(&Call) -> bool| calls.iter().any(|other| other.ended < call.began && call_of(other));
        let is_synced = |path: &Path| before(&|call| call.syncs(path) || call.syncs_all(from));
        let made = calls
            .iter()
            .filter(|made| made.ended < call.began && made.name == "openat" && made.text.contains("O_CREAT"));
        let made = made.filter_map(|made| made.given().first().map(|path| PathBuf::from(*path)));
        let made: Vec<PathBuf> = made.filter(|path| path.starts_with(from)).collect();
        assert!(is_synced(from), "{} wasn't synced before it was {}", from.display(), to.display());
        // In a folder: each file that still has its name, except locks, which are empty, and each folder of these
        // files.
        for path in made.iter().filter(|path| *path != from && !is_draft(path) && !path.ends_with("lock")) {
            assert!(is_synced(path), "{} wasn't synced before {} existed", path.display(), to.display());
            assert!(is_synced(path.parent().unwrap()), "the folder of {} wasn't synced", path.display());
        }
        let folder = to.parent().unwrap();
        let after = calls.iter().any(|other| other.began > call.ended && other.syncs(folder));
        assert!(after, "{} wasn't synced after {} was in it", folder.display(), to.display());
        paths.insert(to.strip_prefix(state).unwrap().to_owned());
    }
    paths
}

/// Runs the jobs of a project, and returns the system calls.
fn traced(project: &Project, stand_ins: &StandIns) -> Vec<Call> {
    let trace = NamedTempFile::new().unwrap();
    let run = stand_ins.before(project.command(&["run"]));
    let mut strace = tool_command("strace");
    let filter = "trace=openat,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,write";
    strace.args([
        "--follow-forks",
        "--seccomp-bpf",
        "--decode-fds=path",
        "--string-limit=4096",
        "-e",
        filter,
        "--output",
    ]);
    strace.arg(trace.path());
    ran(&mut inside(strace, &run)).exits(0);
    calls(&fs::read_to_string(trace.path()).unwrap())
}

#[test]
fn a_renamed_file_is_synced_before_and_its_folder_after() {
    let guest = StandIns::new().script("qemu-system-x86_64", &format!("{PASSES} >&6"));
    let project = Project::with_nix(JOB_FILE);
    let state = project.state("");
    let calls = traced(&project, &guest);
    let paths = durable(&calls, &state);
    let run = PathBuf::from("runs").join(project.runs().pop().unwrap());
    assert!(!assert_closed(&calls, &state.join(&run)), "the run waits for no other files");
    let events = state.join(&run).join("events.jsonl");
    let at = |event: &str| calls.iter().find(|call| call.writes(&events, event)).unwrap();
    let (began, ended) = (at(r#"job_started\",\"job\":\"a"#), at(r#"job_finished\",\"job\":\"a"#));
    let settled = calls.iter().any(|call| began.ended < call.began && call.ended < ended.began && call.syncs(&events));
    assert!(settled, "a power loss would lose a running job");
    let names = |folder: &str| {
        let names = fs::read_dir(state.join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| Path::new(folder).join(name)).collect::<Vec<_>>()
    };
    let files = [".gitignore", "CACHEDIR.TAG", "version", "host.json"].map(PathBuf::from);
    let records = ["run.json", "jobs/a/status.json", "jobs/b/status.json", "jobs/a/attempts/1/manifest.json"];
    let of_run = records.map(|name| run.join(name)).into_iter().chain([run.clone()]);
    let stored = ["snapshots", "indexes", "flakes"].into_iter().flat_map(names);
    let expected: BTreeSet<PathBuf> = files.into_iter().chain(of_run).chain(stored).collect();
    let (drafted, placed): (BTreeSet<_>, BTreeSet<_>) =
        paths.into_iter().partition(|path| path.to_string_lossy().contains("/.tmp-"));
    assert_eq!(placed, expected);
    // The first files of a run exist before the folder of the run has its name.
    let drafted: BTreeSet<_> = drafted.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(drafted, BTreeSet::from(["plan.json", "run.json"]));
}

#[test]
fn the_records_of_many_jobs_are_synced_at_once() {
    let jobs: Vec<String> = (0..65).map(|job| format!("jobs.j{job}.command = \"true\";")).collect();
    let project = Project::with_nix(&format!(
        "{{ guests.here.base = \"none\"; defaults = {{ guest = \"here\"; network = true; }};\n{}}}",
        jobs.join("\n")
    ));
    let calls = traced(&project, &StandIns::new());
    let run = project.state("runs").join(project.runs().pop().unwrap());
    assert!(assert_closed(&calls, &run), "the whole file system is synced");
    let status =
        calls.iter().filter(|call| call.name.starts_with("rename") && call.given()[1].ends_with("/status.json"));
    assert_eq!(status.filter(|call| is_view(&calls, call)).count(), 2 * 65, "the start and the end of the run");
}

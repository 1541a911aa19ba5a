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

/// A call that ended well: where it began and ended in the trace.
struct Call {
    name: String,
    text: String,
    began: usize,
    ended: usize,
}

impl Call {
    /// Returns the paths that it was given.
    fn given(&self) -> Vec<&str> {
        self.text.split('"').skip(1).step_by(2).collect()
    }

    /// Returns the file that it was given open.
    fn open_file(&self) -> Option<&str> {
        Some(self.text.split_once('<')?.1.split_once('>')?.0)
    }

    /// Returns whether it writes that into a file.
    fn writes(&self, path: &Path, text: &str) -> bool {
        self.name == "write" && self.open_file().is_some_and(|file| Path::new(file) == path) && self.text.contains(text)
    }

    fn syncs(&self, path: &Path) -> bool {
        ["fsync", "fdatasync"].contains(&self.name.as_str())
            && self.open_file().is_some_and(|file| Path::new(file) == path)
    }

    /// Returns whether it syncs all of the file system that a folder is on.
    fn syncs_all(&self, folder: &Path) -> bool {
        self.name == "syncfs" && self.open_file().is_some_and(|file| Path::new(file).starts_with(folder))
    }
}

/// Reads the trace of strace, in which a call that lasts is told in two lines.
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
            let place = open.iter().position(|(begun, ..)| *begun == process).expect("what is resumed has begun");
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

/// Returns whether what was renamed is a record that isn't there after a power loss, and is told again then.
fn is_view(calls: &[Call], renamed: &Call) -> bool {
    let [from, to] = renamed.given()[..] else { return false };
    let is_synced = calls.iter().any(|call| call.ended < renamed.began && call.syncs(Path::new(from)));
    !is_synced && (to.ends_with("/run.json") || to.ends_with("/status.json"))
}

/// Asserts that all of a run was synced before its record said that it had ended, and that the lock by which the next
/// pikaci finds what has to be told again was there until then. Returns whether the file system was synced for it.
fn assert_closed(calls: &[Call], run: &Path) -> bool {
    let record = run.join("run.json");
    let of_run = |call: &&Call| call.name.starts_with("rename") && Path::new(call.given()[1]).starts_with(run);
    let renamed: Vec<&Call> = calls.iter().filter(of_run).collect();
    let closed = renamed.iter().rfind(|call| Path::new(call.given()[1]) == record).unwrap();
    assert!(!is_view(calls, closed), "{}", closed.text);
    let synced = calls.iter().rfind(|call| call.syncs_all(run) && call.ended < closed.began);
    let events = run.join("events.jsonl");
    for told in renamed.iter().filter(|call| !is_view(calls, call) && !call.given()[1].ends_with("/manifest.json")) {
        let event = calls.iter().rfind(|call| call.ended < told.began && call.writes(&events, ""));
        let survives = |event: &Call| {
            calls.iter().any(|call| event.ended < call.began && call.ended < told.began && call.syncs(&events))
        };
        assert!(event.is_none_or(survives), "{} follows from an event that isn't synced", told.text);
    }
    for view in renamed.iter().filter(|call| is_view(calls, call)) {
        let again = renamed.iter().any(|other| other.began > view.ended && other.given()[1] == view.given()[1]);
        let survives = synced.is_some_and(|synced| view.ended < synced.began);
        assert!(again || survives, "{} isn't synced at last", view.text);
    }
    let jobs = run.join("jobs");
    let named = calls.iter().any(|call| call.ended < closed.began && call.syncs(&jobs)) || synced.is_some();
    assert!(named, "{} isn't synced", jobs.display());
    let unlocked = calls.iter().find(|call| call.name == "unlink" && Path::new(call.given()[0]) == run.join("lock"));
    let unlocked = unlocked.expect("the lock goes").began;
    let told = calls.iter().any(|call| call.syncs(run) && closed.ended < call.began && call.ended < unlocked);
    assert!(told, "the lock went before {} would survive", record.display());
    synced.is_some()
}

/// Returns what was renamed into its place in the state folder, after asserting that what is in it was synced before, and
/// the folder with its name after; but for the records of a run that goes on.
fn durable(calls: &[Call], state: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for call in calls.iter().filter(|call| call.name.starts_with("rename")) {
        let [from, to] = call.given()[..] else { panic!("{}", call.text) };
        let (from, to) = (Path::new(from), Path::new(to));
        let is_draft = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with(".tmp-");
        // The links to runners are Nix's own.
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
        // In a folder: each file that still has its name, but for locks, which hold nothing, and each folder of them.
        for path in made.iter().filter(|path| *path != from && !is_draft(path) && !path.ends_with("lock")) {
            assert!(is_synced(path), "{} wasn't synced before {} was there", path.display(), to.display());
            assert!(is_synced(path.parent().unwrap()), "the folder of {} wasn't synced", path.display());
        }
        let folder = to.parent().unwrap();
        let after = calls.iter().any(|other| other.began > call.ended && other.syncs(folder));
        assert!(after, "{} wasn't synced after {} was in it", folder.display(), to.display());
        found.insert(to.strip_prefix(state).unwrap().to_owned());
    }
    found
}

/// Runs a project's jobs, and returns the calls of that.
fn traced(project: &Project, stand_ins: &StandIns) -> Vec<Call> {
    let trace = NamedTempFile::new().unwrap();
    let run = stand_ins.before(project.command(&["run"]));
    let mut strace = tool_command("strace");
    let what = "trace=openat,fsync,fdatasync,syncfs,rename,renameat,renameat2,unlink,write";
    strace.args([
        "--follow-forks",
        "--seccomp-bpf",
        "--decode-fds=path",
        "--string-limit=4096",
        "-e",
        what,
        "--output",
    ]);
    strace.arg(trace.path());
    ran(&mut inside(strace, &run)).exits(0);
    calls(&fs::read_to_string(trace.path()).unwrap())
}

#[test]
fn what_is_renamed_into_its_place_is_synced_before_and_its_folder_after() {
    let guest = StandIns::new().script("qemu-system-x86_64", &format!("{PASSES} >&6"));
    let project = Project::with_nix(JOB_FILE);
    let state = project.state("");
    let calls = traced(&project, &guest);
    let found = durable(&calls, &state);
    let run = PathBuf::from("runs").join(project.runs().pop().unwrap());
    assert!(!assert_closed(&calls, &state.join(&run)), "what else is to be written isn't waited for");
    let events = state.join(&run).join("events.jsonl");
    let at = |event: &str| calls.iter().find(|call| call.writes(&events, event)).unwrap();
    let (began, ended) = (at(r#"job_started\",\"job\":\"a"#), at(r#"job_finished\",\"job\":\"a"#));
    let settled = calls.iter().any(|call| began.ended < call.began && call.ended < ended.began && call.syncs(&events));
    assert!(settled, "what is going on would be forgotten");
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
        found.into_iter().partition(|path| path.to_string_lossy().contains("/.tmp-"));
    assert_eq!(placed, expected);
    // A run's first files are there before it has its name.
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
    assert!(assert_closed(&calls, &run), "all is synced");
    let status =
        calls.iter().filter(|call| call.name.starts_with("rename") && call.given()[1].ends_with("/status.json"));
    assert_eq!(status.filter(|call| is_view(&calls, call)).count(), 2 * 65, "its beginning and its end");
}

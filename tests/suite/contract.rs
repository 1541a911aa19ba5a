//! The guest contract, as a job sees it. Each job checks much by itself and prints what isn't as it should be.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pikaci::record::Outcome;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::project::{NIX_CONFIG, Project, nix, ran};
use crate::stand_in::StandIns;

/// What each script of a job begins with.
const CHECKS: &str = r#"
is() { [ "$2" = "$3" ] || printf 'BAD %s: <%s> instead of <%s>\n' "$1" "$2" "$3"; }
fails() { if "$@" 2>/dev/null; then echo "BAD it worked: $*"; fi; }
works() { "$@" || echo "BAD it failed: $*"; }
"#;

/// Returns a project whose one job runs a script of checks.
fn checking(job: &str, script: &str) -> Project {
    Project::new(&format!("{{ jobs.check = {{ {job} }}; }}"))
        .file("check.sh", &format!("{CHECKS}{script}\necho done\n"))
}

/// Asserts that all the checks of the last run's job were right.
#[track_caller]
fn assert_checked(project: &Project) {
    assert_eq!(project.output("check"), "done\n");
}

#[test]
fn a_job_has_its_environment_and_arguments_and_nothing_of_the_host() {
    let job = r#"
      command = [ "sh" "check.sh" "a 'b' \"c\" $HOME \\" "" "ß\n雪" ];
      env.TEXT = "one\n 'two' \"three\" $HOME `id` \\ ß雪\n";
      env.GREETING = "héllo";
    "#;
    let script = r#"
is arguments "$(printf '<%s>' "$@")" "<a 'b' \"c\" \$HOME \\><><$(printf 'ß\n雪')>"
is TEXT "$TEXT." "$(printf 'one\n \047two\047 "three" $HOME \140id\140 \\ ß雪\n.')"
is GREETING "$GREETING" héllo
is user "$(id -u):$(id -g):$(id -G)" "1000:1000:1000"
is stdin "$(wc -c)" 0
is folder "$PWD" /workspace
is homes "$(ls -A /home /root 2>/dev/null)" ""
for file in shadow gshadow ssh sudoers machine-id passwd- ssl/private krb5.keytab fstab; do
    fails test -e /etc/$file
done
fails test -e /nix
fails test -e /usr/.pikaci-no-such-file
fails touch /usr/new /usr/bin/new /etc/new /new
is users "$(cut -d: -f1 /etc/passwd | sort | tr '\n' ' ')" "bin daemon job nobody root "
is interfaces "$(ls /sys/class/net)" lo
is routes "$(tail -n +2 /proc/net/route)" ""
fails sh -c 'echo >/dev/tcp/1.1.1.1/80'

# The workspace can be written, and what lies below it can be renamed.
works mv folder renamed
is renamed "$(cat renamed/deep/file)" "deep"
works mv renamed/deep/file top
works rm gone
echo changed >written
works chmod 755 written
works ln -s written link
works mkdir -p new/folder
is listed "$(ls -A | tr '\n' ' ')" "check.sh link new pikaci.nix renamed top written "
is written "$(cat link)" changed
works sh -c 'echo to stdout by name >/dev/stdout' >/dev/null
works sh -c 'echo to stderr by name >/dev/stderr' 2>/dev/null
works test -c /dev/null -a -w /dev/shm -a -w /tmp -a -w /var/tmp -a -d "$HOME" -a -w "$HOME"

# It holds the output open and would say something late.
setsid sh -c 'trap "" TERM HUP; sleep 600; echo BAD late' &
"#;
    let project = checking(job, script).file("folder/deep/file", "deep\n").file("gone", "g\n").file("written", "w\n");
    let before = project.path("written");
    project.pikaci(&["run"]).exits(0);
    assert_checked(&project);
    assert_eq!(fs::read_to_string(before).unwrap(), "w\n");
    let again = project.state(&project.record().snapshot_dir);
    assert_eq!(fs::read_to_string(again.join("folder/deep/file")).unwrap(), "deep\n");
    assert_eq!(fs::read_to_string(again.join("written")).unwrap(), "w\n");
}

#[test]
fn the_output_is_kept_byte_for_byte() {
    let project = Project::new(
        r#"{ jobs.noise = {
          command = ''
            head -c 5000000 /dev/urandom >/tmp/noise
            sha256sum </tmp/noise >sum
            head -c 2500000 /tmp/noise
            tail -c +2500001 /tmp/noise >&2
            exit 7
          '';
          artifacts = [ "sum" ];
        }; }"#,
    );
    project.pikaci(&["run"]).exits(100);
    let job = project.job("noise");
    assert_eq!((job.exit_code, job.log_cut), (Some(7), false));
    let log = fs::read(project.state(&job.guest_log_path.unwrap())).unwrap();
    assert_eq!(log.len(), 5_000_000);
    let sum = fs::read_to_string(project.state(&job.artifacts_dir.unwrap()).join("sum")).unwrap();
    let hex: String = Sha256::digest(&log).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sum, format!("{hex}  -\n"));
}

#[test]
fn the_tools_of_the_host_work() {
    let script = r#"
works make -s
is made "$(./hello)" "hello 42"
works git init -q .
works git add hello.c
works git -c user.name=t -c user.email=t@example.invalid commit -q -m one
is committed "$(git ls-files)" hello.c
is clean "$(git status --porcelain hello.c)" ""
works python3 check.py
"#;
    let python = r#"
import locale, multiprocessing, os, socket, subprocess, sys, tempfile

def double(number):
    return number * 2

if __name__ == "__main__":
    assert sys.stdout.encoding.lower() == "utf-8" and locale.getpreferredencoding().lower() == "utf-8"
    assert os.environ["LANG"] == "C.UTF-8"
    assert subprocess.check_output(["printf", "ß"]).decode() == "ß"
    with multiprocessing.Pool(2) as pool:
        assert pool.map(double, [1, 2, 3]) == [2, 4, 6]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as file:
        open(os.path.join(folder, "雪"), "w").write("x")
        assert os.listdir(folder) == ["雪"]
    server = socket.create_server(("localhost", 0))
    socket.create_connection(server.getsockname())
"#;
    let job = r#"command = [ "sh" "check.sh" ]; guest = "default"; "#;
    let project = checking(job, script)
        .file("check.py", python)
        .file("hello.c", "#include <stdio.h>\nint main(void) { printf(\"hello %d\\n\", 42); return 0; }\n")
        .file("Makefile", "hello: hello.c\n\t$(CC) -o $@ $<\n");
    project.pikaci(&["run"]).exits(0);
    assert_checked(&project);
}

#[test]
fn a_deadline_holds_against_a_job_that_ignores_it_and_artifacts_still_arrive() {
    let project = Project::new(
        r#"{ jobs.stubborn = {
          command = ''
            mkdir -p out/a/b elsewhere
            echo deep >out/a/b/deep.log
            echo top >out/top.log
            echo 'no log' >out/text
            echo secret >elsewhere/secret.log
            ln -s /etc/passwd out/link.log
            ln -s ../elsewhere out/folder
            echo named >'a "b" $c.txt'
            trap "" TERM INT HUP
            setsid sh -c 'trap "" TERM; sleep 600' &
            echo stubborn
            while :; do sleep 600; done
          '';
          timeout = "2s";
          artifacts = [ "out/**/*.log" "*.txt" "no-such-file" ];
        }; }"#,
    );
    let ran = project.pikaci(&["run"]).exits(100);
    assert!(ran.stdout.contains("stubborn timed_out"), "{}", ran.stdout);
    let job = project.job("stubborn");
    assert_eq!(job.status.outcome(), Some(Outcome::TimedOut));
    assert_eq!(project.output("stubborn"), "stubborn\n");
    let took = uptime(&project, "collect") - uptime(&project, "job");
    assert!((2_000..12_000).contains(&took), "the command took {took} ms of the guest's own clock");
    let files = tree(&project.state(&job.artifacts_dir.unwrap()));
    let contents: Vec<(&str, &str)> =
        files.iter().filter_map(|(name, (_, content))| Some((name.as_str(), content.as_deref()?))).collect();
    assert_eq!(contents, [("a \"b\" $c.txt", "named\n"), ("out/a/b/deep.log", "deep\n"), ("out/top.log", "top\n")]);
}

/// Returns the guest's uptime at the beginning of a phase of the last run, in milliseconds.
#[track_caller]
fn uptime(project: &Project, phase: &str) -> u64 {
    let events = fs::read_to_string(project.last_run().join("events.jsonl")).unwrap();
    let uptimes = events.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event.to_string().contains(&format!("\"phase\":\"{phase}\"")).then(|| find(&event, "uptime_ms"))?
    });
    uptimes.last().unwrap_or_else(|| panic!("no phase {phase} in {events}"))
}

fn find(value: &Value, key: &str) -> Option<u64> {
    let set = value.as_object()?;
    set.get(key).and_then(Value::as_u64).or_else(|| set.values().find_map(|value| find(value, key)))
}

/// Returns all that is in a folder: what `lstat` says that a change would change, and the content of files.
fn tree(folder: &Path) -> BTreeMap<String, (String, Option<String>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(place) = open.pop() {
        let meta = fs::symlink_metadata(&place).unwrap();
        let stat = format!("{} {:o} {} {}", meta.ino(), meta.mode(), meta.ctime(), meta.ctime_nsec());
        let content = meta.is_file().then(|| String::from_utf8_lossy(&fs::read(&place).unwrap()).into_owned());
        found.insert(place.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), (stat, content));
        if meta.is_dir() {
            open.extend(fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    found
}

#[test]
fn root_in_the_guest_changes_nothing_on_the_host() {
    // Shared with the guest as part of /usr.
    let shared = TempDir::with_prefix_in("pikaci-test-", "/usr/local/share").unwrap();
    fs::write(shared.path().join("file"), "canary\n").unwrap();
    fs::create_dir(shared.path().join("folder")).unwrap();
    let script = r#"
is user "$(id -u):$(id -g)" 0:0
# The agent's programs start sooner than those on a share.
PATH=/pikaci/bin:$PATH
# attack FOLDER: tries all that would change what lies there.
attack() {
    [ -e "$1/file" ] || return
    echo "attacked $1"
    cd "$1"
    is before "$(cat file)" canary
    fails sh -c 'echo evil >file'
    fails sh -c 'echo evil >>file'
    fails truncate -s 0 file
    fails dd if=/dev/zero of=file bs=1 count=1 conv=notrunc status=none
    fails chmod 777 file
    fails chown 1000:1000 file
    fails touch -d @1 file
    fails rm file
    fails mv file moved
    fails ln file hard
    fails ln -s file soft
    fails touch new
    fails mkdir new
    fails rmdir folder
    fails mv folder moved
    fails mknod node c 1 3
    fails mkfifo fifo
    is after "$(cat file)" canary
    cd /
}
# writable FOLDER: is it mounted so, as far as this machine is concerned?
writable() { works awk -v place="$1" '$2 == place { options = $4 } END { exit options !~ /^rw/ }' /proc/mounts; }
for mounted in $(awk '$3 == "virtiofs" { print $2 }' /proc/mounts); do
    works mount -o remount,rw "$mounted"
    writable "$mounted"
    attack "$mounted"
    attack "${mounted%/usr}$CANARY"
done
for tag in workspace usr; do
    works mkdir /tmp/$tag
    works mount -t virtiofs -o rw $tag /tmp/$tag
    writable /tmp/$tag
    attack /tmp/$tag
done
# Which folder of the share a second mount begins at is up to the kernel.
fails touch /tmp/usr/pikaci-test
fails mkdir /tmp/usr/pikaci-test
fails python3 -c 'import os; os.setxattr("/tmp/workspace/file", "user.evil", b"x")'
"#;
    let job =
        format!(r#"command = [ "sh" "check.sh" ]; runAsRoot = true; env.CANARY = "{}";"#, shared.path().display());
    let project = checking(&job, script).file("file", "canary\n").file("folder/file", "f\n");
    let no_vm = StandIns::new().script("qemu-system-x86_64", "exit 1");
    ran(&mut no_vm.before(project.command(&["run"]))).exits(102);
    let snapshot = project.state(&project.record().snapshot_dir);
    let before = (tree(&snapshot), tree(shared.path()));
    project.pikaci(&["run"]).exits(0);
    let output = project.output("check");
    let attacked = |place: &str| output.contains(&format!("attacked {place}"));
    assert!(!output.contains("BAD") && output.ends_with("done\n"), "{output}");
    assert!(
        ["/usr/", "/pikaci/host/", "/pikaci/overlay/workspace/lower", "/tmp/workspace"].map(attacked) == [true; 4],
        "{output}"
    );
    assert_eq!(project.state(&project.record().snapshot_dir), snapshot);
    assert_eq!((tree(&snapshot), tree(shared.path())), before);
}

/// A user who is nobody on this machine.
const PLAIN_USER: u32 = 1234;

/// The daemon of Nix; it ends with the test.
struct NixDaemon(Child);

impl NixDaemon {
    fn start(socket: &Path) -> Self {
        let mut command = Command::new(nix("oldest"));
        command.arg("daemon").env("NIX_CONFIG", NIX_CONFIG).env("NIX_DAEMON_SOCKET_PATH", socket);
        let daemon = Self(command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < deadline, "nix daemon doesn't listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        daemon
    }
}

impl Drop for NixDaemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn a_plain_user_of_the_host_runs_jobs_as_that_user() {
    use std::os::unix::process::CommandExt as _;
    let script = r#"
is user "$(id -u):$(id -g):$(id -un)" 1234:1234:job
is owners "$(stat -c %u:%g . file folder/file | sort -u)" 1234:1234
echo changed >folder/file
works mv folder moved
is changed "$(cat moved/file)" changed
fails touch /usr/new
"#;
    let project = checking(r#"command = [ "sh" "check.sh" ];"#, script).file("file", "f\n").file("folder/file", "f\n");
    let project = project.committed();
    ran(Command::new("chown").arg("-R").arg(format!("{PLAIN_USER}:{PLAIN_USER}")).arg(project.path(""))).exits(0);
    // Neither the folder of the build nor a user's home need be open to others.
    let programs = StandIns::new().program("pikaci", &fs::read(env!("CARGO_BIN_EXE_pikaci")).unwrap());
    let socket = programs.path("socket");
    let _daemon = NixDaemon::start(&socket);
    let like = project.command(&["run"]);
    let mut command = Command::new(programs.path("pikaci"));
    command.args(like.get_args()).envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("HOME", project.path("")).env("NIX_REMOTE", format!("unix://{}", socket.display()));
    command.current_dir(project.path("")).stdin(Stdio::null()).uid(PLAIN_USER).gid(PLAIN_USER);
    ran(&mut command).exits(0);
    assert_checked(&project);
    let owners = tree_owners(&project.state(""));
    assert_eq!(owners, [PLAIN_USER]);
    assert_eq!(fs::metadata(project.state("")).unwrap().mode() & 0o777, 0o700);
}

fn tree_owners(folder: &Path) -> Vec<u32> {
    let mut owners: Vec<u32> =
        tree(folder).keys().map(|name| fs::symlink_metadata(folder.join(name)).unwrap().uid()).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}

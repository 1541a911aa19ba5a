//! The guest contract, as a job sees it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;

use pikaci::event::{Event, EventKind, Outcome};
use pikaci::id::Digest;
use serde_json::json;

use crate::support::checking::{assert_checked, checking, tree};
use crate::support::project::{Project, json};

#[test]
fn a_job_has_its_environment_and_arguments_and_nothing_of_the_host() {
    // A guest with a network reaches the host at this address.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let job = r#"
      command = [ "sh" "check.sh" "a 'b' \"c\" $HOME \\" "" "ß\n雪" ];
      env.TEXT = "one\n 'two' \"three\" $HOME `id` \\ ß雪\n";
      env.GREETING = "héllo";
    "#;
    let job = format!("{job} env.PORT = \"{}\";", listener.local_addr().unwrap().port());
    let script = r#"
is arguments "$(printf '<%s>' "$@")" "<a 'b' \"c\" \$HOME \\><><$(printf 'ß\n雪')>"
is TEXT "$TEXT." "$(printf 'one\n \047two\047 "three" $HOME \140id\140 \\ ß雪\n.')"
is GREETING "$GREETING" héllo
is user "$(id -u):$(id -g):$(id -G)" "1000:1000:1000"
is stdin "$(wc -c)" 0
is folder "$PWD" /workspace
is homes "$(ls -A /home /root 2>/dev/null)" ""
for file in shadow gshadow ssh/ssh_host_ed25519_key sudoers machine-id passwd- ssl/private krb5.keytab fstab; do
    fails test -e /etc/$file
done
is etc "$(ls -A /usr/local/etc 2>/dev/null)" ""
fails test -e /nix
fails test -e /usr/.pikaci-no-such-file
fails touch /usr/new /usr/bin/new /etc/new /new
is users "$(cut -d: -f1 /etc/passwd | sort | tr '\n' ' ')" "bin daemon job nobody root "
is interfaces "$(ls /sys/class/net)" lo
is routes "$(tail -n +2 /proc/net/route)" ""
is privileges "$(grep NoNewPrivs /proc/self/status)" "$(printf 'NoNewPrivs:\t1')"
is mounts "$(awk '$2 != "/" && ($4 !~ /nosuid/ || $4 !~ /nodev/ && $2 !~ "^/dev(/pts)?$") { print $2 }' /proc/mounts)" ""
works env PATH=/pikaci/bin unshare -Urm sh -c 'cd /tmp && mount -t tmpfs new /tmp && cd . && mkdir old && pivot_root . old'
fails python3 -c 'import os, socket; socket.create_connection(("10.0.2.2", int(os.environ["PORT"])), 5)'

# The workspace is writable, and its files and folders can be renamed.
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

# This process holds the output open and would print after the end of the command.
setsid sh -c 'trap "" TERM HUP; sleep 600; echo BAD late' &
"#;
    let project = checking(&job, script).file("folder/deep/file", "deep\n").file("gone", "g\n").file("written", "w\n");
    let before = project.path("written");
    project.pikaci(&["run"]).exits(0);
    assert_checked(&project);
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(fs::read_to_string(before).unwrap(), "w\n");
    let again = project.state(&project.record().source.snapshot_dir);
    assert_eq!(fs::read_to_string(again.join("folder/deep/file")).unwrap(), "deep\n");
    assert_eq!(fs::read_to_string(again.join("written")).unwrap(), "w\n");
}

#[test]
fn the_output_is_kept_byte_for_byte() {
    let project = Project::with_guests(
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
    assert_eq!((job.exit.exit_code, job.log_cut), (Some(7), false));
    let log = fs::read(project.state(&job.logs.guest_log_path.unwrap())).unwrap();
    assert_eq!(log.len(), 5_000_000);
    let sum = fs::read_to_string(project.state(&job.artifacts.artifacts_dir.unwrap()).join("sum")).unwrap();
    assert_eq!(sum, format!("{}  -\n", Digest::of(&log)));
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
fn a_job_that_ignores_its_timeout_is_killed_and_keeps_its_artifacts() {
    // The name is longer than a header of a tar archive allows.
    let long = "long".repeat(30);
    let project = Project::with_guests(
        &r#"{ jobs.stubborn = {
          command = ''
            PATH=/pikaci/bin:$PATH
            mkdir -p out/a/b elsewhere
            echo deep >out/a/b/deep.log
            echo top >out/top.log
            echo 'no log' >out/text
            echo secret >elsewhere/secret.log
            ln -s /etc/passwd out/link.log
            ln -s ../elsewhere out/folder
            echo twin >out/one.log && ln out/one.log out/two.log && ln out/one.log out/three.log
            ln -s out/top.log .pikaci-copy
            echo unreadable >out/unreadable.log && chmod 0 out/unreadable.log
            mkdir -p out/module/.git && echo git >out/module/.git/git.log
            echo reached >/tmp/reached.log && ln -s /pikaci/scratch/tmp reached
            echo named >'a "b" $c.txt'
            mkdir -p out/LONG/LONG
            echo long >out/LONG/LONG/name.log
            trap "" TERM INT HUP
            setsid sh -c 'trap "" TERM; sleep 600' &
            echo stubborn
            while :; do sleep 600; done
          '';
          timeout = "2s";
          artifacts = [ "out/**/*.log" "*.txt" "no-such-file" "reached/*.log" ];
        }; }"#
            .replace("LONG", &long),
    );
    let ran = project.pikaci(&["run"]).exits(100);
    assert!(ran.stdout.contains("stubborn timed_out"), "{}", ran.stdout);
    let job = project.job("stubborn");
    assert_eq!(job.status.outcome(), Some(Outcome::TimedOut));
    assert_eq!(project.output("stubborn"), "stubborn\n");
    let took = uptime(&project, "collect") - uptime(&project, "job");
    // The 2 s of the timeout, and the 5 s between TERM and KILL.
    assert!((7_000..17_000).contains(&took), "the command took {took} ms of the guest's own clock");
    let files = tree(&project.state(&job.artifacts.artifacts_dir.unwrap()));
    let contents: BTreeMap<&str, &str> =
        files.iter().filter_map(|(name, (_, content))| Some((name.as_str(), content.as_deref()?))).collect();
    let long = format!("out/{long}/{long}/name.log");
    let expected = [
        ("a \"b\" $c.txt", "named\n"),
        ("out/a/b/deep.log", "deep\n"),
        (long.as_str(), "long\n"),
        ("out/one.log", "twin\n"),
        ("out/three.log", "twin\n"),
        ("out/top.log", "top\n"),
        ("out/two.log", "twin\n"),
    ];
    assert_eq!(contents, expected.into());
    // Of a link that leads to no artifact only the text is kept.
    let manifest = json(&project.last_run().join("jobs/stubborn/attempts/1/manifest.json"));
    let link = json!({ "path": "out/link.log", "target": "/etc/passwd", "kept": false });
    assert_eq!(manifest["links"], json!([link]));
    let console = fs::read_to_string(project.last_run().join("jobs/stubborn/attempts/1/console.log")).unwrap();
    let left_out = "pikaci: no artifact: unreadable out/unreadable.log";
    assert!(console.contains(left_out), "{console}");
}

#[test]
fn a_job_may_clean_up_after_its_timeout() {
    let project = Project::with_guests(
        r#"{ jobs.tidy = {
          command = ''
            trap 'echo got TERM; exit 7' TERM
            sleep 600 &
            wait
          '';
          timeout = "2s";
        }; }"#,
    );
    project.pikaci(&["run"]).exits(100);
    let job = project.job("tidy");
    assert_eq!((job.status.outcome(), job.exit.exit_code), (Some(Outcome::TimedOut), Some(7)));
    assert_eq!(project.output("tidy"), "got TERM\n");
}

/// Returns the guest's uptime at the beginning of a phase of the last run, in milliseconds.
#[track_caller]
fn uptime(project: &Project, phase: &str) -> u64 {
    let events = fs::read_to_string(project.last_run().join("events.jsonl")).unwrap();
    let mut phases = events.lines().filter_map(|line| match serde_json::from_str::<Event>(line).unwrap().kind {
        EventKind::JobPhase { phase, uptime_ms, .. } => Some((phase, uptime_ms)),
        _ => None,
    });
    let time = phases.find(|(name, _)| name == phase).and_then(|(_, uptime)| uptime);
    time.unwrap_or_else(|| panic!("no phase {phase} in {events}"))
}

//! A guest that attacks its host.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};

use tempfile::TempDir;

use crate::support::checking::{checking, tree};
use crate::support::project::{Project, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::nix;

/// The attempts of root, on every mounted share, remounted writable, and mounted once more.
const ATTACKS: &str = r#"
is user "$(id -u):$(id -g)" 0:0
# The agent's programs start sooner than those on a share.
PATH=/pikaci/bin:$PATH
# attack FOLDER: tries every change of the files in the folder.
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
# writable FOLDER: the folder is mounted read-write, by the table of mounts of this machine.
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
# The kernel decides which folder of the share a second mount shows.
fails touch /tmp/usr/pikaci-test
fails mkdir /tmp/usr/pikaci-test
# A file that only its owner may read on the host, even root, is unreadable for root in the guest.
fails cat "$CANARY/private"
fails cat "$CANARY/roots"
is owner "$(stat -c %u:%g "$CANARY/roots")" 0:0
works test -d /usr/local/etc
fails test -e /usr/local/etc/pikaci-canary
fails python3 -c 'import os; os.setxattr("/tmp/workspace/file", "user.evil", b"x")'

# Root of the guest may run containers, in cgroups of their own too, which end with the job.
works unshare -m sh -c 'cd "$(mktemp -d)" && mount -t tmpfs new "$PWD" && cd "$PWD" && mkdir old && pivot_root . old'
works mkdir /sys/fs/cgroup/container
sh -c 'echo 0 >/sys/fs/cgroup/container/cgroup.procs; exec sleep 600' &
export NIX_CONFIG="experimental-features = nix-command
build-users-group =
substituters =
sandbox = true
sandbox-fallback = false
sandbox-paths = /bin/sh=/pikaci/bin/busybox"
works "$NIX" build --quiet --no-link --impure --expr 'derivation {
    name = "sandboxed"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" "echo /* >$out" ];
}'
is sandbox "$(cat /nix/store/*-sandboxed)" "/bin /build /dev /etc /nix /proc /tmp"

# Artifacts of a job without artifact globs.
works sh /workspace/forge.sh file "artifacts 1"
"#;

/// Writes the artifacts and control lines of another job, with the agent's own descriptor: `forge FILES LINES`.
const FORGE: &str = r#"
for disk in /sys/block/*; do
    [ "$(cat "$disk/serial")" != pikaci-artifacts ] || tar -c -f "/dev/${disk##*/}" -C /workspace $1
done
exec python3 -c 'import ctypes, glob, os, sys
port = next(path for path in glob.glob("/sys/class/virtio-ports/*") if open(path + "/name").read() == "control\n")
links = {os.readlink(path): path for path in glob.glob("/proc/1/fd/*")}
number = int(os.path.basename(links["/dev/" + os.path.basename(port)]))
control = ctypes.CDLL(None).syscall(438, os.pidfd_open(1), number, 0) # pidfd_getfd
os.write(control, sys.argv[1].encode() + b"\n")' "$2"
"#;

#[test]
fn root_in_the_guest_changes_nothing_on_the_host() {
    // A folder that is shared with the guest as a part of /usr.
    let shared = TempDir::with_prefix_in("pikaci-test-", "/usr/local/share").unwrap();
    fs::write(shared.path().join("file"), "canary\n").unwrap();
    fs::create_dir(shared.path().join("folder")).unwrap();
    let private = shared.path().join("private");
    fs::write(&private, "private\n").unwrap();
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&private, Some(1234), Some(1234)).unwrap();
    let roots = shared.path().join("roots");
    fs::write(&roots, "root's\n").unwrap();
    fs::set_permissions(&roots, fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir_all("/usr/local/etc").unwrap();
    let canary = tempfile::Builder::new().prefix("pikaci-canary").rand_bytes(0).tempfile_in("/usr/local/etc");
    let _canary = canary.unwrap();
    let job = format!(
        r#"command = [ "sh" "check.sh" ]; runAsRoot = true; env.CANARY = "{}"; env.NIX = "{}";"#,
        shared.path().display(),
        nix("newest").display()
    );
    let project = checking(&job, ATTACKS).file("file", "canary\n").file("folder/file", "f\n");
    let project = project.file("forge.sh", FORGE);
    let no_vm = StandIns::new().script("qemu-system-x86_64", "exit 1");
    ran(&mut no_vm.before(project.command(&["run"]))).exits(102);
    let snapshot = project.state(&project.record().source.snapshot_dir);
    let before = (tree(&snapshot), tree(shared.path()));
    project.pikaci(&["run"]).exits(0);
    let output = project.output("check");
    let attacked = |place: &str| output.contains(&format!("attacked {place}"));
    assert!(!output.contains("BAD") && output.ends_with("done\n"), "{output}");
    assert!(
        ["/usr/", "/pikaci/host/", "/pikaci/scratch/overlay/workspace/lower", "/tmp/workspace"].map(attacked)
            == [true; 4],
        "{output}"
    );
    assert_eq!(project.job("check").artifacts.artifacts_dir, None);
    assert!(!project.last_run().join("jobs/check/attempts/1/artifacts").exists(), "the job has no artifacts");
    assert_eq!(project.state(&project.record().source.snapshot_dir), snapshot);
    assert_eq!((tree(&snapshot), tree(shared.path())), before);
}

#[test]
fn a_guest_that_lies_about_its_artifacts_leaves_only_matching_files() {
    let project = Project::with_guests(
        r#"{ jobs.forger = {
          command = ''
            PATH=/pikaci/bin:$PATH
            mkdir -p out .git/hooks && touch out/a out/b secret .git/hooks/post-checkout
            sh forge.sh "out/a out/b secret .git/hooks/post-checkout" "$(printf 'exit 0\noutput 0\nartifacts 4\nend')"
            poweroff -f
          '';
          runAsRoot = true;
          artifacts = [ "out/*" ];
        }; }"#,
    )
    .file("forge.sh", FORGE);
    project.pikaci(&["run"]).exits(102);
    let job = project.job("forger");
    assert_eq!(
        job.exit.reason.message.unwrap(),
        "artifacts were left out: \"secret\" matches no glob of the job, \".git/hooks/post-checkout\" is part of a repository"
    );
    let files = tree(&project.state(&job.artifacts.artifacts_dir.unwrap()));
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), ["", "out", "out/a", "out/b"]);
}

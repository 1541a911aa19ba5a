//! Guests with a disk.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use pikaci::event::Outcome;
use pikaci::execute::ext4::{empty_ext4, ext4_size};

use crate::support::project::{Project, ran};

#[test]
fn a_new_file_system_passes_the_check_of_e2fsck() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    for mib in [64, 20 << 10] {
        let disk = File::create(&path).unwrap();
        disk.set_len(ext4_size(mib)).unwrap();
        for (place, part) in empty_ext4(mib) {
            disk.write_all_at(&part, place).unwrap();
        }
        ran(Command::new("/usr/sbin/e2fsck").args(["-f", "-n"]).arg(&path)).exits(0);
    }
}

/// The workspace, /tmp and /var have more space than the guest has memory, and the file system has direct I/O, user
/// attributes and temporary files, except those that the kernel's overlays lack.
#[test]
fn a_job_with_a_disk_has_its_space_until_it_ends() {
    let project = Project::with_guests(
        r#"{
          guests.default = { memory = "512M"; disk = "2G"; };
          jobs.large.command = ''
            dd if=/dev/urandom of=big bs=1M count=64 oflag=direct 2>/dev/null
            cp big /tmp/big && cmp big /tmp/big
            fallocate -l 600M more && fallocate -l 600M /tmp/more && fallocate -l 300M /var/tmp/more
            mkdir -p folder && echo changed >>folder/file && mv folder moved && cat moved/file
            python3 -c '
            import os
            for folder in [".", "/tmp", "/var/tmp"]:
                file = os.path.join(folder, "big" if folder != "/var/tmp" else "more")
                os.setxattr(file, "user.name", b"value")
                print(folder, os.getxattr(file, "user.name"))
            os.open("/tmp", os.O_TMPFILE | os.O_RDWR, 0o600)
            '
            grep -cE " (/tmp|/var) ext4 " /proc/mounts
            grep -E " /dev/shm " /proc/mounts
          '';
          guests.small.disk = "64M";
          jobs.full = {
            guest = "small";
            command = "dd if=/dev/zero of=/tmp/file bs=1M count=200";
          };
        }"#,
    )
    .file("folder/file", "old\n");
    let run = project.pikaci(&["run"]).exits(100);
    let output = project.output("large");
    assert_eq!(project.job("large").status.outcome(), Some(Outcome::Passed), "{output}");
    let expected = "old\nchanged\n. b'value'\n/tmp b'value'\n/var/tmp b'value'\n2\nshm /dev/shm tmpfs ";
    assert!(output.starts_with(expected), "{output}");
    let hint = "the disk of the guest has 64 MiB: raise guests.small.disk in pikaci.nix";
    assert!(run.stdout.contains(hint), "{}", run.stdout);
    for job in ["large", "full"] {
        let attempt = fs::read_dir(project.last_run().join("jobs").join(job).join("attempts/1")).unwrap();
        let mut names: Vec<_> = attempt.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["console.log", "guest.log", "host.log"]);
    }
}

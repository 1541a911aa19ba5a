//! A guest as a machine to work on.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use pikaci::event::Outcome;

use crate::support::project::Project;

#[test]
fn a_guest_is_a_complete_machine_and_survives_its_jobs() {
    let project = Project::with_guests(
        r#"{
          jobs.machine = {
            command = ''
              tput bold >/dev/null && echo "terminal $TERM"
              echo "watches $(cat /proc/sys/fs/inotify/max_user_watches)"
              echo "inodes $(df -i . | awk 'NR == 2 { print ($2 > 250000) }')"
              for node in /dev/fuse /dev/net/tun; do [ -w $node ] && echo "node $node"; done
              ip link add one type veth peer name two 2>&1 || echo "no veth for users"
              dpkg-query --search /usr/bin/env
              cat /etc/debconf.conf
              stat -c 'time %Y %y' written
              make -q generated && echo "up to date"
            '';
          };
          jobs.bomb = {
            command = "bomb() { bomb | bomb & }; bomb; sleep 600";
            runAsRoot = true;
            timeout = 4;
          };
          guests.small.memory = "512M";
          jobs.hungry = {
            command = "python3 -c 'x = [bytearray(b\"x\" * (32 << 20)) for _ in range(100)]' || echo survived";
            guest = "small";
          };
        }"#,
    )
    .file("source", "rule\n")
    .file("generated", "code\n")
    .file("Makefile", "generated: source\n\tno-such-generator\n")
    .file("written", "some time ago\n");
    let written = fs::metadata(project.path("written")).unwrap();
    project.pikaci(&["run", "--infra-retries=0"]).exits(100);
    let output = project.output("machine");
    let nanos = format!("{:09}", written.mtime_nsec());
    for line in ["terminal xterm", "watches 524288", "inodes 1", "node /dev/fuse", "node /dev/net/tun", "up to date"] {
        assert!(output.lines().any(|printed| printed == line), "{line}: {output}");
    }
    assert!(output.contains("coreutils: /usr/bin/env"), "{output}");
    assert!(output.contains(&fs::read_to_string("/etc/debconf.conf").unwrap()), "{output}");
    let time = output.lines().find(|line| line.starts_with("time ")).unwrap();
    assert!(time.starts_with(&format!("time {} ", written.mtime())) && time.contains(&nanos), "{time}, not {nanos}");
    let bomb = project.job("bomb");
    assert_eq!(bomb.status.outcome(), Some(Outcome::TimedOut), "{:?}", bomb.exit.reason);
    let hungry = project.job("hungry");
    let warning = "the guest's kernel ended a process of the job for lack of memory".to_owned();
    assert_eq!((hungry.status.outcome(), hungry.warnings), (Some(Outcome::Passed), vec![warning]));
    assert!(project.output("hungry").ends_with("survived\n"));
}

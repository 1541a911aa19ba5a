//! The limits of a guest's processes in a control group that systemd delegates: a guest plays the host.

use std::process::Command;

use crate::support::project::{Project, ran};
use crate::support::tools::tool_command;

/// Gives pikaci the control group of a service, as systemd does with `Delegate=yes` and `DelegateSubgroup=main`, and
/// runs a job with a QEMU that prints its own limits.
const HOST: &str = r#"set -eu
service=/sys/fs/cgroup/service
echo "+memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p $service/main $service/pikaci-1000000-1
python3 -c "import os; os.setxattr('$service', 'user.delegate', b'1')"
echo 0 >$service/main/cgroup.procs
PATH=$PWD/bin:$PATH
./pikaci exec --jail none --accel tcg --job inner --job-file inner.nix --runner runner --workspace bin --out /tmp/out || true
cat /tmp/out/host.log
find $service -mindepth 1 -type d
"#;

/// A stand-in for QEMU that prints its limits and ends.
const QEMU: &str = r#"#!/bin/sh
group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
echo "$group: $(cat $group/memory.max) bytes, $(cat $group/pids.max) processes"
"#;

#[test]
fn the_processes_of_a_guest_have_limits_and_leave_no_control_group() {
    let inner = Project::with_guests(r#"{ jobs.inner.command = "true"; }"#);
    inner.pikaci(&["run"]).exits(0);
    let runner = inner.record().prepares[0].runner.clone().unwrap();

    let outer = Project::with_guests(
        r#"{ guests.default = { base = "host"; memory = "1G"; };
          jobs.host = { command = [ "sh" "host.sh" ]; runAsRoot = true; timeout = "5m"; paths = [ "**" ]; }; }"#,
    );
    let outer = outer.file("host.sh", HOST).file("bin/qemu-system-x86_64", QEMU);
    let outer = outer.file(
        "inner.nix",
        r#"{ guests.default = { base = "host"; memory = "512M"; vcpu = 2; }; jobs.inner.command = "true"; }"#,
    );
    ran(Command::new("chmod").arg("0755").arg(outer.path("bin/qemu-system-x86_64"))).exits(0);
    ran(tool_command("strip").arg("-o").arg(outer.path("pikaci")).arg(env!("CARGO_BIN_EXE_pikaci"))).exits(0);
    ran(Command::new("cp").args(["-rL", &runner]).arg(outer.path("runner"))).exits(0);
    ran(Command::new("chmod").args(["-R", "u+w"]).arg(outer.path("runner"))).exits(0);
    outer.pikaci(&["run"]).exits(0);

    let output = outer.output("host");
    let group = "/sys/fs/cgroup/service/pikaci-";
    let limits = ": 2684354560 bytes, 514 processes";
    assert!(output.lines().any(|line| line.starts_with(group) && line.ends_with(limits)), "{output}");
    // Neither the group of this run nor the group of a killed pikaci.
    assert!(
        output.ends_with("\n/sys/fs/cgroup/service/main\n") && !output.contains(&format!("\n{group}1000000")),
        "{output}"
    );
}

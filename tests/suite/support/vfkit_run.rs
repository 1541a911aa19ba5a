//! Runs with the stand-in for vfkit, which accepts the same command line and boots the same guest in QEMU.

use crate::support::fixture;
use crate::support::processes::Running;
use crate::support::project::Project;
use crate::support::stand_in::StandIns;

const GUEST: &str = r#"guests.default = { base = "nix"; packages = [ "hello" ]; };"#;

pub fn stand_in() -> StandIns {
    StandIns::new().script("vfkit", &format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_vfkit-on-qemu")))
}

pub fn project(jobs: &str) -> Project {
    fixture::project(&format!("{{ {GUEST} {jobs} }}"))
}

/// Starts a run; the folder of the stand-in has to exist as long.
pub fn start(project: &Project, hang: Option<&str>) -> (Running, StandIns) {
    let stand_in = stand_in();
    let mut command = stand_in.before(project.command(&["run", "--hypervisor=vfkit"]));
    if let Some(hang) = hang {
        command.env("VFKIT_ON_QEMU_HANG", hang);
    }
    (Running::start(&command), stand_in)
}

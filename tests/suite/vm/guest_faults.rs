//! Faults of a guest: each ends its job within seconds, whatever the timeouts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pikaci::execute::console::Console;
use pikaci::execute::observed::EndCause;
use pikaci::foreign::Beneath;
use pikaci::plan::record::Deadlines;
use rustix::process::{Signal, kill_process};
use tempfile::{NamedTempFile, TempDir};

use crate::support::diskless::boot;
use crate::support::faults::{LONG, assert_errored, cannot_start, shows};
use crate::support::processes::{Running, START};
use crate::support::project::{Project, Ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::tool;

#[test]
fn a_kernel_panic_ends_the_job() {
    let project = Project::with_guests(
        r#"{ jobs.sick = {
          command = "echo started; sleep 1; echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 600";
          runAsRoot = true;
          timeout = "10m";
        }; }"#,
    );
    let mut running = Running::start(&project.command(&["run"]));
    running.prints(&project, "sick", "started");
    let ran = running.ends("kernel panic");
    let hint = "pikaci logs --job sick --kind console; a larger `memory` for the guest may help";
    let job = assert_errored(&project, ran, "the guest's kernel panicked while the job ran", hint);
    shows(&job, "Kernel panic - not syncing: sysrq triggered crash");
}

#[test]
fn a_guest_that_powers_off_by_itself_ends_the_job() {
    let project = Project::with_guests(
        r#"{ jobs.sick = { command = "echo started; sleep 1; echo o >/proc/sysrq-trigger; sleep 600"; runAsRoot = true;
          timeout = "10m"; }; }"#,
    );
    let ran = Running::start(&project.command(&["run"])).ends_within(START, "power off");
    let message = "the guest powered off by itself before the command ended";
    assert_errored(&project, ran, message, "pikaci logs --job sick --kind guest");
    assert_eq!(project.output("sick"), "started\n");
}

#[test]
fn a_guest_whose_first_process_dies_ends_the_job() {
    let project = Project::with_guests(LONG);
    // The real QEMU and the real kernel, with an agent that ends at once.
    let real = tool("qemu-system-x86_64");
    let script = format!(
        r#"for arg; do shift; case $arg in "quiet "*) arg="$arg rdinit=/pikaci/bin/false" ;; esac
set -- "$@" "$arg"; done; exec {} "$@""#,
        real.display()
    );
    let instead = StandIns::new().script("qemu-system-x86_64", &script);
    let mut running = Running::start(&instead.before(project.command(&["run"])));
    running.process("qemu-system-x86_64");
    let ran = running.ends("agent dead before ready");
    let hint = "pikaci logs --job sick --kind console; a larger `memory` for the guest may help";
    let job = assert_errored(&project, ran, "the guest's kernel panicked while it booted", hint);
    shows(&job, "Kernel panic - not syncing: Attempted to kill init!");
}

#[test]
fn a_guest_that_cannot_boot_has_a_reason() {
    let kernel = BrokenKernel::new();
    let text = LONG.replacen('{', &format!(r#"{{ guests.default.kernel = "{}";"#, kernel.image.display()), 1);
    let project = Project::with_guests(&text);
    let mut running = Running::start(&project.command(&["run"]));
    running.process("qemu-system-x86_64");
    let ran = running.ends("agent that can't load a module");
    let message = "the guest failed: insmod /pikaci/modules/virtio_blk.ko failed: insmod: can't insert \
        '/pikaci/modules/virtio_blk.ko': invalid module format";
    let job = assert_errored(&project, ran, message, "pikaci logs --job sick --kind console");
    shows(&job, "Invalid ELF header");
}

/// The kernel of the set-up with its modules, one of which is garbage.
struct BrokenKernel {
    image: PathBuf,
    _folder: TempDir,
}

impl BrokenKernel {
    fn new() -> Self {
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        let (from, to) = (Path::new("/usr/local/lib/pikaci"), folder.path());
        let copied = Command::new("cp").arg("-a").args([from.join("boot"), from.join("lib")]).arg(to).status().unwrap();
        assert!(copied.success(), "{} is missing: run `.ci/setup test`", from.display());
        let image = fs::read_dir(to.join("boot")).unwrap().next().expect("set-up unpacked a kernel").unwrap();
        let release = image.file_name().to_str().unwrap().strip_prefix("vmlinuz-").unwrap().to_owned();
        let list = to.join("lib/modules").join(release).join("modules.dep");
        let text = fs::read_to_string(&list).unwrap();
        let module = text.split([':', ' ', '\n']).find(|path| path.contains("/virtio_blk.ko")).unwrap();
        let plain = format!("{}.ko", module.split_once(".ko").unwrap().0);
        fs::write(list.with_file_name(&plain), "no module").unwrap();
        fs::write(&list, text.replace(module, &plain)).unwrap();
        Self { image: image.path(), _folder: folder }
    }
}

#[test]
fn a_killed_virtiofsd_ends_the_job() {
    let (project, ran) = killed("virtiofsd");
    let message = "the daemon that shares \"workspace\" with the guest ended with exit code 137 (128 + signal 9)";
    let job = assert_errored(&project, ran, message, "pikaci logs --job sick --kind host");
    let line = "pikaci: the daemon of the share \"workspace\" ended with exit code 137 (128 + signal 9)";
    assert!(
        job.exit.reason.evidence.iter().any(|shown| shown.replace("\"usr\"", "\"workspace\"") == line),
        "{:#?}",
        job.exit.reason
    );
}

#[test]
fn a_killed_qemu_ends_the_job() {
    let (project, ran) = killed("qemu-system-x86_64");
    let message = "QEMU ended with exit code 137 (128 + signal 9) before the command ended";
    let job = assert_errored(&project, ran, message, "pikaci logs --job sick --kind host");
    shows(&job, "pikaci: QEMU ended with exit code 137 (128 + signal 9)");
}

/// Kills a program while a job runs.
fn killed(name: &str) -> (Project, Ran) {
    let project = Project::with_guests(LONG);
    let mut running = Running::start(&project.command(&["run"]));
    running.prints(&project, "sick", "started");
    let pid = running.process(name);
    kill_process(pid, Signal::KILL).unwrap();
    let ran = running.ends(&format!("{name} killed"));
    (project, ran)
}

#[test]
fn a_qemu_that_cannot_start_ends_the_job() {
    let (project, ran) = cannot_start("qemu-system-x86_64");
    let message = "QEMU ended with exit code 1 before the guest was ready";
    let job = assert_errored(&project, ran, message, "pikaci logs --job sick --kind host");
    shows(&job, "no room for qemu-system-x86_64");
    let runner = project.record().prepares[0].runner.clone().unwrap();
    a_guest_that_never_says_ready_is_ended_at_the_boot_deadline(Path::new(&runner));
}

fn a_guest_that_never_says_ready_is_ended_at_the_boot_deadline(runner: &Path) {
    let deadlines = Deadlines { boot_secs: 15, job_secs: 600, collect_secs: 600 };
    // A program that waits for input replaces the agent.
    let (ended, console) = boot(runner, "rdinit=/pikaci/bin/cat", deadlines);
    assert_eq!(ended.observed.cause, Some(EndCause::BootDeadline(15)));
    let log = NamedTempFile::new().unwrap();
    fs::write(log.path(), console).unwrap();
    let console = Console::read(&Beneath::in_its_folder(log.path())).unwrap().evidence();
    assert!(console.iter().any(|line| line.contains("Run /pikaci/bin/cat as init process")), "{console:#?}");
}

//! What breaks around a job while it runs or boots: each broken for real, and over in seconds whatever the timeouts.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use pikaci::execute::console::Console;
use pikaci::execute::observed::Cause;
use pikaci::execute::verdict::judge;
use pikaci::foreign::Beneath;
use pikaci::id::JobId;
use pikaci::plan::record::Deadlines;
use pikaci::record::{JobRecord, Outcome};
use rustix::process::{Signal, getuid, kill_process};
use tempfile::{NamedTempFile, TempDir};

use crate::diskless::boot;
use crate::processes::{Running, START};
use crate::project::{Project, Ran};
use crate::stand_in::StandIns;

/// The user `nobody`.
const NOBODY: u32 = 65534;
/// A job that would take its whole timeout.
const LONG: &str = r#"{ jobs.sick = { command = "echo started; sleep 600"; timeout = "10m"; }; }"#;

/// Asserts that the job erred with this message and hint, in the records and on the screen, and returns its record.
#[track_caller]
fn erred(project: &Project, ran: Ran, message: &str, hint: &str) -> JobRecord {
    let ran = ran.exits(102);
    let job = project.job("sick");
    assert_eq!(job.status.outcome(), Some(Outcome::Errored));
    let told = job.reason.message.as_deref().unwrap();
    // Of several shares, any may be the first to end.
    assert_eq!(told.replace("\"usr\"", "\"workspace\""), message, "{}", ran.stdout);
    assert_eq!(job.reason.hint.as_deref(), Some(hint));
    let screen = format!("--- sick errored: {told}\n");
    assert!(ran.stdout.contains(&screen) && ran.stdout.contains(&format!("hint: {hint}\n")), "{}", ran.stdout);
    let record = project.record();
    assert!(
        record.status.outcome() == Some(Outcome::Errored) && record.finished_at.is_some() && job.finished_at.is_some()
    );
    for line in &job.reason.evidence {
        // A long line is cut.
        let line: String = line.chars().take(190).collect();
        assert!(ran.stdout.contains(&format!("    {line}")), "{line:?} isn't shown:\n{}", ran.stdout);
    }
    job
}

#[track_caller]
fn shows(job: &JobRecord, text: &str) {
    assert!(job.reason.evidence.iter().any(|line| line.contains(text)), "no {text:?} in {:#?}", job.reason.evidence);
}

#[test]
fn a_kernel_panic_ends_the_job() {
    let project = Project::new(
        r#"{ jobs.sick = {
          command = "echo started; sleep 1; echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 600";
          runAsRoot = true;
          timeout = "10m";
        }; }"#,
    );
    let mut running = Running::start(project.command(&["run"]));
    running.prints(&project, "sick", "started");
    let ran = running.ends("kernel panic");
    let hint = "pikaci logs --job sick --kind console; a larger `memory` for the guest may help";
    let job = erred(&project, ran, "the guest's kernel panicked while the job ran", hint);
    shows(&job, "Kernel panic - not syncing: sysrq triggered crash");
}

#[test]
fn a_guest_that_powers_off_by_itself_ends_the_job() {
    let project = Project::new(
        r#"{ jobs.sick = { command = "echo started; sleep 1; echo o >/proc/sysrq-trigger; sleep 600"; runAsRoot = true;
          timeout = "10m"; }; }"#,
    );
    let ran = Running::start(project.command(&["run"])).ends_within(START, "power off");
    let message = "the guest powered off by itself before the command ended";
    erred(&project, ran, message, "pikaci logs --job sick --kind guest");
    assert_eq!(project.output("sick"), "started\n");
}

#[test]
fn a_guest_whose_first_process_dies_ends_the_job() {
    let project = Project::new(LONG);
    // The real QEMU and the real kernel, but what would be the agent ends at once.
    let script = r#"for arg; do shift; case $arg in "quiet "*) arg="$arg rdinit=/pikaci/bin/false" ;; esac
set -- "$@" "$arg"; done; exec /usr/bin/qemu-system-x86_64 "$@""#;
    let instead = StandIns::new().script("qemu-system-x86_64", script);
    let mut running = Running::start(instead.before(project.command(&["run"])));
    running.process("qemu-system-x86_64");
    let ran = running.ends("agent dead before ready");
    let hint = "pikaci logs --job sick --kind console; a larger `memory` for the guest may help";
    let job = erred(&project, ran, "the guest's kernel panicked while it booted", hint);
    shows(&job, "Kernel panic - not syncing: Attempted to kill init!");
}

#[test]
fn a_guest_that_cannot_boot_says_why() {
    let kernel = BrokenKernel::new();
    let text = LONG.replacen('{', &format!(r#"{{ guests.default.kernel = "{}";"#, kernel.image.display()), 1);
    let project = Project::new(&text);
    let mut running = Running::start(project.command(&["run"]));
    running.process("qemu-system-x86_64");
    let ran = running.ends("agent that can't load a module");
    let message = "the guest failed: insmod /pikaci/modules/virtio_pci.ko failed: insmod: can't insert \
        '/pikaci/modules/virtio_pci.ko': invalid module format";
    let job = erred(&project, ran, message, "pikaci logs --job sick --kind console");
    shows(&job, "Invalid ELF header");
}

/// The kernel of set-up, and its modules but for one that is garbage.
struct BrokenKernel {
    image: PathBuf,
    _folder: TempDir,
}

impl BrokenKernel {
    fn new() -> Self {
        let folder = TempDir::with_prefix("pikaci-test-").unwrap();
        let (from, to) = (Path::new("/usr/local/lib/pikaci"), folder.path());
        let copied = Command::new("cp").arg("-a").args([from.join("boot"), from.join("lib")]).arg(to).status().unwrap();
        assert!(copied.success(), "{} is missing: run `make setup-test`", from.display());
        let image = fs::read_dir(to.join("boot")).unwrap().next().expect("set-up unpacked a kernel").unwrap();
        let release = image.file_name().to_str().unwrap().strip_prefix("vmlinuz-").unwrap().to_owned();
        let list = to.join("lib/modules").join(release).join("modules.dep");
        let text = fs::read_to_string(&list).unwrap();
        let module = text.split([':', ' ', '\n']).find(|path| path.contains("/virtio_pci.ko")).unwrap();
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
    let job = erred(&project, ran, message, "pikaci logs --job sick --kind host");
    let line = "pikaci: the daemon of the share \"workspace\" ended with exit code 137 (128 + signal 9)";
    assert!(
        job.reason.evidence.iter().any(|told| told.replace("\"usr\"", "\"workspace\"") == line),
        "{:#?}",
        job.reason
    );
}

#[test]
fn a_killed_qemu_ends_the_job() {
    let (project, ran) = killed("qemu-system-x86_64");
    let message = "QEMU ended with exit code 137 (128 + signal 9) before the command ended";
    let job = erred(&project, ran, message, "pikaci logs --job sick --kind host");
    shows(&job, "pikaci: QEMU ended with exit code 137 (128 + signal 9)");
}

/// Kills a program in mid-job.
fn killed(name: &str) -> (Project, Ran) {
    let project = Project::new(LONG);
    let mut running = Running::start(project.command(&["run"]));
    running.prints(&project, "sick", "started");
    let pid = running.process(name);
    kill_process(pid, Signal::KILL).unwrap();
    let ran = running.ends(&format!("{name} killed"));
    (project, ran)
}

#[test]
fn without_qemu_no_run_begins() {
    let project = Project::new(LONG);
    let there = ["bwrap", "git", "nix", "virtiofsd"].into_iter().fold(StandIns::new(), StandIns::own);
    let command = there.alone(project.command(&["run"]));
    let ran = Running::start(command).ends("no QEMU").exits(69);
    assert!(ran.stderr.contains("no virtual machine can run here: there is no qemu-system-x86_64"), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with("hint: install it, on Debian: sudo apt-get install qemu-system-x86 (or -arm)\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_kernel_that_cannot_be_read_begins_no_run() {
    for (content, reason, hint) in [
        (None, "kernel can't be read: No such file or directory", "name another image"),
        (Some("garbage"), "kernel is no Linux kernel", "name another image"),
    ] {
        let project = Project::new(LONG);
        let kernel = project.path("kernel");
        if let Some(content) = content {
            fs::write(&kernel, content).unwrap();
        }
        let text = format!(r#"{{ guests.default.kernel = "{}"; jobs.a.command = "true"; }}"#, kernel.display());
        let project = project.file("pikaci.nix", &text);
        let ran = Running::start(project.command(&["run"])).ends("unreadable kernel").exits(69);
        assert!(ran.stderr.contains(reason) && ran.stderr.contains(&format!("hint: {hint}")), "{}", ran.stderr);
        assert_eq!(project.runs(), [""; 0]);
    }
}

#[test]
fn a_kernel_that_only_root_may_read_begins_no_run_and_says_how_to_open_it() {
    let elsewhere = NamedTempFile::new().unwrap();
    let kernel = elsewhere.path();
    fs::set_permissions(kernel, fs::Permissions::from_mode(0o000)).unwrap();
    let text = format!(r#"{{ guests.default.kernel = "{}"; jobs.a.command = "true"; }}"#, kernel.display());
    let project = Project::new(&text);
    let mut command = project.command(&["run"]);
    if getuid().is_root() {
        // The binary too must be where a plain user gets to it.
        let program = project.path("pikaci");
        fs::copy(command.get_program(), &program).unwrap();
        let variables = command.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned()));
        let mut plain = Command::new(program);
        plain.args(["run"]).envs(variables).current_dir(project.path("")).uid(NOBODY).gid(NOBODY);
        command = plain;
        chown(project.path(""), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let ran = Running::start(command).ends("closed kernel").exits(69);
    let reason = format!("{} can't be read: Permission denied", kernel.display());
    assert!(ran.stderr.contains(&reason), "{}", ran.stderr);
    assert!(ran.stderr.ends_with(&format!("hint: sudo chmod +r {}\n", kernel.display())), "{}", ran.stderr);
    assert_eq!(project.runs(), [""; 0]);
}

#[test]
fn a_share_that_cannot_start_ends_the_job() {
    for name in ["bwrap", "virtiofsd"] {
        let (project, ran) = cannot_start(name);
        let message = "the daemon that shares \"workspace\" with the guest ended with exit code 1";
        let job = erred(&project, ran, message, "pikaci logs --job sick --kind host");
        shows(&job, &format!("no room for {name}"));
    }
}

#[test]
fn a_qemu_that_cannot_start_ends_the_job() {
    let (project, ran) = cannot_start("qemu-system-x86_64");
    let message = "QEMU ended with exit code 1 before the guest was ready";
    let job = erred(&project, ran, message, "pikaci logs --job sick --kind host");
    shows(&job, "no room for qemu-system-x86_64");
    let runner = project.record().prepares[0].runner.clone().unwrap();
    a_guest_that_never_says_ready_is_ended_at_the_boot_deadline(Path::new(&runner));
}

/// Runs with a program that says why it can't start.
fn cannot_start(name: &str) -> (Project, Ran) {
    let project = Project::new(LONG);
    // A bubblewrap that can't start at all would begin no run on a machine without Landlock.
    let works =
        if name == "bwrap" { r#"case "$*" in *virtiofsd*) ;; *) exec /usr/bin/bwrap "$@" ;; esac; "# } else { "" };
    let instead = StandIns::new().script(name, &format!("{works}echo no room for {name} >&2; exit 1"));
    let running = Running::start(instead.before(project.command(&["run"])));
    let ran = running.ends(&format!("{name} that can't start"));
    (project, ran)
}

fn a_guest_that_never_says_ready_is_ended_at_the_boot_deadline(runner: &Path) {
    let deadlines = Deadlines { boot_secs: 15, job_secs: 600, collect_secs: 600 };
    // In the place of the agent is a program that waits for a key.
    let (ended, console) = boot(runner, "rdinit=/pikaci/bin/cat", deadlines);
    assert_eq!(ended.observed.cause, Some(Cause::BootDeadline(15)));
    let verdict = judge(&ended.observed, ended.hypervisor, &JobId::new("sick"), 600);
    assert_eq!((verdict.outcome, verdict.show_console), (Outcome::Errored, true));
    assert_eq!(verdict.reason.message.as_deref(), Some("the guest wasn't ready within 15 s"));
    let log = NamedTempFile::new().unwrap();
    fs::write(log.path(), console).unwrap();
    let console = Console::read(&Beneath::in_its_folder(log.path())).unwrap().evidence();
    assert!(console.iter().any(|line| line.contains("Run /pikaci/bin/cat as init process")), "{console:#?}");
}

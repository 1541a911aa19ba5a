//! `pikaci doctor` and `pikaci run` on machines that lack something.

use crate::support::doctor::{Findings, JSON};
use crate::support::plain_user::by_plain_user;
use crate::support::project::{NIX_CONFIG, Project, Ran, ran};
use crate::support::stand_in::{FAILING_NIX, StandIns};
use crate::support::tools::{inside, nix, tool_command};

const JOB_FILE: &str = r#"{ jobs.one.command = "true"; }"#;
/// A project without jobs needs no checks of base `host`, which take a while.
const NO_JOBS: &str = "{ }";

/// Runs pikaci in a mount namespace in which a folder of the project is a disk of this size, and /dev has no KVM.
fn on_small_disk(project: &Project, bytes: &str, args: &[&str]) -> Ran {
    let pikaci = project.command(args);
    let mut bwrap = tool_command("bwrap");
    bwrap.args(["--bind", "/", "/", "--dev", "/dev", "--size", bytes, "--tmpfs"]);
    bwrap.arg(project.path("disk"));
    ran(&mut inside(bwrap, &pikaci))
}

#[test]
fn a_working_machine_has_no_problem_and_stays_unchanged() {
    let project = Project::with_nix(JOB_FILE);
    let findings = Findings::of(&project.pikaci(JSON).exits(0));
    let topics = [
        "nix",
        "flakes",
        "builder",
        "store",
        "qemu",
        "virtiofsd",
        "bwrap",
        "jail",
        "files",
        "limits",
        "kvm",
        "kernel",
        "busybox",
        "memory",
        "disk",
        "disk",
        "state",
    ];
    assert_eq!(findings.topics(), topics);
    assert!(findings.problems().is_empty(), "{:#?}", findings.all());
    for finding in findings.all() {
        assert_eq!(finding["remedy"].is_null(), finding["level"] == "ok", "{finding}");
    }
    assert!(!project.state("").exists());

    let text = project.pikaci(&["doctor"]).exits(0).stdout;
    let first = format!("ok       nix        Nix 2.26 ({})\n", nix("oldest").display());
    assert!(text.starts_with(&first), "{text}");
    assert!(text.lines().last().unwrap().starts_with("jobs can run here") && !text.contains('\u{1b}'), "{text}");

    let elsewhere = tempfile::tempdir().unwrap();
    let findings = Findings::of(&ran(project.command(JSON).current_dir(elsewhere.path())).exits(0));
    findings.has("project", "warning", "has a pikaci.nix", "go to your project");
    assert!(!findings.topics().contains(&"state"), "{:?}", findings.topics());
    let broken = Project::with_nix("{ jobs = ");
    Findings::of(&broken.pikaci(JSON).exits(0)).has("project", "warning", "has errors", "pikaci check");
}

#[test]
fn a_nix_that_is_missing_old_or_silent_is_a_problem() {
    let project = Project::with_nix(JOB_FILE);
    let old = StandIns::new().script("nix", "echo 'nix (Nix) 2.8.0'");
    let findings = Findings::of(&ran(&mut old.before(project.command(JSON))).exits(69));
    findings.has("nix", "problem", "/nix is Nix 2.8, which is too old", "put Nix 2.26 or newer first in PATH");
    assert!(!findings.topics().contains(&"builder"), "an old Nix has no answers");
    let silent = StandIns::new().script("nix", "echo 'what?'");
    let findings = Findings::of(&ran(&mut silent.before(project.command(JSON))).exits(69));
    findings.has("nix", "problem", "reading the version of ", "https://nixos.org/download");

    let none = ["qemu-system-x86_64", "bwrap", "virtiofsd", "busybox", "true"].into_iter();
    let none = none.fold(StandIns::new(), StandIns::own);
    let text = ran(&mut none.alone(project.command(&["doctor"]))).exits(69).stdout;
    let begin = "problem  nix        there is no nix\n         hint: install it, see https://nixos.org/download";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.lines().last().unwrap().starts_with("jobs can't run here: 1 problem"), "{text}");
    let run = ran(&mut none.alone(project.command(&["run"]))).exits(69);
    let error = "error: no virtual machine can run here: there is no nix\nhint: install it, see https://nixos.org";
    assert!(run.stderr.starts_with(error), "{}", run.stderr);
}

/// pikaci gets its facts about Nix from Nix itself, so every way to configure Nix works.
#[test]
fn a_nix_that_cannot_build_guests_is_a_problem_but_disabled_flakes_are_not() {
    let project =
        Project::with_nix(NO_JOBS).file("conf/nix.conf", "").file("machines", "ssh://other x86_64-linux - 1\n");
    let with = |more: &str, code: i32| {
        let config = format!("{NIX_CONFIG}{more}\n");
        Findings::of(&ran(project.command(JSON).env("NIX_CONFIG", config)).exits(code))
    };
    with("", 0).has("flakes", "ok", "on", "");
    with("", 0).has("builder", "ok", "this machine builds guests of x86_64-linux", "");
    with("max-jobs = 0", 69).has("builder", "problem", "Nix has no builder for x86_64-linux", "max-jobs = auto");
    let machines = format!("max-jobs = 0\nbuilders = @{}", project.path("machines").display());
    with(&machines, 0).has("builder", "ok", "ssh://other builds guests of x86_64-linux", "");
    for (version, off) in [("oldest", ""), ("oldest", "nix-command"), ("newest", ""), ("newest", "nix-command")] {
        let mut command = project.command(JSON);
        let path = format!("{}:{}", nix(version).parent().unwrap().display(), std::env::var("PATH").unwrap());
        command.env("NIX_CONF_DIR", project.path("conf")).env("PATH", path);
        let config = NIX_CONFIG.replace("nix-command flakes", off);
        let findings = Findings::of(&ran(command.env("NIX_CONFIG", config)).exits(0));
        findings.has("flakes", "warning", "off; pikaci turns them on", "experimental-features = nix-command flakes");
    }
    let elsewhere = Findings::of(&ran(project.command(JSON).env("NIX_REMOTE", "ssh-ng://other")).exits(69));
    elsewhere.has("store", "problem", "it is at ssh-ng://other", "unset NIX_REMOTE");
    let own = Findings::of(&ran(project.command(JSON).env("NIX_REMOTE", project.path("store"))).exits(0));
    own.has("store", "ok", &format!("it is a store of this user, in {}", project.path("store").display()), "");
    assert!(!project.path("store").exists());
    let failing = StandIns::new().script("nix", FAILING_NIX);
    let failing = Findings::of(&ran(&mut failing.before(project.command(JSON))).exits(69));
    failing.has(
        "store",
        "problem",
        "nix can't open its store: this nix builds nothing",
        "check that the Nix daemon is running",
    );
    failing.has("builder", "warning", "ended with exit code 1: this nix builds nothing", " config show");
}

#[test]
fn missing_old_and_broken_programs_are_problems_and_most_prevent_a_run() {
    let project = Project::with_nix(JOB_FILE);
    for (name, script, message, remedy, run) in [
        ("virtiofsd", "echo virtiofsd 1.10.1", "is version 1.10.1, and virtiofsd 1.13 or newer", "install it", 69),
        ("bwrap", "echo bubblewrap 0.4.1", "is version 0.4.1, and bwrap 0.5 or newer is needed", "install it", 69),
        ("qemu-system-x86_64", "echo QEMU emulator version 4.2.1", "can't share folders", "install it", 101),
        ("bwrap", "echo no namespaces >&2; exit 1", "doesn't work here: no namespaces", "let users make names", 69),
    ] {
        let instead = StandIns::new().script(name, script);
        let findings = Findings::of(&ran(&mut instead.before(project.command(JSON))).exits(69));
        let topic = name.split('-').next().unwrap();
        findings.has(topic, "problem", message, remedy);
        // This Nix builds nothing, so that a run that starts ends soon.
        let instead = instead.script("nix", FAILING_NIX);
        let run = ran(&mut instead.before(project.command(&["run"]))).exits(run);
        assert!(run.code == Some(101) || run.stderr.contains(message), "{}", run.stderr);
    }
    let silent = StandIns::new().script("virtiofsd", "exit 1");
    let findings = Findings::of(&ran(&mut silent.before(project.command(JSON))).exits(0));
    findings.has("virtiofsd", "warning", "reports no version", "virtiofsd --version");
}

#[test]
fn vfkit_is_judged_by_its_version() {
    let project = Project::with_nix(JOB_FILE);
    let with = |version: &str, args: &[&str], code: i32| {
        let vfkit =
            StandIns::new().script("vfkit", &format!("echo vfkit version: {version}")).script("nix", FAILING_NIX);
        ran(&mut vfkit.before(project.command(&[args, &["--hypervisor=vfkit"]].concat()))).exits(code)
    };
    let message = "/vfkit is version 0.5.1, and vfkit 0.6 or newer is needed";
    let findings = |version: &str| Findings::of_hypervisor(&with(version, JSON, 69), "vfkit");
    assert!(findings("v0.5.1").problems()[1]["what"].as_str().unwrap().ends_with(message));
    findings("v0.6.4").has("vfkit", "ok", "0.6.4 (", "");
    let findings = findings("v0.6.1");
    findings.has("vfkit", "warning", "without a shutdown of the guest", "brew install vfkit");
    for topic in ["qemu", "virtiofsd", "bwrap", "kvm"] {
        assert!(!findings.topics().contains(&topic), "{topic}");
    }
    let run = with("v0.5.1", &["run"], 69);
    assert!(run.stderr.contains(message) && run.stderr.contains("\nhint: install it, with Homebrew"), "{}", run.stderr);
}

#[test]
fn the_requirements_of_guests_are_checked() {
    for (guest, topic, message, remedy) in [
        (r#"kernel = "/no/such""#, "kernel", "/no/such can't be read: No such file", "name another image"),
        (r#"kernel = "/etc/passwd""#, "kernel", "/etc/passwd is no Linux kernel", "name another image"),
        (r#"memory = "4000G""#, "memory", "guest \"odd\" requests 4096000 MiB of memory", "lower the guest's `memory`"),
    ] {
        let jobs = r#"jobs.one = { command = "true"; guest = "odd"; };"#;
        let project = Project::with_nix(&format!("{{ guests.odd = {{ {guest}; }}; {jobs} }}"));
        Findings::of(&project.pikaci(JSON).exits(69)).has(topic, "problem", message, remedy);
        // A guest that no job uses doesn't count.
        let project = Project::with_nix(&format!("{{ guests.odd = {{ {guest}; }}; jobs.one.command = \"true\"; }}"));
        Findings::of(&project.pikaci(JSON).exits(0)).has(topic, "ok", "", "");
    }
}

#[test]
fn an_unusable_state_folder_and_a_full_disk_are_problems() {
    let foreign = Project::with_nix(NO_JOBS).file(".pikaci/runs/1", "");
    Findings::of(&foreign.pikaci(JSON).exits(69)).has("state", "problem", "is not a state folder", "echo 1 > ");
    let later = Project::with_nix(NO_JOBS).file(".pikaci/version", "99\n");
    Findings::of(&later.pikaci(JSON).exits(69)).has(
        "state",
        "problem",
        "has version \"99\"",
        "use the pikaci that created",
    );
    let closed = Project::with_nix(NO_JOBS).file("file", "");
    let findings = Findings::of(&closed.pikaci(&["doctor", "--format=json", "--state-root=file/state"]).exits(69));
    findings.has("state", "problem", "file/state can't be created or written", "another folder with --state-root");

    let small = Project::with_nix(JOB_FILE).file("disk/.keep", "");
    let args = ["doctor", "--format=json", "--state-root=disk/state"];
    let findings = Findings::of(&on_small_disk(&small, "1048576", &args).exits(69));
    findings.has("disk", "problem", "1.0 MiB are free in ", "name a folder on another disk with --state-root");
    let findings = Findings::of(&on_small_disk(&small, "1073741824", &args).exits(0));
    findings.has("disk", "warning", "1.0 GiB are free in ", "name a folder on another disk with --state-root");
    findings.has("kvm", "warning", "there is no /dev/kvm, so guests are emulated", "modprobe kvm_intel");
    let run = on_small_disk(&small, "1073741824", &["run", "--accel=kvm"]).exits(69);
    let error = "error: no virtual machine can run here: there is no /dev/kvm\nhint: switch virtualization on";
    assert!(
        run.stderr.starts_with(error) && run.stderr.ends_with("have guests emulated: --accel=tcg\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_store_that_a_plain_user_cannot_change_is_a_problem() {
    let project = Project::with_nix(NO_JOBS);
    let programs = StandIns::new();
    let by_user =
        |remote| Findings::of(&ran(by_plain_user(&project, &programs, JSON).env("NIX_REMOTE", remote)).exits(69));
    let remedy = "start the Nix daemon, or be root; on Linux pikaci can use a store of yours: NIX_REMOTE= pikaci run";
    by_user("local").has("store", "problem", "nix may not change its store: error: opening lock file", remedy);
    by_user("daemon").has("store", "problem", "cannot connect to socket", "check that the Nix daemon is running");
    assert!(!project.path(".local").exists(), "Nix made a store of its own");
}

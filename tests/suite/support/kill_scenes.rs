//! Commands that are killed at each of their steps.

use std::fs;
use std::path::PathBuf;

use pikaci::id::Digest;

use crate::support::fixture;
use crate::support::killing::{Act, Scene};
use crate::support::project::{Project, json};
use crate::support::stand_in::StandIns;

pub static FIRST: Act = Act::new(|| local(&["run"]), 2);
pub static CHANGED: Act = Act::new(changed, 1);
pub static CACHES: Act = Act::new(caches, 2);
pub static PRUNE: Act = Act::new(prune, 1);
pub static GC: Act = Act::new(gc, 2);
pub static RECOVERY: Act = Act::new(recovery, 2);
pub static PREPARE: Act = Act::new(prepare, 2);
pub static GUEST: Act = Act::new(guest, 1);
pub static BROKEN_FLAKE: Act = Act::new(broken_flake, 1);
pub static EXEC: Act = Act::new(exec, 1);
pub static KVM: Act = Act::new(kvm, 1);
pub static VFKIT: Act = Act::new(vfkit, 1);
/// The moments at which `pikaci cancel` is killed.
pub const CANCEL: [&str; 4] =
    ["run.cancel.before:1", "run.cancel.synced:1", "run.cancel.renamed:1", "run.cancel.after:1"];
/// Moments of a `pikaci init`.
pub const INIT: [&str; 4] = ["job_file.before:1", "job_file.synced:1", "job_file.renamed:1", "job_file.after:1"];
/// Messages of a guest whose job passes.
pub const PASSES: &str = r"printf 'ready\nphase job 1\nexit 0\noutput 0\nend\n'";
const JOB_FILE: &str =
    r#"{ guests.default.disk = "64M"; jobs.a = { command = "echo out >out.txt"; artifacts = [ "*.txt" ]; }; }"#;

/// Returns a scene of two jobs without a guest, which leave processes in the background.
fn local(args: &[&str]) -> Scene {
    let mut scene = Scene::new(Project::new(""), args);
    let job_file = format!(
        r#"{{
          guests.default.base = "none";
          defaults = {{ network = true; env.PIKACI_TEST_MARK = "{}"; }};
          jobs.a = {{ cache = "trust"; command = "sleep 1000 & mkdir deep; echo out >deep/out.txt"; artifacts = [ "**/*.txt" ]; }};
          groups.g.limit = 1;
          jobs.b = {{ command = "sleep 1000 & true"; needs = [ "a" ]; group = "g"; }};
        }}"#,
        scene.mark
    );
    scene.project = scene.project.file("pikaci.nix", &job_file).file("file", "content\n").committed();
    // Each run keeps a result, and takes none.
    scene.env = vec![("PIKACI_FORCE", "true")];
    scene
}

/// A run of a job with a cache, whose two files are equal in each generation.
fn caches() -> Scene {
    let mut scene = Scene::new(Project::new(""), &["run"]);
    let job_file = r#"{
      guests.here.base = "none";
      caches.c.path = "c";
      jobs.a = { guest = "here"; network = true; caches = [ "c" ];
                 command = "[ ! -e c/one ] || cmp c/one c/two; echo $PIKACI_RUN_ID | tee c/one >c/two"; };
    }"#;
    scene.project = scene.project.file("pikaci.nix", job_file);
    Scene { only: &["cache.generation", "cache.copy", "lock.cache"], before: Scene::has_run, ..scene }
}

/// Removal of the content of a cache that is too large.
fn prune() -> Scene {
    let args = ["cache", "prune", "--cache-free=9000000G"].map(str::to_owned).to_vec();
    let before = |scene: &Scene| {
        scene.runs(&["run"]);
    };
    Scene { args, only: &["cache.evicted", "gc.", "lock.cache"], before, ..caches() }
}

/// A run whose snapshot was changed.
fn changed() -> Scene {
    let before = |scene: &Scene| {
        scene.has_run();
        for snapshot in entries(scene.state().join("snapshots")) {
            fs::write(snapshot.join("file"), "changed\n").unwrap();
        }
    };
    Scene { only: &["snapshot.discard"], before, ..local(&["run"]) }
}

/// A gc with something to remove of every kind.
fn gc() -> Scene {
    let before = |scene: &Scene| {
        scene.has_run();
        let unneeded = Digest::of(b"unneeded");
        for folder in ["snapshots", "flakes"] {
            fs::create_dir_all(scene.state().join(folder).join(unneeded.as_str()).join("deep/deeper/deepest")).unwrap();
            fs::create_dir_all(scene.state().join(folder).join(format!(".tmp-{unneeded}-x"))).unwrap();
        }
        for file in [".tmp-file", "runs/.tmp-file", "indexes/.tmp-file"] {
            fs::write(scene.state().join(file), "left").unwrap();
        }
        fs::create_dir_all(scene.path("tmp/pikaci-tmp-left")).unwrap();
    };
    Scene { before, ..local(&["gc", "--keep-runs=0"]) }
}

/// A list after a run that was killed while a job was running.
fn recovery() -> Scene {
    Scene { before: |scene| scene.dies(&["run"], "spawn.command.after:1"), ..local(&["list"]) }
}

/// A run whose guest passes without any boot, since only the steps before the boot matter.
fn prepare() -> Scene {
    let quick = || StandIns::new().script("qemu-system-x86_64", &format!("{PASSES} >&6"));
    let only = &["flake.", "lock.flake", "spawn.nix", "engine.prepare"];
    Scene { programs: quick(), programs_after: quick(), only, ..Scene::new(Project::new(JOB_FILE), &["run"]) }
}

/// A run whose guest boots. The killed runs have a runner already; the runs after them pass without any boot.
fn guest() -> Scene {
    let before = Scene::has_run;
    let only = &["guest.", "spawn.guard", "spawn.daemon", "spawn.hypervisor", "engine.attempt_folder", "engine.phase"];
    Scene { programs: StandIns::new(), only, before, ..prepare() }
}

/// A run with a changed flake folder, which has to be rendered and built again.
fn broken_flake() -> Scene {
    let before = |scene: &Scene| {
        scene.has_run();
        fs::remove_dir_all(scene.state().join("runners")).unwrap();
        let flake = entries(scene.state().join("flakes")).pop().unwrap();
        fs::write(flake.join("more.nix"), "").unwrap();
    };
    Scene { only: &["flake.discard"], before, ..prepare() }
}

fn exec() -> Scene {
    let mut scene = prepare();
    scene.runs(&["run"]);
    let last = entries(scene.state().join("runs")).pop().unwrap();
    let runner = json(&last.join("run.json"))["prepares"][0]["runner"].as_str().unwrap().to_owned();
    let (job_file, out) = (scene.project.path("pikaci.nix"), scene.path("out"));
    let [job_file, workspace, out] = [job_file, scene.project.path(""), out].map(|path| path.display().to_string());
    let args = ["exec", "--accel=tcg", "--job=a", "--runner", &runner, "--job-file", &job_file, "--workspace"];
    scene.args = args.into_iter().chain([workspace.as_str(), "--out", &out]).map(str::to_owned).collect();
    Scene { only: &["exec."], before: |_| {}, ..scene }
}

/// A run without a cached result about KVM; the guest of the probe seems to boot.
fn kvm() -> Scene {
    let before = |scene: &Scene| {
        scene.has_run();
        fs::remove_file(scene.state().join("kvm.json")).ok();
    };
    let args = ["run", "--accel=auto"].map(str::to_owned).to_vec();
    Scene { args, opens_kvm: true, only: &["kvm."], before, ..prepare() }
}

/// A run whose guest in vfkit passes without any boot.
fn vfkit() -> Scene {
    let find = r"for arg; do case $arg in virtio-serial,logFilePath=*) control=${arg#*=} ;; esac; done";
    let quick = || StandIns::new().script("vfkit", &format!("{find}\n{PASSES} >\"$control\""));
    let project =
        fixture::project(r#"{ guests.default.base = "nix"; jobs.a = { command = "true"; network = true; }; }"#);
    let mut scene = Scene::new(project, &["run"]);
    scene.env = vec![("PIKACI_HYPERVISOR", "vfkit")];
    let only = &["lock.slot", "spawn.hypervisor"];
    Scene { programs: quick(), programs_after: quick(), only, before: Scene::has_run, ..scene }
}

fn entries(folder: PathBuf) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

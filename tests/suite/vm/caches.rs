//! Caches of jobs in guests: disks that the guest stacks.

use std::fs;
use std::path::PathBuf;

use pikaci::event::CacheUse;

use crate::support::processes::START;
use crate::support::project::Project;
use crate::support::vfkit_run::{self, start};

/// Returns the uses of the caches of a job in the latest run, as text.
fn uses(project: &Project, job: &str) -> Vec<String> {
    let job = project.job(job);
    let reason = job.exit.reason.message;
    job.caches.iter().map(CacheUse::text).chain(reason).collect()
}

/// Returns the files of the newest generation of a cache.
fn layers(project: &Project, cache: &str) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let scope = entries(project.state("caches").join(cache)).remove(0);
    let mut generations = entries(scope).into_iter().filter(|path| path.is_dir());
    let files = entries(generations.next_back().unwrap()).into_iter();
    files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("layer-")).collect()
}

/// Each run takes another way: empty, a layer on the first, layers merged because they are large, nothing changed, a
/// broken layer, a job that fails.
#[test]
fn a_generation_is_a_stack_of_disks() {
    let project = Project::with_guests(
        r#"{
          caches = { out = { path = "build/out"; size = "300M"; }; home.path = "~/.cache"; };
          jobs.a = { caches = [ "out" "home" ]; command = "sh step"; };
        }"#,
    )
    .file("build/out/tracked", "hidden\n");
    let run = |script: &str, code: i32| {
        fs::write(project.path("step"), format!("set -e\n{script}")).unwrap();
        project.pikaci(&["run"]).exits(code);
        (project.output("a"), uses(&project, "a"))
    };
    let cold = run(
        "find build/out; cd build/out; mkdir -p old/sub; echo one >old/sub/a; echo two >b; ln b hard; touch -d @1 b
         ln -s nowhere link; echo home >~/.cache/h; stat -c %U . ~/.cache",
        0,
    );
    assert_eq!(cold.0, "build/out\njob\njob\n");
    assert_eq!(cold.1, ["cache out: miss (cold), kept", "cache home: miss (cold), kept"]);
    let stacked = run(
        "cd build/out; cat ~/.cache/h; cat old/sub/a; rm -r old/sub/a hard; mv old new; stat -c %Y b
         head -c 70M /dev/urandom >large",
        0,
    );
    assert_eq!(
        (stacked.0.as_str(), &stacked.1[..]),
        ("home\none\n1\n", &["cache out: hit, kept".to_owned(), "cache home: hit, unchanged".to_owned()][..])
    );
    assert_eq!(layers(&project, "out").len(), 2);
    let merged = run("cd build/out; find . | sort; stat -c '%Y %h' b; readlink link", 0);
    assert_eq!(merged.0, ".\n./b\n./large\n./link\n./new\n./new/sub\n1 1\nnowhere\n");
    assert_eq!(merged.1[0], "cache out: hit, kept");
    assert_eq!(layers(&project, "out").len(), 1);
    let same = run("cat build/out/b; ls build/out", 0);
    assert_eq!(
        same,
        (
            "two\nb\nlarge\nlink\nnew\n".to_owned(),
            vec!["cache out: hit, unchanged".to_owned(), "cache home: hit, unchanged".to_owned()]
        )
    );
    // A layer that no kernel mounts leaves the cache empty.
    let layer = layers(&project, "home").remove(0);
    fs::remove_file(&layer).unwrap();
    fs::write(&layer, vec![0; 1 << 20]).unwrap();
    let broken = run("ls ~/.cache build/out; rm build/out/b; echo again >~/.cache/h; exit 3", 100);
    assert_eq!(broken.0, "/var/job/.cache:\n\nbuild/out:\nb\nlarge\nlink\nnew\n");
    let reasons = [
        "cache out: hit, not kept (the job didn't pass)",
        "cache home: hit (its generation can't be read, or is larger than the cache), not kept (the job didn't pass)",
        "the command ended with exit code 3",
    ];
    assert_eq!(broken.1, reasons);
}

/// Caches of an untrusted run are read, and a hostile guest can't leave anything in them; the project's links lead nowhere.
#[test]
fn an_untrusted_job_leaves_nothing_in_a_cache() {
    let project = Project::with_guests(
        r#"{
          caches = { out.path = "out"; link.path = "link/x"; };
          jobs.a = { caches = [ "out" ]; command = "cat out/x || true; echo $PIKACI_RUN_ID >out/x"; };
          jobs.b = { caches = [ "link" ]; command = "true"; };
        }"#,
    );
    project.pikaci(&["run", "a"]).exits(0);
    let first = project.runs().remove(0);
    std::os::unix::fs::symlink("/var/job", project.path("link")).unwrap();
    project.pikaci(&["run", "--untrusted"]).exits(102);
    assert_eq!(project.output("a"), format!("{first}\n"));
    assert_eq!(uses(&project, "a"), ["cache out: hit, not kept (the run isn't trusted)"]);
    let refused = project.job("b").exit.reason.message.unwrap();
    assert!(refused.contains("the folder of a cache leads through a link: /workspace/link/x"), "{refused}");
    assert_eq!(layers(&project, "out").len(), 1);
}

#[test]
fn a_guest_in_vfkit_has_caches() {
    let project = vfkit_run::project(
        r#"caches = { a = { path = "a"; size = 64; }; b = { path = "~/b"; size = 64; }; };
           jobs.a = { caches = [ "a" "b" ]; command = "cat a/x ~/b/x || true; echo $PIKACI_RUN_ID >>a/x; echo b >~/b/x"; };"#,
    );
    for _ in 0..3 {
        start(&project, None).0.ends_within(START, "a job with caches").exits(0);
    }
    let runs = project.runs();
    assert_eq!(project.output("a"), format!("{}\n{}\nb\n", runs[0], runs[1]));
    assert_eq!(uses(&project, "a"), ["cache a: hit, kept", "cache b: hit, kept"]);
    assert_eq!(layers(&project, "a").len(), 3);
}

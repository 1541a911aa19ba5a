//! Caches of jobs, on base `none`.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use pikaci::event::{CacheEnd, CacheStart, CacheUse};

use crate::support::project::{Project, json, ran};

/// Returns a project whose jobs have the caches `out` (with a key) and `deep/er`.
fn project(jobs: &str) -> Project {
    Project::new(&format!(
        r#"{{
          caches = {{ out = {{ path = "out"; key = [ "*.lock" ]; }}; deep = {{ path = "deep/er"; onFailure = "keep"; size = "64M"; }}; }};
          guests.here.base = "none";
          defaults = {{ guest = "here"; network = true; }};
          jobs = {{ {jobs} }};
        }}"#
    ))
    .file("a.lock", "1\n")
}

/// Returns the uses of the caches of a job in the latest run, as text.
fn uses(project: &Project, job: &str) -> Vec<String> {
    project.job(job).caches.iter().map(CacheUse::text).collect()
}

#[test]
fn a_job_gets_the_content_of_an_earlier_one() {
    let project = project(
        r#"a = {
          caches = [ "out" "deep" ];
          command = "ls out deep/er; cat out/n || true; date +%N >out/n; echo tracked >deep/er/x; touch -d @1 deep/er/x";
        };"#,
    )
    .file("out/tracked", "hidden by the cache\n");
    let first = project.pikaci(&["run"]).exits(0).stdout;
    assert_eq!(uses(&project, "a"), ["cache out: miss (cold), kept", "cache deep: miss (cold), kept"]);
    assert!(first.contains("\n             cache out: miss (cold), kept\n"), "{first}");
    assert!(!project.output("a").contains("tracked"), "{}", project.output("a"));
    assert_eq!(fs::read_to_string(project.path("out/tracked")).unwrap(), "hidden by the cache\n");

    project.pikaci(&["run"]).exits(0);
    assert_eq!(uses(&project, "a"), ["cache out: hit, kept", "cache deep: hit, unchanged"]);
    let output = project.output("a");
    assert!(output.starts_with("deep/er:\nx\n\nout:\nn\n"), "{output}");
    let status = project.pikaci(&["status"]).exits(0).stdout;
    assert!(status.contains("cache deep: hit, unchanged"), "{status}");
    let record = project.job("a");
    assert_eq!((record.caches[0].got, record.caches[0].left), (CacheStart::Hit, CacheEnd::Kept));

    // Another key gets the content of the newest one, and leaves that alone.
    fs::write(project.path("a.lock"), "2\n").unwrap();
    project.pikaci(&["run"]).exits(0);
    assert_eq!(uses(&project, "a")[0], "cache out: fall-back (key changed: *.lock), kept");
    fs::write(project.path("a.lock"), "1\n").unwrap();
    project.pikaci(&["run"]).exits(0);
    assert_eq!(uses(&project, "a")[0], "cache out: hit, kept");

    let list = project.pikaci(&["cache", "list"]).exits(0).stdout;
    assert_eq!(list.lines().filter(|line| line.starts_with("out ")).count(), 2, "{list}");
    let listed: serde_json::Value =
        serde_json::from_str(&project.pikaci(&["cache", "list", "--format=json"]).exits(0).stdout).unwrap();
    assert_eq!(listed["caches"].as_array().unwrap().len(), 3, "{listed:#}");
    assert_eq!(listed["caches"][0]["cache"], "deep");
}

#[test]
fn content_is_kept_only_where_it_may_be() {
    let project = project(
        r#"
        bad = { caches = [ "out" "deep" ]; command = "echo x >out/x; echo x >deep/er/x; exit 1"; };
        large = { caches = [ "deep" ]; command = "head -c 70M /dev/zero | tr '\\0' x >deep/er/y"; };
        link = { caches = [ "out" ]; command = "rmdir out && ln -s /tmp out"; };
        socket = { caches = [ "out" ]; command = "mkfifo out/pipe"; };
        "#,
    );
    project.pikaci(&["run", "--jobs=1"]).exits(100);
    assert_eq!(
        uses(&project, "bad"),
        ["cache out: miss (cold), not kept (the job didn't pass)", "cache deep: miss (cold), kept"]
    );
    assert_eq!(uses(&project, "large"), ["cache deep: hit, not kept (it has 70 MiB, more than its `size` of 64 MiB)"]);
    assert_eq!(uses(&project, "link"), ["cache out: miss (cold), not kept (it isn't a folder any more)"]);
    assert!(uses(&project, "socket")[0].contains("out/pipe is neither file, folder nor symbolic link)"));
    let list = project.pikaci(&["cache", "list"]).exits(0).stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
}

#[test]
fn the_first_job_fills_a_cold_cache_for_the_others() {
    let project = project(
        r#"
        a = { caches = [ "out" ]; command = "sleep 1; echo a >out/a"; };
        b = { caches = [ "out" ]; command = "cat out/a"; };
        c = { caches = [ "out" ]; command = "cat out/a"; };
        "#,
    );
    let plan = project.pikaci(&["plan"]).exits(0).stdout;
    assert!(plan.contains("caches out;") && plan.matches("caches out after a fills it; ").count() == 2, "{plan}");
    project.pikaci(&["run", "--cpus=3"]).exits(0);
    assert_eq!(uses(&project, "b"), ["cache out: hit, unchanged"]);
    let plan = project.pikaci(&["plan"]).exits(0).stdout;
    assert!(!plan.contains("fills it"), "{plan}");

    // If the first one fails, the others start with an empty cache.
    project.pikaci(&["cache", "rm", "out"]).exits(0);
    let job_file = fs::read_to_string(project.path("pikaci.nix")).unwrap();
    fs::write(project.path("pikaci.nix"), job_file.replace("echo a >out/a", "exit 1")).unwrap();
    project.pikaci(&["run", "--cpus=3"]).exits(100);
    assert_eq!(uses(&project, "b"), ["cache out: miss (cold), unchanged"]);
}

#[test]
fn the_oldest_content_goes_when_caches_are_too_large() {
    let project = project(r#"a = { caches = [ "out" ]; command = "head -c 20M /dev/urandom >out/x"; };"#);
    let run = |lock: &str, args: &[&str]| {
        fs::write(project.path("a.lock"), lock).unwrap();
        project.pikaci(&[&["run"], args].concat()).exits(0);
        uses(&project, "a").remove(0)
    };
    let small: &[&str] = &["--cache-size=30M"];
    assert_eq!(run("1", small), "cache out: miss (cold), kept");
    assert_eq!(run("2", small), "cache out: fall-back (key changed: *.lock), kept");
    let evicted = run("1", &[]);
    assert!(
        evicted.starts_with("cache out: fall-back (evicted ") && evicted.ends_with(" ago: size), kept"),
        "{evicted}"
    );
    assert_eq!(project.pikaci(&["cache", "list"]).exits(0).stdout.lines().count(), 3);

    let forecast = project.pikaci(&["gc", "--dry-run", "--cache-size=30M"]).exits(0).stdout;
    assert!(forecast.contains("would remove 1 cache generation: 20.0 MiB\n"), "{forecast}");
    let done = project.pikaci(&["gc", "--cache-size=30M"]).exits(0).stdout;
    assert!(done.contains("removed 1 cache generation: 20.0 MiB\n"), "{done}");
    // The free space that caches leave is a limit too.
    let full = run("1", &["--cache-free=1000000G"]);
    assert!(full.ends_with(": the disk was full), not kept (it exceeds the limits of all caches)"), "{full}");
    let pruned = project.pikaci(&["cache", "prune"]).exits(0).stdout;
    assert_eq!(pruned, "nothing to remove\n");
    assert_eq!(project.pikaci(&["cache", "list"]).exits(0).stdout, "no cache has content\n");
    assert!(run("1", &[]).contains("miss (evicted "));
    let none = project.pikaci(&["cache", "rm", "other"]).exits(4).stderr;
    assert!(none.contains("there is no content of a cache \"other\""), "{none}");
    let removed = project.pikaci(&["cache", "rm", "out"]).exits(0).stdout;
    assert!(removed.ends_with("removed 20.0 MiB\n"), "{removed}");
}

/// A second run may take neither the place nor the content of a cache that the first one uses.
#[test]
fn content_in_use_stays() {
    let project = project(
        r#"a = { caches = [ "out" ]; command = "echo $PIKACI_RUN_ID >out/x; [ ! -e wait ] || sleep $(cat wait)"; };"#,
    );
    project.pikaci(&["run"]).exits(0);
    let project = project.file("wait", "60");
    let mut slow = project.command(&["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = SystemTime::now() + Duration::from_mins(1);
    while project.runs().len() < 2 || project.try_output("a").is_none() {
        assert!(SystemTime::now() < deadline, "the second run doesn't start its job");
        std::thread::sleep(Duration::from_millis(50));
    }
    let used = project.pikaci(&["cache", "rm", "out"]).exits(1).stderr;
    assert!(used.contains("a running job uses the content of a cache"), "{used}");
    ran(&mut project.command(&["cancel"])).exits(0);
    slow.wait().unwrap();
    let generation =
        fs::read_dir(project.state("caches/out")).unwrap().next().unwrap().unwrap().path().join("00000001");
    assert_eq!(json(&generation.join("generation.json"))["cache"], "out");
}

//! Caches of job files.

use super::super::{Cache, read};
use super::read_ok;
use crate::id::JobId;

/// Returns a cache with a value other than the default for each key.
pub fn cache() -> Cache {
    Cache {
        path: "~/.cargo/registry".to_owned(),
        key: vec!["*.lock".to_owned()],
        size_mib: 512,
        single_flight: false,
        keeps_failures: true,
    }
}

#[test]
fn keys_of_caches_are_read() {
    let config = read_ok(
        r#"{
          caches = {
            target.path = "target/";
            full = { path = "~/.cargo/registry"; key = [ "*.lock" ]; size = "512M"; singleFlight = false; onFailure = "keep"; };
            safe = { path = "a/b"; share = "safe"; };
          };
          defaults.caches = [ "target" ];
          jobs = { a.command = "x"; b = { command = "x"; caches = [ "full" "safe" "full" ]; }; };
        }"#,
    );
    let target =
        Cache { path: "target".into(), key: vec![], size_mib: 10 << 10, single_flight: true, keeps_failures: false };
    let safe = Cache { path: "a/b".into(), keeps_failures: true, ..target.clone() };
    let caches = [("full", cache()), ("safe", safe), ("target", target)].map(|(name, cache)| (name.to_owned(), cache));
    assert_eq!(config.caches, caches.into());
    let of = |job: &str| config.jobs[&JobId::new(job)].caches.join(" ");
    assert_eq!((of("a"), of("b")), ("target".to_owned(), "full safe".to_owned()));
}

#[test]
fn a_cache_that_a_job_cannot_have_is_refused() {
    for (caches, used, message) in [
        (r#"a.path = "/tmp";"#, "a", "`caches.a.path` can't be `/tmp`"),
        (r#"a.path = "b/../c";"#, "a", "`caches.a.path` can't be `b/../c`"),
        (r#"a.path = "~";"#, "a", "`caches.a.path` can't be `~`"),
        (r#"a.path = "";"#, "a", "`caches.a.path` can't be `\"\"`"),
        (r#"a.size = "1G";"#, "a", "`caches.a` has no path"),
        (r#"a = { path = "b"; size = 1; };"#, "a", "`caches.a.size` can't be 1 MiB"),
        (r#"a = { path = "b"; share = "all"; };"#, "a", "`caches.a.share` can't be `all`"),
        (r#"a = { path = "b"; key = [ "/x" ]; };"#, "a", "in `caches.a.key` is absolute"),
        (r#"target.path = "b";"#, "taget", "there is no cache `taget`"),
        (r#"a.path = "t"; b.path = "t/b";"#, "a b", "the caches `a` and `b` of the job `j` overlap"),
        (r#"a.path = "~/b";"#, "a", "the job `j` of base `none` can't have the cache `a` in its home"),
    ] {
        let used: Vec<String> = used.split(' ').map(|name| format!("\"{name}\"")).collect();
        let file = format!(
            "{{ caches = {{ {caches} }}; guests.g.base = \"none\";
                jobs.j = {{ command = \"x\"; guest = \"g\"; caches = [ {} ]; }}; }}",
            used.join(" ")
        );
        let error = read("pikaci.nix", &file).unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
    let apart = r#"{ caches = { a.path = "t"; b.path = "tt"; }; jobs.j = { command = "x"; caches = [ "a" "b" ]; }; }"#;
    read_ok(apart);
}

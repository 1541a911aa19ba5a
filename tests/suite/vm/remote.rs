//! Builds on other machines, and a binary cache.

use std::fs::{self, File};
use std::process::Command;

use crate::support::downstream::{self, Downstream};
use crate::support::project::{NIX_CONFIG, ran};
use crate::support::remote::{BUILDERS, Remote, Unique, real_nix};
use crate::support::tools::nix;

/// Eight jobs, which share a guest.
const JOBS: &str = r#"{
  guests.default = { base = "nix"; };
  jobs = builtins.listToAttrs (builtins.genList (n: {
    name = "job-${builtins.toString n}";
    value.command = "true";
  }) 8);
}"#;

#[test]
fn checks_spread_over_builders() {
    let remote = Remote::start();
    let downstream = Downstream::new(JOBS);
    let checks: Vec<String> = (0..8).map(|n| format!("path:.#checks.x86_64-linux.job-{n}")).collect();
    // The client has a store of its own too, so that nothing is built already.
    let (client, builders) = (remote.path("client"), remote.builders());
    let mut args = vec!["build", "--no-link", "--print-build-logs", "--store", client.to_str().unwrap()];
    args.extend(["--builders", &builders]);
    args.extend(checks.iter().map(String::as_str));
    let mut command = downstream.command("oldest", &args);
    let ran = ran(remote.reached_by(&mut command, downstream::CONFIG)).exits(0);

    let shares = BUILDERS.map(|store| remote.built(store, |path| path.contains("-pikaci-job-")));
    println!("{shares:?}");
    assert!(shares.iter().all(|share| !share.is_empty()), "a builder has built nothing: {shares:?}");
    let mut all = shares.concat();
    all.sort();
    all.dedup();
    assert_eq!((all.len(), shares.concat().len()), (8, 8), "{shares:?}");
    let runners = ran.stderr.matches("-pikaci-runner.drv' on 'ssh-ng://").count();
    assert_eq!(runners, 1, "the jobs share a runner: {}", ran.stderr);
}

#[test]
fn a_runner_is_built_remotely_and_downloaded_from_a_binary_cache() {
    let (remote, unique) = (Remote::start(), Unique::new());
    let mut run = unique.project.command(&["run", "--builders", &remote.builders()]);
    let (runner, log) = unique.run(remote.reached_by(&mut run, NIX_CONFIG));
    assert!(log.contains("-pikaci-runner.drv' on 'ssh-ng://root@127.0.0.1?remote-store="), "{log}");
    let at = BUILDERS.map(|store| remote.built(store, |path| path == runner).len());
    assert_eq!(at.iter().sum::<usize>(), 1, "{log}");

    let secret = real_nix("nix", &["key", "generate-secret", "--key-name", "test-1"]);
    fs::write(remote.path("secret"), &secret).unwrap();
    let cache = format!("file://{}", remote.path("cache").display());
    let signed = format!("{cache}?secret-key={}", remote.path("secret").display());
    real_nix("nix", &["copy", "--to", &signed, &runner]);
    unique.delete(&runner, false);
    let mut public = Command::new(nix("oldest"));
    public.args(["key", "convert-secret-to-public"]).stdin(File::open(remote.path("secret")).unwrap());
    let public = ran(public.env("NIX_CONFIG", NIX_CONFIG)).exits(0).stdout;
    let config =
        format!("{NIX_CONFIG}extra-substituters = {cache}\nextra-trusted-public-keys = {public}\nmax-jobs = 0\n");
    let (again, log) = unique.run(unique.project.command(&["run"]).env("NIX_CONFIG", config));
    assert_eq!(again, runner);
    assert!(log.contains(&format!("copying path '{runner}' from 'file://")) && !log.contains("building"), "{log}");
    unique.delete(&runner, true);
}

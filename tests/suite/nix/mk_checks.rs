//! `lib.mkChecks`: the jobs that become checks, and shared builds.

use std::fs;

use pikaci::config;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::nix::checked_job_file::{LEGS, eval};
use crate::support::fixture::{MICROVM, nixpkgs};
use crate::support::project::{Project, Ran, ran};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the expression for the checks of a project on a system, with more arguments of `mkChecks`.
fn checks(project: &Project, system: &str, more: &str) -> String {
    format!(
        r#"let pkgs = (builtins.getFlake "path:{}").legacyPackages.{system}; in
           import {ROOT}/nix/mk-checks.nix {{
             inherit pkgs; src = {}; pikaci = pkgs.hello; microvm = builtins.getFlake "path:{MICROVM}"; {more}
           }}"#,
        nixpkgs().display(),
        project.path("").to_str().unwrap().trim_end_matches('/'),
    )
}

/// Evaluates an expression about the checks.
fn of_checks(project: &Project, more: &str, expression: &str) -> Ran {
    ran(&mut eval("oldest", &format!("let checks = {}; in {expression}", checks(project, "x86_64-linux", more))))
}

#[test]
fn each_leg_of_a_matrix_is_a_check() {
    let project = Project::with_nix(LEGS);
    let names = of_checks(&project, "", "builtins.attrNames checks").exits(0).stdout;
    let config = config::read("pikaci.nix", LEGS).unwrap();
    let ids = config.jobs.iter().filter(|(_, job)| job.skip.is_none()).map(|(id, _)| id.as_str());
    assert_eq!(serde_json::from_str::<Vec<String>>(&names).unwrap(), ids.collect::<Vec<_>>());
    let names = of_checks(&project, "targets = [ \"build[cc=gcc]\" ];", "builtins.attrNames checks").exits(0).stdout;
    assert_eq!(names.trim(), r#"["build[cc=gcc,libc=glibc]","build[cc=gcc,libc=musl]"]"#);
}

const JOBS: &str = r#"{
  defaults.guest = "nix";
  guests.nix.base = "nix";
  guests.here.base = "none";
  jobs.a.command = "true";
  jobs.b = { command = "true"; needs = [ "a" ]; };
  jobs."odd, name@(x=1)".command = "true";
  jobs.local = { command = "true"; guest = "here"; };
  jobs.online = { command = "true"; network = true; };
  jobs.after = { command = "true"; needs = [ "online" ]; };
  jobs.always = { command = "true"; when = "always"; };
  jobs.inherits = { command = "true"; env.TOKEN = { "inherit" = true; }; };
  jobs.kept = { command = "true"; artifacts = [ "out" ]; };
  jobs.fed = { command = "true"; inputs.kept = { from = "kept"; to = "in"; }; };
  secrets.TOKEN.env = "TOKEN";
  jobs.secretive = { command = "true"; secrets = [ "TOKEN" ]; };
  targets.two.jobs = [ "b" "local" ];
}"#;

#[test]
fn jobs_that_cannot_be_checks_are_errors_or_left_out() {
    let project = Project::with_nix(JOBS);
    let names = |more: &str| {
        let names = of_checks(&project, more, "builtins.attrNames checks").exits(0).stdout;
        serde_json::from_str::<Vec<String>>(&names).unwrap().join(" ")
    };
    assert_eq!(names(""), "a after always b fed inherits kept local odd, name@(x=1) online secretive");
    assert_eq!(names("unfit = \"omit\";"), "a b fed kept odd, name@(x=1)");
    assert_eq!(names("targets = [ \"two\" ];"), "b local");
    assert_eq!(names("targets = [ \"two\" \"a\" ]; unfit = \"omit\";"), "a b");
    for (job, why) in [
        ("local", "the job \"local\" can't be a check: its guest is of base `none`"),
        ("online", "the job \"online\" can't be a check: it has `network = true;`"),
        ("always", "the job \"always\" can't be a check: it has `when = \"always\";`"),
        ("inherits", "the job \"inherits\" can't be a check: a build of Nix inherits no variable; give `env.TOKEN` a"),
        (
            "secretive",
            "the job \"secretive\" can't be a check: it has the secret TOKEN, which a build of Nix can't keep",
        ),
        ("after", "the job \"after\" can't be a check: it needs \"online\", which can't be a check"),
    ] {
        let refused = of_checks(&project, "", &format!("checks.{job}.drvPath")).exits(1).stderr;
        assert!(refused.contains(why), "{refused}");
    }
    let misspelt = of_checks(&project, "targets = [ \"tow\" ];", "builtins.attrNames checks").exits(1).stderr;
    assert!(misspelt.contains("no target or job is called \"tow\"; there are \"two\", \"a\""), "{misspelt}");
    // Its builder gets the result of the other check.
    let fed = of_checks(&project, "", "{ inherit (checks) kept; args = checks.fed.drvAttrs.args; }").exits(0).stdout;
    let fed: Value = serde_json::from_str(&fed).unwrap();
    assert_eq!(fed["args"].as_array().unwrap()[9..], [json!("kept"), fed["kept"].clone(), json!("in")]);
    let odd = of_checks(&project, "", "checks.\"odd, name@(x=1)\".drvPath").exits(0).stdout;
    assert!(odd.contains("-pikaci-odd-name-x=1-.drv"), "{odd}");
    // A job that another job needs is built, whether it is shown or not.
    of_checks(&project, "targets = [ \"b\" ];", "checks.b.drvPath").exits(0);
}

#[test]
fn a_check_gets_no_file_that_snapshots_exclude_and_none_that_git_ignores() {
    let project = Project::with_nix(
        r#"{
          guests.default.base = "nix"; snapshot.exclude = [ "docs/big/" "*.log" "{x,y}/[ab]" ];
          jobs.a.command = "true";
        }"#,
    );
    let project = project.file("docs/big/deep/a", "").file("docs/small", "").file("a.log", "").file("x/a", "");
    let project = project.file("x/c", "").file("src/b.log", "");
    let expression = "let read = folder: builtins.concatMap (name: let path = folder + \"/${name}\"; in
        if (builtins.readDir folder).${name} == \"directory\" then read path else [ path ])
        (builtins.attrNames (builtins.readDir folder));
        source = builtins.elemAt checks.a.args 6; in [ source (read source) ]";
    let read: Value = serde_json::from_str(&of_checks(&project, "", expression).exits(0).stdout).unwrap();
    let source = read[0].as_str().unwrap();
    let files = read[1].as_array().unwrap().iter().map(|path| path.as_str().unwrap());
    let files: Vec<&str> = files.map(|path| path.strip_prefix(source).unwrap()).collect();
    assert_eq!(files, ["/docs/small", "/pikaci.nix", "/src/b.log", "/x/c"]);
    let including = r#"{ guests.default.base = "nix"; snapshot.include = [ ".env" ]; jobs.a.command = "true"; }"#;
    let refused = of_checks(&Project::with_nix(including), "", "checks.a.drvPath").exits(1).stderr;
    assert!(refused.contains("can't be a check: `snapshot.include` names files that git ignores"), "{refused}");
}

#[test]
fn a_mac_has_the_checks_of_linux_on_its_processor() {
    let project = Project::with_nix(r#"{ guests.default.base = "nix"; jobs.a.command = "true"; }"#);
    let on = |system: &str| {
        let expression =
            format!("let checks = {}; in [ checks.a.system checks.a.drvPath ]", checks(&project, system, ""));
        let expression = expression.replace("pikaci = pkgs.hello;", &format!("pikaci = {ROOT}/Makefile;"));
        serde_json::from_str::<Value>(&ran(&mut eval("oldest", &expression)).exits(0).stdout).unwrap()
    };
    let (linux, mac) = (on("aarch64-linux"), on("aarch64-darwin"));
    assert_eq!((&linux[0], &linux), (&json!("aarch64-linux"), &mac));
}

/// Returns the cost of evaluating the first jobs of a project.
fn work(project: &Project, jobs: usize) -> (u64, u64) {
    let names: Vec<String> = (0..jobs).map(|number| format!("checks.j{number}.drvPath")).collect();
    let expression = format!("let checks = {}; in [ {} ]", checks(project, "x86_64-linux", ""), names.join(" "));
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let stats = folder.path().join("stats");
    let mut command = eval("oldest", &expression);
    ran(command.env("NIX_SHOW_STATS", "1").env("NIX_SHOW_STATS_PATH", &stats)).exits(0);
    let stats: Value = serde_json::from_slice(&fs::read(stats).unwrap()).unwrap();
    (stats["nrFunctionCalls"].as_u64().unwrap(), stats["nrPrimOpCalls"].as_u64().unwrap())
}

#[test]
fn a_build_that_jobs_share_is_made_once() {
    let jobs = |guest: &str, count: usize, more: &str| {
        let jobs = (0..count).map(|number| format!("jobs.j{number} = {{ command = \"echo {number}\"; {more} }};\n"));
        format!("{{ guests.default = {{ {guest} }};\n{}}}", jobs.collect::<String>())
    };
    let nixos = Project::with_nix(&jobs(r#"base = "nixos"; packages = [ "hello" ];"#, 4, ""));
    let (one, four) = (work(&nixos, 1), work(&nixos, 4));
    println!("a NixOS guest, function and primitive calls: {one:?} of one job, {four:?} of four");
    assert!(four.0 * 10 <= one.0 * 13 && four.1 * 10 <= one.1 * 13, "{one:?}, {four:?}");

    let project = Project::with_nix(&jobs(r#"base = "nix";"#, 50, r#"paths = [ "src/**" "tests/*/*.c" "Makefile" ];"#));
    for number in 0..1000 {
        let folder = project.path(&format!("{}/{}", ["src", "tests", "doc"][number % 3], number % 10));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{number}.c")), "x\n").unwrap();
    }
    let (one, fifty) = (work(&project, 1), work(&project, 50));
    println!("1,000 files and three globs: {one:?} of one job, {fifty:?} of fifty");
    assert!(fifty.1 * 10 <= one.1 * 15, "{one:?}, {fifty:?}");
}

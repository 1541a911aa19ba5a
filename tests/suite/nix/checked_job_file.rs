//! The value of a job file, as Nix reads it for checks and modules, compared with pikaci's own reader.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use pikaci::config::{self, Guest, Job, Section};
use pikaci::id::JobId;
use serde_json::{Value, json};

use crate::support::fixture::nixpkgs;
use crate::support::project::{NIX_CONFIG, Project, Ran, ran};
use crate::support::refused_jobs::{KEEPING, REFUSED_FILES, REFUSED_JOBS, REFUSED_WITH_COMMAND};
use crate::support::tools::nix;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the command that evaluates an expression.
pub fn eval(version: &str, expression: &str) -> Command {
    let mut command = Command::new(nix(version));
    command.args(["eval", "--impure", "--json", "--expr", expression]).env("NIX_CONFIG", NIX_CONFIG);
    command
}

/// Evaluates a job file as `mkChecks` does, and then an expression.
fn job_file(text: &str, expression: &str) -> Ran {
    ran(&mut eval("oldest", &format!("let file = import {ROOT}/nix/job-file.nix ({text}); in {expression}")))
}

/// Adds a text of 128 KiB but four bytes to a job file, as `a`.
fn with_long_text(file: &str) -> String {
    format!("let b = \"{}\"; a = b + b + b + b; in {file}", "b".repeat(32_767))
}

/// Evaluates all parts of a job file on which checks depend.
const EVERY_CHECK: &str = "builtins.deepSeq [ file.jobs (map file.only (builtins.attrNames file.jobs)) ] true";

#[test]
fn mk_checks_refuses_the_job_files_that_pikaci_refuses() {
    let job = |job: &str| format!(r#"{{ jobs.good.command = "true"; {KEEPING} jobs."a b" = {{ {job} }}; }}"#);
    let with_command = |more: &str| job(&format!(r#"command = "true"; {more}"#));
    let file = |more: &str| format!(r#"{{ jobs.a.command = "x"; {more} }}"#);
    let values: Vec<String> = (0..40).map(|value| value.to_string()).collect();
    let values = values.join("\" \"");
    let many = format!(r#"matrix = {{ a = [ "{values}" ]; b = [ "{values}" ]; }};"#);
    let jobs = REFUSED_JOBS.iter().map(|(text, message)| (job(text), *message));
    let with_commands = REFUSED_WITH_COMMAND.iter().map(|(text, message)| (with_command(text), *message));
    let files = REFUSED_FILES.iter().map(|(text, message)| (file(text), *message));
    let services: Vec<String> = (0..21).map(|number| format!("services.s{number}.command = \"x\"; ")).collect();
    let services = services.concat();
    let long = |more: &str| with_long_text(&job(more));
    let large = [
        (with_command(&many), "its matrix has more than 1000 legs"),
        (with_command(&services), "it has more than 20 services"),
        (long(r#"command = a + "aaaa";"#), "`command` is longer than 128 KiB"),
        (long(r#"command = [ "b" (a + "aaaa") ];"#), "`command[1]` is longer than 128 KiB"),
        (long(r#"command = "b"; env.AB = a + "a";"#), "`env.AB` is longer than 128 KiB"),
        (long(&format!("command = [ {}];", "a ".repeat(16))), "its command and environment are longer than 1984 KiB"),
    ];
    for (text, message) in jobs.chain(with_commands).chain(files).chain(large) {
        Project::with_nix(&text).pikaci(&["check"]).exits(2);
        let refused = job_file(&text, EVERY_CHECK).exits(1).stderr;
        assert!(refused.contains(message), "{message}: {refused}");
    }
}

#[test]
fn mk_checks_accepts_the_job_files_that_pikaci_accepts() {
    let [script, variable] = [r#"command = a + "aaa";"#, r#"command = [ "b" ]; env.AB = a;"#]
        .map(|job| with_long_text(&format!("{{ jobs.a = {{ {job} }}; }}")));
    for text in [
        "{ }",
        "{ jobs = { }; guests = null; targets = null; defaults = null; }",
        "{ jobs.a = { command = \"true\"; timeout = null; env = { }; paths = [ ]; adjust = [ ]; }; }",
        r#"{ defaults.services.db.command = "db";
             jobs.a = { command = "true"; services.web = { command = "web"; needs = [ "db" ]; }; }; }"#,
        r#"{ guests.g = { base = "nix"; packages = [ "a.b" "c" ]; devShell = "d"; };
             guests.h = { kernel = "/k"; hostFolders = [ "~/a/b" "/opt/" ]; };
             guests.n = { base = "nixos"; modules = [ "nix/a.nix" ]; };
             jobs.a = { command = [ "x" "" "a\r\n" ]; timeout = "000000000001h"; description = " é\n"; guest = "g"; };
             secrets = { T = { env = "A"; asFile = true; }; U.file = "~/u"; V.command = [ "x" "" ]; };
             jobs.b = { command = "é"; guest = "h"; secrets = [ "T" "U" "V" ]; };
             jobs.c = { command = "c"; guest = "n"; }; }"#,
        &script,
        &variable,
    ] {
        Project::with_nix(text).pikaci(&["check"]).exits(0);
        job_file(text, EVERY_CHECK).exits(0);
    }
}

/// Returns the keys of each set of a job file, from the table of pikaci's own reader.
fn keys_of_the_reader() -> BTreeMap<String, BTreeSet<String>> {
    let names = |section: &Section| section.keys.iter().map(|key| key.name.to_owned()).collect();
    config::reference().iter().map(|section| (section.name.to_owned(), names(section))).collect()
}

#[test]
fn both_readers_accept_the_same_keys() {
    let names =
        |ran: Ran| -> BTreeMap<String, BTreeSet<String>> { serde_json::from_str(&ran.exits(0).stdout).unwrap() };
    let checked = names(job_file("{ }", "file.keys"));
    let options = format!(
        r#"let lib = (builtins.getFlake "path:{}").lib; in (import {ROOT}/nix/job-options.nix {{ inherit lib; }}).keys"#,
        nixpkgs().display()
    );
    assert_eq!(checked, names(ran(&mut eval("oldest", &options))));
    assert_eq!(checked, keys_of_the_reader());
    for file in
        ["pikaci.nix", "nix/template/pikaci.nix", "examples/c-library/pikaci.nix", "examples/containers/pikaci.nix"]
    {
        job_file(&format!("import {ROOT}/{file}"), "builtins.attrNames file.jobs").exits(0);
    }
}

#[test]
fn modules_make_the_same_jobs_as_a_job_file() {
    let modules = format!(
        r#"import {ROOT}/nix/eval-jobs.nix {{
             inherit (builtins.getFlake "path:{}") lib; modules = [ ({LEGS}) {{ jobs.more.command = "true"; }} ];
           }}"#,
        nixpkgs().display()
    );
    let jobs = |text: &str, expression: &str| job_file(text, expression).exits(0).stdout;
    assert_eq!(jobs(&modules, r#"removeAttrs file.jobs [ "more" ]"#), jobs(LEGS, "file.jobs"));
}

/// A job file with all keys that a check can have.
pub const LEGS: &str = r#"{
  defaults = { guest = "nix"; env = { A = "default"; B = "b"; }; timeout = "5m"; group = "one"; paths = [ "src" ]; };
  groups.one.limit = 1;
  guests.nix = { base = "nix"; vcpu = 2; memory = "2G"; packages = [ "hello" ]; };
  jobs = {
    build = {
      matrix = { libc = [ "glibc" "musl" ]; cc = [ "gcc" "clang" "a b=c" ]; };
      adjust = [
        { "with" = { cc = "clang"; libc = "musl"; }; skip = "no such build"; }
        { "with".libc = "musl"; env = { STATIC = "1"; A = "musl"; }; timeout = 60; retries = 2; }
        { "with".cc = "clang"; env.STATIC = "0"; timeout = null;
          steps = [ { name = "configure"; command = [ "./configure" ]; } { name = "clean"; command = "rm x"; when = "always"; } ]; }
        { "with".cc = "a b=c"; needs = [ "lint" ]; }
      ];
      command = "make CC=$cc"; artifacts = [ "out" ]; env = { A = "a"; C = { "inherit" = true; default = "c"; }; };
    };
    lint = {
      steps = [ { name = "one"; command = "a"; timeout = "1m"; } { name = "two"; command = "b"; when = "failed"; } ];
      services = { db = { command = "postgres"; ready = [ "pg_isready" ]; env.PGDATA = "x"; timeout = 9; };
                   web = { command = "serve"; needs = [ "db" ]; }; };
      shell = "bash"; workdir = "sub/folder/"; stall = "1h30m"; allowFailure = [ 77 ]; runAsRoot = true;
      artifacts = { paths = [ "out/*" ]; required = true; size = "2G"; }; description = "Looks at all.";
    };
    all = { command = "true"; needs = [ "build" "build[cc=gcc]" ]; when = "passed"; shell = [ "python3" "-c" ]; };
    gcc = { command = "true"; needs = [ "build[cc=gcc]" ]; };
    fed = { command = "true"; inputs.a = { from = "build"; to = "a/b//"; }; inputs.b = { from = "build[cc=gcc]"; to = "b"; };
            inputs.c = { from = "build[libc=musl,cc=gcc]"; to = "c"; }; inputs.d = { from = "lint"; to = "d"; }; };
    whole = { command = "true"; inputs.lint.from = "lint"; };
    some = { command = "true"; needs = [ "build[libc=musl, cc=gcc]" "build[cc=a b=c]" "lint" ]; allowFailure = true; };
  };
  targets.musl.jobs = [ "build[libc=musl]" "lint" ];
}"#;

#[test]
fn a_check_runs_the_same_job_as_pikaci() {
    let config = config::read("pikaci.nix", LEGS).unwrap();
    let expression = "{ alone = builtins.mapAttrs (id: _: file.only id) file.jobs; musl = file.select \"musl\";
                  needs = builtins.mapAttrs (_: job: job.needs) file.jobs;
                  sources = builtins.mapAttrs (_: job: job.sources) file.jobs; }";
    let read: Value = serde_json::from_str(&job_file(LEGS, expression).exits(0).stdout).unwrap();
    let jobs: BTreeMap<_, _> = config.jobs.iter().filter(|(_, job)| job.skip.is_none()).collect();
    assert_eq!(jobs.len(), 5 + 6);
    let ids: Vec<&str> = jobs.keys().map(|id| id.as_str()).collect();
    assert_eq!(read["alone"].as_object().unwrap().keys().collect::<Vec<_>>(), ids);
    for (id, job) in &jobs {
        let mut needs: Vec<&str> = job.needs.iter().map(JobId::as_str).collect();
        needs.sort_unstable();
        assert_eq!(read["needs"][id.as_str()], json!(needs), "{id}");
        let alone = config::read("alone", &config::from_json(&read["alone"][id.as_str()])).unwrap();
        let without_others =
            Job { needs: Vec::new(), inputs: BTreeMap::new(), paths: Vec::new(), group: None, ..(*job).clone() };
        assert_eq!(alone.jobs, BTreeMap::from([((*id).clone(), without_others)]));
        let guest = Guest { packages: Vec::new(), ..config.guests[&job.guest].clone() };
        let inputs = job.inputs.values().flat_map(|input| input.from.iter().map(|from| (from, input.folder(from))));
        let sources = inputs.map(|(job, to)| json!({ "job": job, "to": to })).collect::<Vec<_>>();
        assert_eq!(read["sources"][id.as_str()], json!(sources), "{id}");
        assert_eq!(alone.guests[&job.guest], guest);
    }
    let musl = config.targets["musl"].jobs.iter().filter(|id| jobs.contains_key(id));
    assert_eq!(read["musl"], json!(musl.map(JobId::as_str).collect::<Vec<_>>()));
}

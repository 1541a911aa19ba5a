//! The value of a job file, as Nix reads it for checks and modules, compared with pikaci's own reader.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use pikaci::config::{self, Guest, Job, Section};
use pikaci::id::JobId;
use serde_json::{Value, json};

use crate::support::fixture::nixpkgs;
use crate::support::project::{NIX_CONFIG, Project, Ran, ran};
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

/// Attributes of a job, each with the message that refuses them.
const REFUSED_JOBS: &[(&str, &str)] = &[
    (r#"comand = "true";"#, r#"the job "a b": unknown key `comand`; it may have adjust, allowFailure, "#),
    (r#"description = "x";"#, r#"the job "a b": it has no `command`"#),
    ("command = 1;", r#"the job "a b": `command` must be a string, or a list of strings"#),
    (r#"command = " ";"#, r#"the job "a b": `command` is empty"#),
    ("command = [ ];", r#"the job "a b": `command` is empty"#),
    (r#"command = [ "" ];"#, r#"the job "a b": `command` is empty"#),
    (r#"command = "a\r\nb";"#, "`command` has Windows line endings"),
    (r#"steps = [ { name = "a"; command = "a\r\n"; } ];"#, "`steps[0].command` has Windows line endings"),
    ("steps = [ ];", "`steps` must have 1 to 40 steps"),
    (r#"steps = [ { name = "a"; } ];"#, "`steps[0]` has no `command`"),
    (r#"steps = [ { command = "a"; } ];"#, "`steps[0]` has no `name`"),
    (r#"steps = [ { name = "a"; command = "a"; timeout = 0; } ];"#, "`steps[0].timeout` must be a string such"),
    (
        r#"steps = [ { name = "a"; command = "a"; } { name = "a"; command = "b"; } ];"#,
        "two steps in `steps` have the same name",
    ),
];

/// Attributes of a job that has a command.
const REFUSED_WITH_COMMAND: &[(&str, &str)] = &[
    (r#"steps = [ { name = "a"; command = "b"; } ];"#, "it has a `command` and `steps`"),
    ("services.db = { };", "`services.db` has no `command`"),
    (r#"services.db = { command = "x"; needs = [ "a" ]; };"#, r#"a service of it needs "a", which is no"#),
    (r#"guest = "tols";"#, r#"the job "a b": there is no guest "tols"; there are "default""#),
    (r#"group = "db";"#, r#"the job "a b": there is no group "db""#),
    (r#"needs = [ "god" ];"#, r#"the job "a b": it needs "god", which is no job"#),
    (r#"needs = [ "good[a=b]" ];"#, r#"it needs "good[a=b]", which is no leg of that job"#),
    (r#"needs = [ "good[" ];"#, r#"it needs "good[", which is no job"#),
    (r#"needs = [ "a b" ];"#, r#"jobs wait for each other: "a b" needs "a b""#),
    (r#"network = "out";"#, r#"the job "a b": `network` must be true, false or "host""#),
    (r#"when = "ever";"#, r#"`when` must be "passed" or "failed" or "always""#),
    ("allowFailure = [ 0 ];", "`allowFailure` must be true, false or a list of exit codes from 1"),
    (r#"shell = "zsh";"#, r#"`shell` must be "sh", "bash" or a list of strings"#),
    (r#"workdir = "a/../b";"#, "`workdir` must be a folder of the project"),
    (r#"workdir = "/";"#, "`workdir` must be a folder of the project"),
    (r#"timeout = "nope";"#, r#"`timeout` must be a string such as "30m", or an integer of seconds"#),
    (r#"stall = "8d";"#, r#"`stall` must be a string such as "30m", or an integer of seconds"#),
    ("retries = 11;", "`retries` must be an integer from 0 to 10"),
    ("env.A = 1;", r#"the job "a b": `env.A` must be a string"#),
    (r#"env.A = { default = ""; };"#, "`env.A` has no value"),
    (r#"env."A-B" = "";"#, r#"the variable "A-B" in `env` isn't the name"#),
    (r#"env.PIKACI_JOB = "";"#, r#"the variable "PIKACI_JOB" in `env` is reserved"#),
    (r#"paths = [ "/a" ];"#, r#""/a" in `paths[0]` is absolute"#),
    (r#"paths = [ "a/{.,b}" ];"#, r#""a/{.,b}" in `paths[0]` never matches because of the `.`"#),
    (r#"artifacts = [ "a/.git/x" ];"#, r#""a/.git/x" in `artifacts[0]` never matches"#),
    (r#"artifacts = [ "src\\main" ];"#, "has a backslash before a letter"),
    (r#"paths = [ "a{b" ];"#, r#""a{b" in `paths[0]` isn't a glob: a `{` has no `}`"#),
    (r#"artifacts = [ "[b-a]" ];"#, r#""[b-a]" in `artifacts[0]` isn't a glob: the range `b-a` is empty"#),
    (r#"workdir = "a\nb";"#, "`workdir` must be a folder of the project"),
    (r#"description = "a\nb";"#, "`description` must be a string of one line"),
    ("description = \"a\u{85}b\";", "`description` must be a string of one line"),
    (r#"shell = [ "" ];"#, "`shell` is empty"),
    (r#"services.db.command = "a\r\nb";"#, "`services.db.command` has Windows line endings"),
    (
        r#"services = { a = { command = "a"; needs = [ "b" ]; }; b = { command = "b"; needs = [ "c" ]; };
                        c = { command = "c"; needs = [ "b" ]; }; };"#,
        r#"the job "a b": its service "a" needs itself, by way of others"#,
    ),
    (r#"adjust = [ { "with".a = "b"; } ];"#, "`adjust` is for a job with a matrix"),
    ("matrix = { };", "`matrix` has no axis"),
    ("matrix.a = [ ];", "`matrix.a` has no value"),
    (r#"matrix.a = [ "b" "b" ];"#, "`matrix.a` has a value twice"),
    (r#"matrix.a = [ "b,c" ];"#, "`matrix.a[0]` must be 1 to 100 visible characters"),
    (r#"matrix.a = [ "[" ];"#, "`matrix.a[0]` must be 1 to 100 visible characters"),
    (r#"matrix.a = [ " b" ];"#, "`matrix.a[0]` must be 1 to 100 visible characters"),
    (r#"matrix."a b" = [ "c" ];"#, r#"the variable "a b" in `matrix` isn't the name"#),
    (r#"matrix.a = [ "b" ]; adjust = [ { skip = "c"; } ];"#, "`adjust[0]` has no `with`"),
    (r#"matrix.a = [ "b" ]; adjust = [ { "with".a = "c"; } ];"#, "fits no leg of the matrix"),
    (
        r#"matrix.a = [ "b" ]; adjust = [ { "with".a = "b"; retries = -1; } ];"#,
        r#"the job "a b[a=b]": `retries` must be an integer from 0 to 10"#,
    ),
];

/// Attributes of a job file that has a job `a`.
const REFUSED_FILES: &[(&str, &str)] = &[
    (r#"guests.g.base = "nixs";"#, r#"the guest "g": `base` must be "#),
    ("guests.g.cpus = 1;", r#"the guest "g": unknown key `cpus`"#),
    ("guests.g.vcpu = 0;", r#"the guest "g": `vcpu` must be an integer from 1 to 256"#),
    (r#"guests.g.memory = "1M";"#, r#"the guest "g": `memory` must be a string such as "2G""#),
    (r#"guests.g = { base = "none"; packages = [ ]; };"#, "a guest of base `none` can't have `packages`"),
    (r#"guests.g.devShell = "a";"#, "a guest without a `base` can't have `devShell`"),
    (r#"guests."/g".vcpu = 1;"#, r#"the name "/g" in `guests` starts or ends with `/`"#),
    (r#"guests.g.kernel = "boot/vmlinuz";"#, r#"the guest "g": `kernel` must be an absolute path"#),
    (r#"guests.g.hostFolders = [ "/a/../b" ];"#, "`hostFolders[0]` must be a folder below `/` or `~/`"),
    (r#"guests.g = { base = "nix"; packages = [ "a..b" ]; };"#, "`packages[0]` must be an attribute path in nixpkgs"),
    (r#"guests.g = { base = "nix"; devShell = ""; };"#, "`devShell` must be the name of a dev shell"),
    (r#"guests.g = { base = "nixos"; modules = [ "../a.nix" ]; };"#, "`modules[0]` must be the path of a .nix file"),
    ("jobs.\"a\u{85}\".command = \"x\";", "has a control character"),
    (
        r#"defaults.services.web = { command = "web"; needs = [ "db" ]; }; jobs.a.services.db.command = "d";"#,
        r#"`defaults`: a service of it needs "db", which is no"#,
    ),
    ("groups.g = { };", r#"the group "g": it has no `limit`"#),
    ("groups.g.limit = 0;", r#"the group "g": `limit` must be an integer from 1 to 1000"#),
    (r#"targets.t.jobs = [ "b" ];"#, r#"the target "t": it has "b", which is no job"#),
    ("targets.t.jobs = [ ];", r#"the target "t": it has no jobs"#),
    ("targets.t = { };", r#"the target "t": it has no `jobs`"#),
    (r#"targets.a.jobs = [ "a" ];"#, r#"the target "a": a job has this name too"#),
    (r#"defaults.guest = "g";"#, r#"`defaults`: there is no guest "g""#),
    (r#"defaults.command = "x";"#, "unknown key `defaults.command`"),
    ("job = { };", "the job file: unknown key `job`"),
    (r#"jobs."a[x=1]".command = "x";"#, r#"the name "a[x=1]" in `jobs` has a bracket"#),
    (
        r#"jobs.b = { command = "x"; needs = [ "c" ]; }; jobs.c = { command = "x"; needs = [ "d" ]; };
           jobs.d = { command = "x"; needs = [ "c" ]; };"#,
        r#"jobs wait for each other: "b" needs "c" needs "d" needs "c""#,
    ),
];

#[test]
fn mk_checks_refuses_the_job_files_that_pikaci_refuses() {
    let job = |job: &str| format!(r#"{{ jobs.good.command = "true"; jobs."a b" = {{ {job} }}; }}"#);
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
             jobs.b = { command = "é"; guest = "h"; };
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
      command = "make CC=$cc"; env = { A = "a"; C = { "inherit" = true; default = "c"; }; };
    };
    lint = {
      steps = [ { name = "one"; command = "a"; timeout = "1m"; } { name = "two"; command = "b"; when = "failed"; } ];
      services = { db = { command = "postgres"; ready = [ "pg_isready" ]; env.PGDATA = "x"; timeout = 9; };
                   web = { command = "serve"; needs = [ "db" ]; }; };
      shell = "bash"; workdir = "sub/folder/"; stall = "1h30m"; allowFailure = [ 77 ]; runAsRoot = true;
      artifacts = [ "out/*" ]; description = "Looks at all.";
    };
    all = { command = "true"; needs = [ "build" "build[cc=gcc]" ]; when = "passed"; shell = [ "python3" "-c" ]; };
    gcc = { command = "true"; needs = [ "build[cc=gcc]" ]; };
    some = { command = "true"; needs = [ "build[libc=musl, cc=gcc]" "build[cc=a b=c]" "lint" ]; allowFailure = true; };
  };
  targets.musl.jobs = [ "build[libc=musl]" "lint" ];
}"#;

#[test]
fn a_check_runs_the_same_job_as_pikaci() {
    let config = config::read("pikaci.nix", LEGS).unwrap();
    let expression = "{ alone = builtins.mapAttrs (id: _: file.only id) file.jobs; musl = file.select \"musl\";
                  needs = builtins.mapAttrs (_: job: job.needs) file.jobs; }";
    let read: Value = serde_json::from_str(&job_file(LEGS, expression).exits(0).stdout).unwrap();
    let jobs: BTreeMap<_, _> = config.jobs.iter().filter(|(_, job)| job.skip.is_none()).collect();
    assert_eq!(jobs.len(), 5 + 4);
    let ids: Vec<&str> = jobs.keys().map(|id| id.as_str()).collect();
    assert_eq!(read["alone"].as_object().unwrap().keys().collect::<Vec<_>>(), ids);
    for (id, job) in &jobs {
        let mut needs: Vec<&str> = job.needs.iter().map(JobId::as_str).collect();
        needs.sort_unstable();
        assert_eq!(read["needs"][id.as_str()], json!(needs), "{id}");
        let alone = config::read("alone", &config::from_json(&read["alone"][id.as_str()])).unwrap();
        let without_others = Job { needs: Vec::new(), paths: Vec::new(), group: None, ..(*job).clone() };
        assert_eq!(alone.jobs, BTreeMap::from([((*id).clone(), without_others)]));
        let guest = Guest { packages: Vec::new(), ..config.guests[&job.guest].clone() };
        assert_eq!(alone.guests[&job.guest], guest);
    }
    let musl = config.targets["musl"].jobs.iter().filter(|id| jobs.contains_key(id));
    assert_eq!(read["musl"], json!(musl.map(JobId::as_str).collect::<Vec<_>>()));
}

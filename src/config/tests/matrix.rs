//! Legs of a matrix, and references to them.

use super::{Command, Variable, env, read, read_ok};
use crate::config::Config;
use crate::id::JobId;

const FILE: &str = r#"{
    jobs.build = {
      matrix = { libc = [ "glibc" "musl" ]; cc = [ "gcc" "clang" ]; };
      adjust = [
        { "with" = { cc = "clang"; libc = "musl"; }; skip = "no musl build of clang here"; }
        { "with".libc = "musl"; env.STATIC = "1"; timeout = 60; }
        { "with".cc = "clang"; env.STATIC = "0"; steps = [ { name = "b"; command = "b"; } ]; }
      ];
      command = "make CC=$cc"; env.A = "a";
    };
    jobs.all = { command = "true"; needs = [ "build" ]; };
    jobs.gcc = { command = "true"; needs = [ "build[cc=gcc]" "build[libc=glibc, cc=gcc]" ]; };
    targets.t = { jobs = [ "build[libc=musl]" ]; };
}"#;

fn ids<'a>(ids: impl IntoIterator<Item = &'a JobId>) -> Vec<&'a str> {
    ids.into_iter().map(JobId::as_str).collect()
}

fn needs<'a>(config: &'a Config, job: &str) -> Vec<&'a str> {
    ids(&config.jobs[&JobId::new(job)].needs)
}

#[test]
fn a_matrix_has_a_leg_for_each_combination() {
    let config = read_ok(FILE);
    let legs = [
        "build[cc=clang,libc=glibc]",
        "build[cc=clang,libc=musl]",
        "build[cc=gcc,libc=glibc]",
        "build[cc=gcc,libc=musl]",
    ];
    assert_eq!(ids(config.jobs.keys()), [&["all"][..], &legs, &["gcc"]].concat());
    let leg = |index: usize| &config.jobs[&JobId::new(legs[index])];
    assert_eq!(leg(2).env, env(&[("A", "a"), ("cc", "gcc"), ("libc", "glibc")]));
    assert_eq!(leg(3).env, env(&[("A", "a"), ("STATIC", "1"), ("cc", "gcc"), ("libc", "musl")]));
    assert_eq!((leg(2).timeout_secs, leg(3).timeout_secs), (1800, 60));
    assert_eq!(leg(1).skip.as_deref(), Some("no musl build of clang here"));
    // A later adjustment wins, and its steps replace the command.
    assert_eq!(leg(1).env.get("STATIC"), Some(&Variable::Value("0".to_owned())));
    assert_eq!((leg(0).steps[0].name.as_str(), leg(2).steps[0].name.as_str()), ("b", ""));
    assert_eq!(leg(2).steps[0].command, Command::Script("make CC=$cc".to_owned()));
}

#[test]
fn references_name_all_legs_or_some_and_skipped_legs_are_not_needed() {
    let config = read_ok(FILE);
    let (clang, gcc, musl) = ("build[cc=clang,libc=glibc]", "build[cc=gcc,libc=glibc]", "build[cc=gcc,libc=musl]");
    assert_eq!(needs(&config, "all"), [clang, gcc, musl]);
    assert_eq!(needs(&config, "gcc"), [gcc, musl]);
    assert_eq!(ids(&config.targets["t"].jobs), ["build[cc=clang,libc=musl]", musl]);
}

#[test]
fn an_error_that_all_legs_have_is_reported_once() {
    let text = r#"{ jobs.a = { matrix.x = [ "1" "2" "3" ]; command = 1; timeout = "soon"; }; }"#;
    assert_eq!(read("pikaci.nix", text).unwrap_err().iter().count(), 2);
}

#[test]
fn a_file_has_a_limited_number_of_legs() {
    let axis = |name: &str, count: usize| {
        format!("{name} = [ {} ];", (0..count).map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(" "))
    };
    let file = |count| {
        format!("{{ jobs.a = {{ matrix = {{ {} {} }}; command = \"true\"; }}; }}", axis("x", count), axis("y", 10))
    };
    assert_eq!(read_ok(&file(100)).jobs.len(), 1000);
    let diagnostics = read("pikaci.nix", &file(101)).unwrap_err().to_string();
    assert!(diagnostics.contains("the file has more than 1000 legs"), "{diagnostics}");
}

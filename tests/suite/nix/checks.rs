//! The checks of a project's flake, evaluated.

use crate::support::downstream::{Downstream, JOBS};

#[test]
fn a_job_that_needs_more_than_a_nix_build_is_refused_at_evaluation() {
    for (job, guest, why) in [
        ("", r#"{ base = "host"; }"#, "its guest is of base `host`"),
        ("", "{ }", "its guest is of base `host`"),
        ("network = true;", r#"{ base = "nix"; }"#, "it has `network = true;`"),
        ("network = \"host\";", r#"{ base = "nix"; }"#, "it has `network = \"host\";`"),
        ("cashes.c = \"/c\";", r#"{ base = "nix"; }"#, "the job \"a\": unknown key `cashes`"),
        ("", r#"{ base = "nixos"; }"#, "a guest of base `nixos` needs microvm.nix"),
        ("", r#"{ base = "nix"; packages = [ "no.such" ]; }"#, "nixpkgs has no package \"no.such\""),
    ] {
        let jobs = format!(r#"{{ guests.default = {guest}; jobs.a = {{ command = "true"; {job} }}; }}"#);
        let downstream = Downstream::new(&jobs);
        let refused = downstream.nix("oldest", &["eval", "--raw", "path:.#checks.x86_64-linux.a.drvPath"]).exits(1);
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
    }
}

#[test]
fn both_nix_versions_make_the_same_checks() {
    let downstream = Downstream::new(JOBS);
    assert_eq!(downstream.derivations("oldest"), downstream.derivations("newest"));
}

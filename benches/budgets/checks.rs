//! The evaluation of 1,000 jobs as checks of a flake, in a project of 5,000 files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bench::Bench;
use crate::sample::{Contender, interleave};
use crate::table::{Check, Row};

const FILES: usize = 5_000;
const JOBS: usize = 1_000;
const PATHS: &str = r#"paths = [ "src/**" "tests/*/*.c" "Makefile" ];"#;
/// The checks, on a nixpkgs with only the parts that a guest of base `nix` needs.
const CHECKS: &str = r#"mkChecks:
let
  make = name: derivation { inherit name; system = "x86_64-linux"; builder = "/bin/sh"; };
  checks = import mkChecks {
    src = ./.;
    pikaci = make "pikaci";
    pkgs = {
      stdenv.hostPlatform = { system = "x86_64-linux"; isLinux = true; };
      pkgsStatic.busybox = make "busybox";
      linuxPackages.kernel = make "linux";
      buildEnv = { name, ... }: make name;
    };
  };
in
builtins.mapAttrs (_: check: check.drvPath) checks
"#;

pub fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let jobs = |count: usize| {
        let jobs = (0..count).map(|job| format!("  jobs.j{job} = {{ command = \"true\"; {PATHS} }};\n"));
        format!("{{\n  guests.default.base = \"nix\";\n{}}}\n", jobs.collect::<String>())
    };
    for (name, count) in [("one-check", 1), ("checks", JOBS)] {
        let project = bench.project(name, &jobs(count))?;
        for file in 0..FILES {
            let folder = project.join(["src", "tests", "doc"][file % 3]).join((file % 50).to_string());
            fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
            fs::write(folder.join(format!("{file}.c")), "x\n").context("writing a file")?;
        }
        fs::write(project.join("checks.nix"), CHECKS).context("writing checks.nix")?;
    }
    let make = Path::new(env!("CARGO_MANIFEST_DIR")).join("nix/mk-checks.nix");
    let eval = |name: &str| {
        let file = make.display();
        format!("nix eval --impure --json --expr 'import {}/{name}/checks.nix {file}'", bench.folder().display())
    };
    let contenders = [eval("checks"), eval("one-check")].map(|command| Contender::shell(bench, command));
    Ok(vec![Row {
        name: "checks, 5,000 files, 1,000 jobs",
        figures: interleave(bench, 5, contenders.into())?,
        checks: vec![Check::within(0, Duration::from_secs(4)), Check::only(0, 1)],
    }])
}

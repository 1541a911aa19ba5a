//! Targets of the Makefile: `make install` and `make uninstall`, as a packager calls them, and `make msrv`.

use tempfile::TempDir;

use crate::support::project::{Ran, ran};
use crate::support::stand_in::StandIns;
use crate::support::tools::tool_command;

#[test]
fn make_installs_below_a_prefix_in_a_staging_folder() {
    let folder = TempDir::with_prefix("pikaci-test-").unwrap();
    let make = |target: &str| -> Ran {
        let mut make = tool_command("make");
        make.args([target, "PREFIX=/opt/pikaci", concat!("BINARY=", env!("CARGO_BIN_EXE_pikaci"))]);
        make.arg(format!("DESTDIR={}", folder.path().display())).current_dir(env!("CARGO_MANIFEST_DIR"));
        ran(&mut make).exits(0)
    };
    make("install");
    for file in ["bin/pikaci", "share/man/man1/pikaci-run.1", "share/zsh/site-functions/_pikaci"] {
        assert!(folder.path().join("opt/pikaci").join(file).exists(), "{file}");
    }
    make("uninstall");
    assert_eq!(std::fs::read_dir(folder.path().join("opt/pikaci")).unwrap().count(), 0);
}

const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Returns the command `make ARGS` with a stand-in of cargo, on a machine with a version of Rust.
fn make(args: &[&str], tools: &StandIns, cargo: &str, rust: &str) -> Ran {
    let mut make = tool_command("make");
    make.args(args).arg(format!("CARGO={}", tools.path(cargo).display()));
    make.arg(format!("RUSTC=echo 'rustc {rust} (59807616e 2026-04-14)'; :"));
    // The make that runs the tests would make this one report its folders.
    make.env_remove("MAKELEVEL").env_remove("MAKEFLAGS");
    ran(make.current_dir(env!("CARGO_MANIFEST_DIR")))
}

#[test]
fn make_compiles_with_the_oldest_rust_or_names_the_command_that_installs_it() {
    let cargo = StandIns::new().script("with", "echo \"$*\"").script("without", "exit 1");
    for (rust, toolchain) in [(format!("{OLDEST}.1"), String::new()), ("9.1.0".to_owned(), format!("+{OLDEST} "))] {
        let compiled = make(&["msrv"], &cargo, "with", &rust).exits(0).stdout;
        let command = format!("\n{toolchain}check --locked --all-targets --features failpoints\n");
        assert!(compiled.ends_with(&command), "{compiled}");
    }
    let refused = make(&["msrv"], &cargo, "without", "9.1.0").exits(2).stderr;
    let error = format!("make: Rust {OLDEST} is missing\nhint: rustup toolchain install {OLDEST} --profile minimal\n");
    assert!(refused.starts_with(&error), "{refused}");
}

#[test]
fn every_check_says_whether_it_ran_with_the_oldest_rust() {
    let cargo = StandIns::new().script("cargo", "");
    for (rust, end) in [
        (format!("{OLDEST}.0"), "all passed with the oldest Rust"),
        ("9.1.0".to_owned(), "all passed; `make msrv` checks with the oldest Rust"),
    ] {
        let steps = make(&["--dry-run", "test"], &cargo, "cargo", &rust).exits(0).stdout;
        assert!(steps.ends_with(&format!("'{end}'\n")), "{steps}");
    }
}

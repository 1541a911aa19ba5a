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

#[test]
fn make_compiles_with_the_oldest_rust_or_names_the_command_that_installs_it() {
    let cargo = StandIns::new().script("with", "echo \"$*\"").script("without", "exit 1");
    let make = |program: &str| {
        let mut make = tool_command("make");
        make.arg("msrv").arg(format!("CARGO={}", cargo.path(program).display()));
        // The make that runs the tests would make this one report its folders.
        make.env_remove("MAKELEVEL").env_remove("MAKEFLAGS");
        ran(make.current_dir(env!("CARGO_MANIFEST_DIR")))
    };
    let version = env!("CARGO_PKG_RUST_VERSION");
    let compiled = make("with").exits(0).stdout;
    assert!(
        compiled.ends_with(&format!("\n+{version} check --locked --all-targets --features failpoints\n")),
        "{compiled}"
    );
    let refused = make("without").exits(2).stderr;
    let error =
        format!("make: Rust {version} is missing\nhint: rustup toolchain install {version} --profile minimal\n");
    assert!(refused.starts_with(&error), "{refused}");
}

//! `make install` and `make uninstall`, as a packager calls them.

use tempfile::TempDir;

use crate::support::project::{Ran, ran};
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

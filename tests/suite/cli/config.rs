//! Errors of job files, compared with the recorded texts.

use pikaci::config;

use crate::support::job_files::{assert_are_complete, fixtures, folder};

/// The expected texts are in `errors/snapshots/*.snap`; `cargo insta review` or `INSTA_UPDATE=always` updates them.
#[test]
fn diagnostics_match_the_snapshots() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder("errors/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _guard = settings.bind_to_scope();
    for (file, text) in fixtures("errors") {
        match config::read("pikaci.nix", &text) {
            Ok(config) => panic!("{file}: {config:?}"),
            Err(diagnostics) => {
                assert_are_complete("pikaci.nix", &diagnostics);
                insta::assert_snapshot!(file.trim_end_matches(".nix"), diagnostics.to_string());
            }
        }
    }
}

//! Findings about Nix that runs report as well as `pikaci doctor`.

use std::path::Path;

use super::{Finding, NAMESPACES, NIX, NixVersion, StoreAccess};

/// Topic of findings about builders.
pub const BUILDER_TOPIC: &str = "builder";
/// Topic of findings about the Nix store.
pub const STORE_TOPIC: &str = "store";

/// Returns a problem if a version of Nix is older than the oldest one that pikaci works with.
#[must_use]
pub fn outdated_nix(program: &Path, version: NixVersion) -> Option<Finding> {
    let NixVersion { implementation, number } = version;
    let oldest = NixVersion { implementation, number: implementation.oldest() };
    if number >= oldest.number {
        return None;
    }
    let message = format!("{} is {version}, which is too old", program.display());
    let remedy = format!("put {oldest} or newer first in PATH, see {}", implementation.download());
    Some(Finding::problem(NIX.name, message, remedy))
}

/// Returns a warning if the Nix daemon ignores this user's `--builders`.
#[must_use]
pub fn ignored_builders(store: &StoreAccess) -> Option<Finding> {
    let message = "--builders has no effect: the Nix daemon doesn't trust this user";
    let remedy = "name the machines in `builders` of /etc/nix/nix.conf, or this user in `trusted-users` there";
    let is_untrusted = matches!(store, StoreAccess::Opens { trusts: false, .. });
    is_untrusted.then(|| Finding::warning(BUILDER_TOPIC, message, remedy))
}

/// Returns a problem if the output of Nix has an error line about missing permissions on the store.
#[must_use]
pub fn store_denied(output: &str) -> Option<Finding> {
    let mut errors = output.lines().map(str::trim_start).filter(|line| line.starts_with("error:"));
    let line = errors
        .find(|line| line.contains("Permission denied") && (line.contains("/big-lock") || line.contains("'/nix/")))?;
    let remedy = "start the Nix daemon, or be root; on Linux pikaci can use a store of yours: NIX_REMOTE= pikaci run";
    Some(Finding::problem(STORE_TOPIC, format!("nix may not change its store: {line}"), remedy))
}

/// Returns a problem if the output of a build has an error line of bubblewrap, which then couldn't confine Nix.
#[must_use]
pub fn nix_unconfined(output: &str) -> Option<Finding> {
    let line = output.lines().find(|line| line.starts_with("bwrap: "))?;
    let remedy = format!("{NAMESPACES}; or, if you trust this project's flake: --jail=none");
    Some(Finding::problem("bwrap", format!("nix can't be confined: {line}"), remedy))
}

#[cfg(test)]
mod tests {
    use super::{NixVersion, outdated_nix, store_denied};

    #[test]
    fn a_denied_store_is_no_failed_build() {
        let line = r#"error: opening lock file "/nix/var/nix/db/big-lock": Permission denied"#;
        let finding = store_denied(&format!("$ nix build\nwarning: x\n       {line}\n")).unwrap();
        assert_eq!(finding.message, format!("nix may not change its store: {line}"));
        assert_eq!(
            store_denied("runner> mkdir: '/nix/x': Permission denied\nerror: build of '/nix/x.drv' failed\n"),
            None
        );
    }

    #[test]
    fn each_implementation_has_its_own_oldest_version() {
        for (output, oldest) in [
            ("nix (Nix) 2.8.0", Some("Nix 2.26")),
            ("nix (Nix) 2.25.3", Some("Nix 2.26")),
            ("nix (Nix) 2.26.0", None),
            ("nix (Nix) 3.0.0", None),
            ("nix (Lix, like Nix) 2.90.0", Some("Lix 2.91")),
            ("nix (Lix, like Nix) 2.91.0", None),
            ("nix (Determinate Nix 2.9.0) 2.30.0", Some("Determinate Nix 3.0")),
            ("nix (Determinate Nix 3.0.0) 2.26.1", None),
        ] {
            let version = NixVersion::parse(output).unwrap();
            let finding = outdated_nix("/bin/nix".as_ref(), version);
            assert_eq!(finding.is_some(), oldest.is_some(), "{output}");
            if let Some((finding, oldest)) = finding.zip(oldest) {
                assert_eq!(finding.message, format!("/bin/nix is {version}, which is too old"));
                assert!(finding.remedy.unwrap().starts_with(&format!("put {oldest} or newer first in PATH, see ")));
            }
        }
    }
}

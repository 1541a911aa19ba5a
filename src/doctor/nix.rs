//! Nix: whether it is there, new enough, and may build guests.

use std::path::{Path, PathBuf};

use super::Finding;
use super::builder::{self, Settings};
use super::program::{NAMESPACES, program};
use super::version::{Implementation, NixVersion};
use crate::plan::facts::HostFacts;
use crate::plan::hypervisor::NIX;

/// The remedy where the store is on another machine, or where pikaci can't find it.
pub const ELSEWHERE: &str = "use a store of this machine: unset NIX_REMOTE, and `store` in nix.conf";
const STORE: &str = "store";

/// The Nix of this machine.
#[derive(Clone, Debug)]
pub struct SeenNix {
    /// The program.
    pub program: PathBuf,
    /// Its version, or why it isn't known.
    pub version: Result<NixVersion, String>,
    /// What it was asked, if it is new enough to answer.
    pub asked: Option<Asked>,
}

/// What Nix was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What it says where a flake is wanted without pikaci's own switches, if it says anything.
    pub flakes: Option<String>,
    /// Its settings, or why they aren't known.
    pub settings: Result<Settings, String>,
    /// The store.
    pub store: Store,
}

/// How a store can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// It opens.
    Opens {
        /// Its address.
        address: String,
        /// False if a daemon has it that ignores what this user says of builders.
        trusts: bool,
    },
    /// It doesn't open; what Nix says.
    Closed(String),
    /// It opens, in this folder of the user.
    Own(PathBuf),
    /// It is in another folder, or on another machine.
    Elsewhere(String),
}

/// Refuses a Nix that is too old.
#[must_use]
pub fn too_old(program: &Path, version: NixVersion) -> Option<Finding> {
    let NixVersion { implementation, number } = version;
    let oldest = NixVersion { implementation, number: implementation.oldest() };
    if number >= oldest.number {
        return None;
    }
    let what = format!("{} is {version}, which is too old", program.display());
    let remedy = format!("put {oldest} or newer first in PATH, see {}", implementation.download());
    Some(Finding::problem(NIX.name, what, remedy))
}

/// Returns that `--builders` of this user has no effect, if the store says so.
#[must_use]
pub fn ignored_builders(store: &Store) -> Option<Finding> {
    let what = "--builders has no effect: the Nix daemon doesn't trust this user";
    let remedy = "name the machines in `builders` of /etc/nix/nix.conf, or this user in `trusted-users` there";
    matches!(store, Store::Opens { trusts: false, .. }).then(|| Finding::warning(builder::TOPIC, what, remedy))
}

/// Finds the line by which Nix says that this user may not change the store.
#[must_use]
pub fn denied(said: &str) -> Option<Finding> {
    let mut lines = said.lines().map(str::trim_start).filter(|line| line.starts_with("error:"));
    let line = lines
        .find(|line| line.contains("Permission denied") && (line.contains("/big-lock") || line.contains("'/nix/")))?;
    let remedy = "start the Nix daemon, or be root; on Linux pikaci can use a store of yours: NIX_REMOTE= pikaci run";
    Some(Finding::problem(STORE, format!("nix may not change its store: {line}"), remedy))
}

/// Returns the line by which bubblewrap says that it can't confine Nix.
#[must_use]
pub fn unconfined(said: &str) -> Option<Finding> {
    let line = said.lines().find(|line| line.starts_with("bwrap: "))?;
    let remedy = format!("{NAMESPACES}; or, if you trust what this project's flake does: --jail=none");
    Some(Finding::problem("bwrap", format!("nix can't be confined: {line}"), remedy))
}

/// Judges the Nix of a machine.
pub fn findings(nix: Option<&SeenNix>, facts: &HostFacts, has_builders: bool) -> Vec<Finding> {
    let Some(SeenNix { program: path, version, asked }) = nix else {
        return vec![program(&NIX, facts.arch(), None)];
    };
    let version = match version {
        Ok(version) => *version,
        Err(error) => {
            return vec![Finding::problem(NIX.name, error, format!("see {}", Implementation::Nix.download()))];
        }
    };
    if let Some(finding) = too_old(path, version) {
        return vec![finding];
    }
    let mut findings = vec![Finding::ok(NIX.name, format!("{version} ({})", path.display()))];
    if let Some(Asked { flakes: said, settings, store: found }) = asked {
        let unknown = |error: &String| {
            Finding::warning(builder::TOPIC, error, format!("see what it says: {} config show", path.display()))
        };
        findings.extend(said.as_deref().map(flakes));
        findings.push(settings.as_ref().map_or_else(unknown, |settings| builder::builder(settings, facts)));
        findings.extend(ignored_builders(found).filter(|_| has_builders));
        findings.push(store(found));
    }
    findings
}

fn flakes(said: &str) -> Finding {
    let topic = "flakes";
    if ["nix-command", "flakes"].iter().all(|feature| !said.contains(&format!("'{feature}' is disabled"))) {
        return Finding::ok(topic, "on");
    }
    let what = "off; pikaci turns them on for what it builds itself";
    Finding::warning(topic, what, "for your own use, in nix.conf: experimental-features = nix-command flakes")
}

fn store(found: &Store) -> Finding {
    match found {
        Store::Opens { trusts: false, .. } => {
            Finding::ok(STORE, "the Nix daemon answers, and ignores --builders of this user")
        }
        Store::Opens { address, .. } if address == "daemon" || address.starts_with("unix://") => {
            Finding::ok(STORE, "the Nix daemon answers")
        }
        Store::Opens { .. } => Finding::ok(STORE, "this user may change it"),
        Store::Closed(said) => denied(said).unwrap_or_else(|| {
            let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says nothing");
            Finding::problem(STORE, format!("nix can't open its store: {line}"), "see that the Nix daemon runs")
        }),
        Store::Own(root) => Finding::ok(STORE, format!("it is a store of this user, in {}", root.display())),
        Store::Elsewhere(address) => Finding::problem(STORE, format!("it is at {address}"), ELSEWHERE),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Level, nix_version};
    use super::{Finding, Store, denied, flakes, store, too_old};

    #[test]
    fn a_store_that_may_not_be_changed_is_told_from_a_build_that_failed() {
        let line = r#"error: opening lock file "/nix/var/nix/db/big-lock": Permission denied"#;
        let said = denied(&format!("$ nix build\nwarning: x\n       {line}\n")).unwrap();
        assert_eq!(said.what, format!("nix may not change its store: {line}"));
        assert_eq!(denied("runner> mkdir: '/nix/x': Permission denied\nerror: build of '/nix/x.drv' failed\n"), None);
    }

    #[test]
    fn each_implementation_is_judged_by_its_own_numbers() {
        for (said, oldest) in [
            ("nix (Nix) 2.8.0", Some("Nix 2.26")),
            ("nix (Nix) 2.25.3", Some("Nix 2.26")),
            ("nix (Nix) 2.26.0", None),
            ("nix (Nix) 3.0.0", None),
            ("nix (Lix, like Nix) 2.90.0", Some("Lix 2.91")),
            ("nix (Lix, like Nix) 2.91.0", None),
            ("nix (Determinate Nix 2.9.0) 2.30.0", Some("Determinate Nix 3.0")),
            ("nix (Determinate Nix 3.0.0) 2.26.1", None),
        ] {
            let version = nix_version(said).unwrap();
            let finding = too_old("/bin/nix".as_ref(), version);
            assert_eq!(finding.is_some(), oldest.is_some(), "{said}");
            if let Some((finding, oldest)) = finding.zip(oldest) {
                assert_eq!(finding.what, format!("/bin/nix is {version}, which is too old"));
                assert!(finding.remedy.unwrap().starts_with(&format!("put {oldest} or newer first in PATH, see ")));
            }
        }
    }

    #[test]
    fn flakes_are_on_where_nix_says_anything_else_than_that_they_are_off() {
        let off = |feature: &str| format!("error: experimental Nix feature '{feature}' is disabled; add …");
        for said in [off("flakes"), off("nix-command")] {
            assert_eq!(flakes(&said).level, Level::Warning, "{said}");
        }
        assert_eq!(flakes("error: operation 'addToStore' is not supported").level, Level::Ok);
    }

    #[test]
    fn a_store_is_the_daemon_s_or_this_user_s_or_of_no_use() {
        let judged = |found| {
            let Finding { level, what, remedy, .. } = store(&found);
            (level, what, remedy.unwrap_or_default())
        };
        let fine = |address: &str| judged(Store::Opens { address: address.to_owned(), trusts: true }).1;
        assert_eq!(fine("daemon"), "the Nix daemon answers");
        assert_eq!(fine("unix:///run/socket"), "the Nix daemon answers");
        assert_eq!(fine("local"), "this user may change it");
        let silent =
            "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file or directory\n";
        let (level, what, remedy) = judged(Store::Closed(silent.to_owned()));
        assert_eq!((level, what), (Level::Problem, format!("nix can't open its store: {}", silent.trim())));
        assert_eq!(remedy, "see that the Nix daemon runs");
        let denied = "error:\n       … may be\n\n       error: opening lock file \"/nix/var/nix/db/big-lock\": Permission denied";
        let (level, what, remedy) = judged(Store::Closed(denied.to_owned()));
        assert!(level == Level::Problem && what.starts_with("nix may not change its store: error: opening"), "{what}");
        assert!(remedy.starts_with("start the Nix daemon"), "{remedy}");
        assert_eq!(judged(Store::Own("/home/me".into())).0, Level::Ok);
        assert_eq!(judged(Store::Elsewhere("ssh://a".to_owned())).0, Level::Problem);
    }
}

//! Checks of the installed Nix.

use std::path::PathBuf;

use super::installed_program::check_program;
use super::nix_settings::{NixSettings, check_builder};
use crate::facts::HostFacts;
use crate::tools::{
    BUILDER_TOPIC, Finding, Implementation, NIX, NixVersion, STORE_ELSEWHERE, STORE_TOPIC, StoreAccess,
    ignored_builders, outdated_nix, store_denied,
};

/// Nix on this machine.
#[derive(Clone, Debug)]
pub struct InstalledNix {
    /// Path of the program.
    pub program: PathBuf,
    /// Version, or the error of the query.
    pub version: Result<NixVersion, String>,
    /// Answers to further queries, if Nix is new enough for them.
    pub answers: Option<NixAnswers>,
}

/// Answers of Nix to queries.
#[derive(Clone, Debug)]
pub struct NixAnswers {
    /// Output for a query about a flake without pikaci's own switches, if Nix could be started.
    pub flakes: Option<String>,
    /// Settings, or the error of the query.
    pub settings: Result<NixSettings, String>,
    /// Access to the store.
    pub store: StoreAccess,
}

/// Returns findings about Nix; the later checks depend on the earlier ones.
pub fn check_nix(nix: Option<&InstalledNix>, facts: &HostFacts, has_builders: bool) -> Vec<Finding> {
    let Some(InstalledNix { program, version, answers }) = nix else {
        return vec![check_program(&NIX, facts.arch(), None)];
    };
    let version = match version {
        Ok(version) => *version,
        Err(error) => {
            return vec![Finding::problem(NIX.name, error, format!("see {}", Implementation::Nix.download()))];
        }
    };
    if let Some(finding) = outdated_nix(program, version) {
        return vec![finding];
    }
    let mut findings = vec![Finding::ok(NIX.name, format!("{version} ({})", program.display()))];
    if let Some(NixAnswers { flakes, settings, store }) = answers {
        let unreadable =
            |error: &String| Finding::warning(BUILDER_TOPIC, error, format!("run: {} config show", program.display()));
        findings.extend(flakes.as_deref().map(check_flakes));
        findings.push(settings.as_ref().map_or_else(unreadable, |settings| check_builder(settings, facts)));
        findings.extend(ignored_builders(store).filter(|_| has_builders));
        findings.push(check_store(store));
    }
    findings
}

fn check_flakes(output: &str) -> Finding {
    let topic = "flakes";
    if ["nix-command", "flakes"].iter().all(|feature| !output.contains(&format!("'{feature}' is disabled"))) {
        return Finding::ok(topic, "on");
    }
    let message = "off; pikaci turns them on for what it builds itself";
    Finding::warning(topic, message, "for your own use, in nix.conf: experimental-features = nix-command flakes")
}

fn check_store(store: &StoreAccess) -> Finding {
    match store {
        StoreAccess::Opens { trusts: false, .. } => {
            Finding::ok(STORE_TOPIC, "the Nix daemon answers, and ignores --builders of this user")
        }
        StoreAccess::Opens { address, .. } if address == "daemon" || address.starts_with("unix://") => {
            Finding::ok(STORE_TOPIC, "the Nix daemon answers")
        }
        StoreAccess::Opens { .. } => Finding::ok(STORE_TOPIC, "this user may change it"),
        StoreAccess::Closed(output) => store_denied(output).unwrap_or_else(|| {
            let line = output.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no message");
            let remedy = "check that the Nix daemon is running";
            Finding::problem(STORE_TOPIC, format!("nix can't open its store: {line}"), remedy)
        }),
        StoreAccess::Own(root) => {
            Finding::ok(STORE_TOPIC, format!("it is a store of this user, in {}", root.display()))
        }
        StoreAccess::Elsewhere(address) => {
            Finding::problem(STORE_TOPIC, format!("it is at {address}"), STORE_ELSEWHERE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check_flakes, check_store};
    use crate::tools::{Finding, Level, StoreAccess};

    #[test]
    fn flakes_are_on_unless_nix_reports_them_disabled() {
        let off = |feature: &str| format!("error: experimental Nix feature '{feature}' is disabled; add …");
        for output in [off("flakes"), off("nix-command")] {
            assert_eq!(check_flakes(&output).level, Level::Warning, "{output}");
        }
        assert_eq!(check_flakes("error: operation 'addToStore' is not supported").level, Level::Ok);
    }

    #[test]
    fn an_unusable_store_is_a_problem() {
        let check = |store| {
            let Finding { level, message, remedy, .. } = check_store(&store);
            (level, message, remedy.unwrap_or_default())
        };
        let fine = |address: &str| check(StoreAccess::Opens { address: address.to_owned(), trusts: true }).1;
        assert_eq!(fine("daemon"), "the Nix daemon answers");
        assert_eq!(fine("unix:///run/socket"), "the Nix daemon answers");
        assert_eq!(fine("local"), "this user may change it");
        let silent =
            "error: cannot connect to socket at '/nix/var/nix/daemon-socket/socket': No such file or directory\n";
        let (level, message, remedy) = check(StoreAccess::Closed(silent.to_owned()));
        assert_eq!((level, message), (Level::Problem, format!("nix can't open its store: {}", silent.trim())));
        assert_eq!(remedy, "check that the Nix daemon is running");
        let denied = "error:\n       … may be\n\n       error: opening lock file \"/nix/var/nix/db/big-lock\": Permission denied";
        let (level, message, remedy) = check(StoreAccess::Closed(denied.to_owned()));
        assert!(
            level == Level::Problem && message.starts_with("nix may not change its store: error: opening"),
            "{message}"
        );
        assert!(remedy.starts_with("start the Nix daemon"), "{remedy}");
        assert_eq!(check(StoreAccess::Own("/home/me".into())).0, Level::Ok);
        assert_eq!(check(StoreAccess::Elsewhere("ssh://a".to_owned())).0, Level::Problem);
    }
}

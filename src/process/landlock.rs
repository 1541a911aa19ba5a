//! Landlock, which limits a process to some files of this host.

use anyhow::{Context as _, Result, bail};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};

use super::LandlockRules;

/// Version of the requested rules; an older kernel enforces those that it supports.
const VERSION: ABI = ABI::V6;

/// Returns whether this kernel has Landlock.
#[must_use]
pub fn has_landlock() -> bool {
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

/// Confines this thread and every process that it starts later.
pub fn confine_thread(allowed: &LandlockRules) -> Result<()> {
    let mut rules =
        Ruleset::default().handle_access(AccessFs::from_all(VERSION)).context("making rules of Landlock")?;
    if !allowed.network {
        rules = rules.handle_access(AccessNet::from_all(VERSION)).context("making rules of Landlock")?;
    }
    let status = rules
        .scope(Scope::from_all(VERSION))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(&allowed.read, AccessFs::from_read(VERSION))))
        .and_then(|rules| {
            let access = AccessFs::from_file(VERSION) & !AccessFs::Execute;
            rules.add_rules(path_beneath_rules(&allowed.write, access))
        })
        .and_then(RulesetCreated::restrict_self)
        .context("setting rules of Landlock")?;
    if status.ruleset == RulesetStatus::NotEnforced {
        bail!("this kernel has no Landlock");
    }
    Ok(())
}

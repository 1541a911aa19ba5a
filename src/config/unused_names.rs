//! Names that a job file defines and nothing uses.

use std::collections::BTreeSet;

use super::config::Config;
use super::guest::DEFAULT_GUEST;
use super::nearest::nearest;

/// Returns a message for each guest, group, cache and secret that no job uses. A file without jobs has no messages.
#[must_use]
pub fn unused_names(config: &Config) -> Vec<String> {
    let jobs = || config.jobs.values();
    if config.jobs.is_empty() {
        return Vec::new();
    }
    let mut guests: BTreeSet<&str> = jobs().map(|job| job.guest.as_str()).collect();
    guests.insert(DEFAULT_GUEST);
    let groups: BTreeSet<&str> = jobs().filter_map(|job| job.group.as_deref()).collect();
    let secrets: BTreeSet<&str> = jobs().flat_map(|job| &job.secrets).map(String::as_str).collect();
    let of_guests = config.guests.keys().filter_map(|name| message("guest", name, &guests));
    let of_groups = config.groups.keys().filter_map(|name| message("group", name, &groups));
    let caches: BTreeSet<&str> = jobs().flat_map(|job| &job.caches).map(String::as_str).collect();
    let of_caches = config.caches.keys().filter_map(|name| message("cache", name, &caches));
    let of_secrets = config.secrets.keys().filter_map(|name| message("secret", name, &secrets));
    of_guests.chain(of_groups).chain(of_caches).chain(of_secrets).collect()
}

fn message(kind: &str, name: &str, used: &BTreeSet<&str>) -> Option<String> {
    let remedy = || match nearest(name, used.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if kind == "cache" => format!("write `caches = [ \"{name}\" ];` in a job, or remove it"),
        None if kind == "secret" => format!("write `secrets = [ \"{name}\" ];` in a job, or remove it"),
        None => format!("write `{kind} = \"{name}\";` in a job, or remove it"),
    };
    (!used.contains(name)).then(|| format!("nothing uses {kind} `{name}`; {}", remedy()))
}

#[cfg(test)]
mod tests {
    use super::unused_names;
    use crate::config::read;

    #[test]
    fn a_misspelt_guest_or_group_is_reported() {
        let unused = |text: &str| unused_names(&read("pikaci.nix", text).unwrap());
        let text = r#"{
            guests.defualt.vcpu = 2;
            guests.big.vcpu = 4;
            guests.spare.vcpu = 4;
            groups.db.limit = 1;
            groups.bd.limit = 1;
            groups.gpu.limit = 1;
            caches.target.path = "target";
            secrets.TOKEN.env = "TOKEN";
            jobs.a = { command = "true"; guest = "big"; group = "db"; };
            jobs.b.command = "true";
        }"#;
        assert_eq!(
            unused(text),
            [
                "nothing uses guest `defualt`; did you mean `default`?",
                "nothing uses guest `spare`; write `guest = \"spare\";` in a job, or remove it",
                "nothing uses group `bd`; write `group = \"bd\";` in a job, or remove it",
                "nothing uses group `gpu`; write `group = \"gpu\";` in a job, or remove it",
                "nothing uses cache `target`; write `caches = [ \"target\" ];` in a job, or remove it",
                "nothing uses secret `TOKEN`; write `secrets = [ \"TOKEN\" ];` in a job, or remove it",
            ]
        );
        assert!(unused("{ guests.default.vcpu = 2; guests.a.vcpu = 1; }").is_empty());
        let used = r#"{ guests.default.vcpu = 2; guests.a.vcpu = 1; defaults.guest = "a"; jobs.b.command = "true"; }"#;
        assert!(unused(used).is_empty());
    }
}

//! Settings of Nix about builds and the store.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::facts::HostFacts;
use crate::tools::{BUILDER_TOPIC, Finding};

/// Settings of Nix about builds and the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NixSettings {
    /// Systems that this machine builds for; empty if `max-jobs` is 0.
    own: Vec<String>,
    /// Other builders, each with the systems that it builds for.
    others: Vec<(String, Vec<String>)>,
    /// Address of the store.
    store: String,
}

impl NixSettings {
    /// Parses the output of `nix config show --json`; `read` returns the text of a file that the settings name.
    ///
    /// # Errors
    /// When the text isn't JSON.
    pub fn parse(json: &str, read: &dyn Fn(&Path) -> Option<String>) -> Result<Self> {
        let json: Value = serde_json::from_str(json).context("decoding what `nix config show --json` prints")?;
        let value = |name: &str| &json[name]["value"];
        let text = |name: &str| value(name).as_str().unwrap_or_default();
        let system = text("system");
        let mut own = strings(value("extra-platforms"));
        own.push(system.to_owned());
        if value("max-jobs").as_u64() == Some(0) {
            own.clear();
        }
        let mut others = Vec::new();
        for external in value("external-builders").as_array().into_iter().flatten() {
            let program = external["program"].as_str().unwrap_or_default();
            others.push((program.to_owned(), strings(&external["systems"])));
        }
        for machine in machines(text("builders"), read) {
            let mut fields = machine.split_whitespace();
            let Some(name) = fields.next() else { continue };
            let systems = fields.next().filter(|systems| *systems != "-").unwrap_or(system);
            others.push((name.to_owned(), systems.split(',').map(str::to_owned).collect()));
        }
        Ok(Self { own, others, store: text("store").to_owned() })
    }

    /// Returns the address of the store, unless it is the store of this machine in /nix.
    #[must_use]
    pub fn store_elsewhere(&self) -> Option<&str> {
        let is_here = ["", "auto", "daemon", "local", "local://"].contains(&self.store.as_str());
        (!is_here && !self.store.starts_with("unix://")).then_some(&self.store)
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Returns the entries of a list of machines, with the lines of the files that the list names as `@FILE`. A missing
/// file adds nothing.
fn machines(list: &str, read: &dyn Fn(&Path) -> Option<String>) -> Vec<String> {
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    let entries = lines.flat_map(|line| line.split(';')).map(str::trim);
    entries.fold(Vec::new(), |mut machines, entry| {
        match entry.strip_prefix('@') {
            Some(file) => {
                let text = read(Path::new(file.trim())).unwrap_or_default();
                // Files don't nest.
                machines
                    .extend(text.lines().map(str::to_owned).filter(|line| !line.trim_start().starts_with(['#', '@'])));
            }
            None => machines.push(entry.to_owned()),
        }
        machines
    })
}

/// Returns a finding about the builder of this machine's guests.
pub fn check_builder(settings: &NixSettings, facts: &HostFacts) -> Finding {
    let system = facts.guest_system();
    if settings.own.contains(&system) {
        return Finding::ok(BUILDER_TOPIC, format!("this machine builds guests of {system}"));
    }
    if let Some((name, _)) = settings.others.iter().find(|(_, systems)| systems.contains(&system)) {
        return Finding::ok(BUILDER_TOPIC, format!("{name} builds guests of {system}"));
    }
    let message = format!("Nix has no builder for {system}, the system of the guests");
    let remedy = if facts.system.ends_with("-darwin") {
        linux_builder(&system)
    } else if settings.own.is_empty() {
        "let this machine build, in /etc/nix/nix.conf: max-jobs = auto".to_owned()
    } else {
        format!("name one in /etc/nix/nix.conf: builders = ssh-ng://HOST {system}")
    };
    Finding::problem(BUILDER_TOPIC, message, remedy)
}

/// Returns the instructions for a Linux builder on a Mac (Nixpkgs manual, "darwin.linux-builder").
fn linux_builder(system: &str) -> String {
    // Every such builder has this public key; that is safe because the builder listens on this machine alone.
    const KEY: &str = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUpCV2N4Yi9CbGFxdDFhdU90RStGOFFVV3JVb3RpQzVxQkor\
                       VXVFV2RWQ2Igcm9vdEBuaXhvcwo=";
    format!(
        "with nix-darwin, add to its configuration: nix.linux-builder.enable = true;
without, add to /etc/nix/nix.conf:
  builders = ssh-ng://builder@linux-builder {system} /etc/nix/builder_ed25519 4 - - - {KEY}
  builders-use-substitutes = true
  extra-trusted-users = YOU
and to /etc/ssh/ssh_config.d/100-linux-builder.conf:
  Host linux-builder
    Hostname localhost
    HostKeyAlias linux-builder
    Port 31022
then: sudo launchctl kickstart -k system/org.nixos.nix-daemon
and keep the builder running: nix run nixpkgs#darwin.linux-builder"
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::super::fixture::facts;
    use super::{NixSettings, check_builder};
    use crate::tools::{Finding, Level};

    /// Returns the settings of Nix on a machine of a system, with these builders.
    fn settings(system: &str, builders: &str) -> NixSettings {
        parse(&json!({ "system": { "value": system }, "builders": { "value": builders }, "max-jobs": { "value": 4 } }))
    }

    fn parse(json: &serde_json::Value) -> NixSettings {
        let file = "# comment\nssh://one x86_64-darwin - 4\n\nssh-ng://builder@linux-builder  aarch64-linux,i686-linux /key 4\n";
        let read = |path: &Path| (path == Path::new("/etc/nix/machines")).then(|| file.to_owned());
        NixSettings::parse(&json.to_string(), &read).unwrap()
    }

    fn check(settings: &NixSettings, system: &str) -> Finding {
        check_builder(settings, &facts(system))
    }

    #[test]
    fn a_linux_host_builds_its_own_guests() {
        let own = check(&settings("x86_64-linux", "@/etc/nix/machines"), "x86_64-linux");
        assert_eq!((own.level, own.message.as_str()), (Level::Ok, "this machine builds guests of x86_64-linux"));
        let none = parse(&json!({ "system": { "value": "x86_64-linux" }, "max-jobs": { "value": 0 } }));
        let none = check(&none, "x86_64-linux");
        assert_eq!(
            (none.level, none.message.as_str()),
            (Level::Problem, "Nix has no builder for x86_64-linux, the system of the guests")
        );
        assert_eq!(none.remedy.unwrap(), "let this machine build, in /etc/nix/nix.conf: max-jobs = auto");
        let other = check(&settings("i686-linux", "ssh://a - ; ssh://b aarch64-linux"), "x86_64-linux");
        assert_eq!(other.remedy.unwrap(), "name one in /etc/nix/nix.conf: builders = ssh-ng://HOST x86_64-linux");
    }

    #[test]
    fn a_mac_needs_a_builder_for_linux() {
        let mac = |builders: &str| check(&settings("aarch64-darwin", builders), "aarch64-darwin");
        for (builders, name) in [
            ("@/etc/nix/machines", "ssh-ng://builder@linux-builder"),
            ("ssh://other x86_64-linux ; ssh://both x86_64-linux,aarch64-linux - 1", "ssh://both"),
            ("ssh://other # aarch64-linux\n  @ /etc/nix/machines", "ssh-ng://builder@linux-builder"),
        ] {
            let finding = mac(builders);
            assert_eq!((finding.level, finding.message), (Level::Ok, format!("{name} builds guests of aarch64-linux")));
        }
        for builders in
            ["", "@/no/such/file", "ssh://other x86_64-linux", "ssh://mac - - 4", "ssh://other # aarch64-linux"]
        {
            let missing = mac(builders);
            assert_eq!(missing.level, Level::Problem, "{builders}");
            assert_eq!(missing.message, "Nix has no builder for aarch64-linux, the system of the guests");
        }
    }

    #[test]
    fn a_mac_without_a_builder_gets_the_lines_to_add() {
        let remedy = check(&settings("aarch64-darwin", ""), "aarch64-darwin").remedy.unwrap();
        insta::assert_snapshot!(remedy, @"
        with nix-darwin, add to its configuration: nix.linux-builder.enable = true;
        without, add to /etc/nix/nix.conf:
          builders = ssh-ng://builder@linux-builder aarch64-linux /etc/nix/builder_ed25519 4 - - - c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUpCV2N4Yi9CbGFxdDFhdU90RStGOFFVV3JVb3RpQzVxQkorVXVFV2RWQ2Igcm9vdEBuaXhvcwo=
          builders-use-substitutes = true
          extra-trusted-users = YOU
        and to /etc/ssh/ssh_config.d/100-linux-builder.conf:
          Host linux-builder
            Hostname localhost
            HostKeyAlias linux-builder
            Port 31022
        then: sudo launchctl kickstart -k system/org.nixos.nix-daemon
        and keep the builder running: nix run nixpkgs#darwin.linux-builder
        ");
    }

    #[test]
    fn extra_platforms_and_external_builders_count() {
        let rosetta =
            json!({ "system": { "value": "x86_64-darwin" }, "extra-platforms": { "value": ["x86_64-linux"] } });
        assert_eq!(check(&parse(&rosetta), "x86_64-darwin").level, Level::Ok);
        let external = json!([{ "systems": ["aarch64-linux"], "program": "/bin/nixd", "args": ["builder"] }]);
        let external =
            parse(&json!({ "system": { "value": "aarch64-darwin" }, "external-builders": { "value": external } }));
        assert_eq!(check(&external, "aarch64-darwin").message, "/bin/nixd builds guests of aarch64-linux");
    }

    #[test]
    fn a_store_outside_of_nix_is_elsewhere() {
        for (address, elsewhere) in [
            ("auto", false),
            ("daemon", false),
            ("unix:///nix/var/nix/daemon-socket/socket", false),
            ("local", false),
            ("local?root=/tmp/x", true),
            ("/tmp/x", true),
            ("ssh-ng://there", true),
        ] {
            let settings = parse(&json!({ "store": { "value": address } }));
            assert_eq!(settings.store_elsewhere(), elsewhere.then_some(address));
        }
        assert!(NixSettings::parse("no JSON", &|_| None).is_err());
    }
}

//! Who builds guests: this machine, or one that Nix knows.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Finding;
use crate::plan::facts::HostFacts;

/// What findings about it are filed under.
pub const TOPIC: &str = "builder";

/// What Nix's settings say of builds, and of where the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The systems that this machine builds for; none where it may run no build.
    own: Vec<String>,
    /// Other builders, each with the systems that it builds for.
    others: Vec<(String, Vec<String>)>,
    /// The store's address.
    store: String,
}

impl Settings {
    /// Reads what `nix config show --json` prints; `read` returns what a file of builders holds.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn parse(json: &str, read: &dyn Fn(&Path) -> Option<String>) -> Result<Self> {
        let json: Value = serde_json::from_str(json).context("decoding what `nix config show --json` prints")?;
        let value = |name: &str| &json[name]["value"];
        let text = |name: &str| value(name).as_str().unwrap_or_default();
        let system = text("system");
        let mut own = words(value("extra-platforms"));
        own.push(system.to_owned());
        if value("max-jobs").as_u64() == Some(0) {
            own.clear();
        }
        let mut others = Vec::new();
        for external in value("external-builders").as_array().into_iter().flatten() {
            let program = external["program"].as_str().unwrap_or_default();
            others.push((program.to_owned(), words(&external["systems"])));
        }
        for machine in machines(text("builders"), read) {
            let mut fields = machine.split_whitespace();
            let Some(name) = fields.next() else { continue };
            let systems = fields.next().filter(|systems| *systems != "-").unwrap_or(system);
            others.push((name.to_owned(), systems.split(',').map(str::to_owned).collect()));
        }
        Ok(Self { own, others, store: text("store").to_owned() })
    }

    /// Returns the store's address if it isn't that of the store in /nix.
    #[must_use]
    pub fn store_elsewhere(&self) -> Option<&str> {
        let is_here = ["", "auto", "daemon", "local", "local://"].contains(&self.store.as_str());
        (!is_here && !self.store.starts_with("unix://")).then_some(&self.store)
    }
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Returns the machines of a list, with those of the files that it names by `@`; a file that isn't there names none.
fn machines(list: &str, read: &dyn Fn(&Path) -> Option<String>) -> Vec<String> {
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    let entries = lines.flat_map(|line| line.split(';')).map(str::trim);
    entries.fold(Vec::new(), |mut machines, entry| {
        match entry.strip_prefix('@') {
            Some(file) => {
                let text = read(Path::new(file.trim())).unwrap_or_default();
                // One file that names another one is enough.
                machines
                    .extend(text.lines().map(str::to_owned).filter(|line| !line.trim_start().starts_with(['#', '@'])));
            }
            None => machines.push(entry.to_owned()),
        }
        machines
    })
}

/// Judges who builds this machine's guests.
pub fn builder(settings: &Settings, facts: &HostFacts) -> Finding {
    let wanted = facts.guest_system();
    if settings.own.contains(&wanted) {
        return Finding::ok(TOPIC, format!("this machine builds guests of {wanted}"));
    }
    if let Some((name, _)) = settings.others.iter().find(|(_, systems)| systems.contains(&wanted)) {
        return Finding::ok(TOPIC, format!("{name} builds guests of {wanted}"));
    }
    let what = format!("Nix knows no builder of {wanted}, which guests are of");
    let remedy = if facts.system.ends_with("-darwin") {
        linux_builder(&wanted)
    } else if settings.own.is_empty() {
        "let this machine build, in /etc/nix/nix.conf: max-jobs = auto".to_owned()
    } else {
        format!("name one in /etc/nix/nix.conf: builders = ssh-ng://HOST {wanted}")
    };
    Finding::problem(TOPIC, what, remedy)
}

/// Returns how a Mac gets its builder (Nixpkgs' manual, "darwin.linux-builder").
fn linux_builder(system: &str) -> String {
    // The key is that of every such builder: it listens on this machine alone.
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
    use super::super::{Finding, Level};
    use super::{Settings, builder};

    /// The settings of a Nix of this system, with these builders.
    fn settings(system: &str, builders: &str) -> Settings {
        parse(&json!({ "system": { "value": system }, "builders": { "value": builders }, "max-jobs": { "value": 4 } }))
    }

    fn parse(json: &serde_json::Value) -> Settings {
        let file = "# comment\nssh://one x86_64-darwin - 4\n\nssh-ng://builder@linux-builder  aarch64-linux,i686-linux /key 4\n";
        let read = |path: &Path| (path == Path::new("/etc/nix/machines")).then(|| file.to_owned());
        Settings::parse(&json.to_string(), &read).unwrap()
    }

    fn judged(settings: &Settings, system: &str) -> Finding {
        builder(settings, &facts(system))
    }

    #[test]
    fn a_linux_host_builds_its_own_guests() {
        let own = judged(&settings("x86_64-linux", "@/etc/nix/machines"), "x86_64-linux");
        assert_eq!((own.level, own.what.as_str()), (Level::Ok, "this machine builds guests of x86_64-linux"));
        let none = parse(&json!({ "system": { "value": "x86_64-linux" }, "max-jobs": { "value": 0 } }));
        let none = judged(&none, "x86_64-linux");
        assert_eq!(
            (none.level, none.what.as_str()),
            (Level::Problem, "Nix knows no builder of x86_64-linux, which guests are of")
        );
        assert_eq!(none.remedy.unwrap(), "let this machine build, in /etc/nix/nix.conf: max-jobs = auto");
        let other = judged(&settings("i686-linux", "ssh://a - ; ssh://b aarch64-linux"), "x86_64-linux");
        assert_eq!(other.remedy.unwrap(), "name one in /etc/nix/nix.conf: builders = ssh-ng://HOST x86_64-linux");
    }

    #[test]
    fn a_mac_needs_a_builder_for_linux() {
        let mac = |builders: &str| judged(&settings("aarch64-darwin", builders), "aarch64-darwin");
        for (builders, name) in [
            ("@/etc/nix/machines", "ssh-ng://builder@linux-builder"),
            ("ssh://other x86_64-linux ; ssh://both x86_64-linux,aarch64-linux - 1", "ssh://both"),
            ("ssh://other # aarch64-linux\n  @ /etc/nix/machines", "ssh-ng://builder@linux-builder"),
        ] {
            let found = mac(builders);
            assert_eq!((found.level, found.what), (Level::Ok, format!("{name} builds guests of aarch64-linux")));
        }
        for builders in
            ["", "@/no/such/file", "ssh://other x86_64-linux", "ssh://mac - - 4", "ssh://other # aarch64-linux"]
        {
            let missing = mac(builders);
            assert_eq!(missing.level, Level::Problem, "{builders}");
            assert_eq!(missing.what, "Nix knows no builder of aarch64-linux, which guests are of");
        }
    }

    #[test]
    fn a_mac_without_a_builder_is_told_the_lines_to_add() {
        let remedy = judged(&settings("aarch64-darwin", ""), "aarch64-darwin").remedy.unwrap();
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
    fn nix_s_own_ways_to_another_system_count() {
        let rosetta =
            json!({ "system": { "value": "x86_64-darwin" }, "extra-platforms": { "value": ["x86_64-linux"] } });
        assert_eq!(judged(&parse(&rosetta), "x86_64-darwin").level, Level::Ok);
        let external = json!([{ "systems": ["aarch64-linux"], "program": "/bin/nixd", "args": ["builder"] }]);
        let external =
            parse(&json!({ "system": { "value": "aarch64-darwin" }, "external-builders": { "value": external } }));
        assert_eq!(judged(&external, "aarch64-darwin").what, "/bin/nixd builds guests of aarch64-linux");
    }

    #[test]
    fn a_store_is_in_nix_or_elsewhere() {
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
        assert!(Settings::parse("no JSON", &|_| None).is_err());
    }
}

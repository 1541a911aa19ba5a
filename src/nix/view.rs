//! The paths of the host that a confined Nix sees.

#![expect(clippy::disallowed_methods, reason = "looks for what configuration names")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{NixStore, Way};

/// The folders of programs and libraries beside `/usr`: links into it, or folders of their own.
const USERLAND: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// The files that programs of the system need to run and to reach the network; none of them is secret.
const SYSTEM: [&str; 26] = [
    "/usr",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nix",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/static",
    "/run/current-system",
    "/run/nscd/socket",
];
/// The configuration of ssh, without the keys of the host.
const SSH: [&str; 4] =
    ["/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
/// The settings of Nix whose values name files of this machine.
const SETTINGS: [&str; 14] = [
    "builders",
    "diff-hook",
    "flake-registry",
    "netrc-file",
    "plugin-files",
    "post-build-hook",
    "pre-build-hook",
    "sandbox-paths",
    "secret-key-files",
    "ssl-cert-file",
    "store",
    "substituters",
    "trusted-substituters",
    "build-hook",
];
/// The file of the user's answers about `nixConfig` of flakes, in the folder of data.
const CONSENTS: &str = "nix/trusted-settings.json";
/// The variables whose values name files of this machine.
const VARIABLES: [&str; 8] = [
    "CURL_CA_BUNDLE",
    "NIX_CONF_DIR",
    "NIX_CONFIG_HOME",
    "NIX_SSHOPTS",
    "NIX_SSL_CERT_FILE",
    "NIX_USER_CONF_FILES",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
];

/// The access to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It can only be read.
    ReadOnly,
    /// It can be changed.
    Writable,
}

/// The paths and links in the jail of Nix.
#[derive(Debug, Default)]
pub struct View {
    /// Links, with their targets.
    pub links: Vec<(PathBuf, PathBuf)>,
    paths: BTreeMap<PathBuf, Mode>,
}

impl View {
    /// Returns the view with the system's programs and the store.
    pub fn of_system(store: &NixStore) -> Self {
        let mut view = Self::default();
        for folder in USERLAND.map(PathBuf::from) {
            match fs::read_link(&folder) {
                Ok(target) => view.links.push((folder, target)),
                Err(_) => view.add(folder, Mode::ReadOnly),
            }
        }
        for path in SYSTEM {
            view.add(path, Mode::ReadOnly);
        }
        match store.way() {
            Way::Direct => {
                view.add("/nix", Mode::Writable);
                view.add(store.state_dir(), Mode::Writable);
            }
            Way::Daemon(socket) => {
                view.add("/nix", Mode::ReadOnly);
                view.add(socket, Mode::ReadOnly);
            }
            Way::Chroot(root) => {
                view.add("/nix", Mode::ReadOnly);
                view.add(root, Mode::Writable);
            }
            Way::Address(_) => view.add("/nix", Mode::ReadOnly),
        }
        view
    }

    /// Adds a path of the host; ignores `/` and `/tmp`.
    pub fn add(&mut self, path: impl Into<PathBuf>, mode: Mode) {
        let path = path.into();
        if path.is_absolute() && path.parent().is_some() && path != Path::new("/tmp") {
            let kept = self.paths.entry(path).or_insert(mode);
            *kept = mode.max(*kept);
        }
    }

    /// Adds what Nix's settings (as `nix config show --json` prints them), its variables and `builders` name.
    pub fn add_configuration(
        &mut self,
        settings: &Value,
        variable: &dyn Fn(&str) -> Option<OsString>,
        builders: Option<&str>,
        needs_ssh: bool,
    ) {
        let mut texts: Vec<String> = builders.map(str::to_owned).into_iter().collect();
        for name in SETTINGS {
            collect_texts(&settings[name]["value"], &mut texts);
        }
        let value = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
        texts.extend(VARIABLES.into_iter().filter_map(value));
        let machines = texts.iter().flat_map(|text| words(text)).filter(|word| word.starts_with('@'));
        let machines: Vec<String> =
            machines.filter_map(|file| fs::read_to_string(file.trim_start_matches('@')).ok()).collect();
        texts.extend(machines);
        let parts = texts.iter().flat_map(|text| words(text)).filter_map(path_of);
        // A path may have characters that end one elsewhere.
        for path in parts.chain(texts.iter().map(PathBuf::from).filter(|path| path.exists())) {
            self.add(path, Mode::ReadOnly);
        }
        let mut built_in = Vec::new();
        collect_texts(&settings["build-dir"]["value"], &mut built_in);
        for path in built_in {
            self.add(path, Mode::Writable);
        }
        let home = variable("HOME").map(PathBuf::from);
        let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".config")));
        self.paths.extend(config.map(|config| (config.join("nix"), Mode::ReadOnly)));
        let data = variable("XDG_DATA_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".local/share")));
        self.paths.extend(data.map(|data| (data.join(CONSENTS), Mode::ReadOnly)));
        if needs_ssh || texts.iter().any(|text| text.contains("ssh")) {
            self.paths.extend(SSH.map(|path| (PathBuf::from(path), Mode::ReadOnly)));
            self.paths.extend(home.map(|home| (home.join(".ssh"), Mode::ReadOnly)));
        }
    }

    /// Returns what to mount, parents first, without what one of them shows already.
    pub fn mounts(&self) -> impl Iterator<Item = (&Path, Mode)> {
        let shown = |path: &Path, mode| {
            let mut parents = path.ancestors().skip(1).filter_map(|parent| self.paths.get(parent));
            parents.any(|parent| *parent >= mode) || self.links.iter().any(|(link, _)| path.starts_with(link))
        };
        let mounts = self.paths.iter().map(|(path, mode)| (path.as_path(), *mode));
        mounts.filter(move |(path, mode)| !shown(path, *mode))
    }
}

/// Adds every text of a value.
fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(values) => {
            texts.extend(values.keys().cloned());
            values.values().for_each(|value| collect_texts(value, texts));
        }
        _ => {}
    }
}

/// Splits a text where paths in configuration begin and end.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ";,=?&:".contains(c)).filter(|word| !word.is_empty())
}

/// Returns the path that a word is: `/path`, `@/path`, or the rest of `file:///path`.
fn path_of(word: &str) -> Option<PathBuf> {
    let word = word.trim_start_matches('@');
    let path = word.strip_prefix("///").map_or_else(|| word.to_owned(), |rest| format!("/{rest}"));
    (path.starts_with('/') && !path.starts_with("//")).then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::{Mode, NixStore, View};

    fn configured(settings: &serde_json::Value, variables: &[(&str, &str)], builders: Option<&str>) -> Vec<PathBuf> {
        let value = |name: &str| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
        let mut view = View::default();
        view.add_configuration(settings, &value, builders, false);
        view.mounts().map(|(path, _)| path.to_owned()).collect()
    }

    #[test]
    fn what_the_configuration_names_is_shown() {
        let settings = json!({
            "substituters": { "value": ["https://cache.example.org/", "file:///srv/cache?priority=1"] },
            "sandbox-paths": { "value": ["/bin/sh=/bin/busybox", "/opt?"] },
            "netrc-file": { "value": "/secrets/netrc" },
            "cores": { "value": "/not/a/path" },
        });
        let paths = configured(&settings, &[("HOME", "/home/me"), ("SSH_AUTH_SOCK", "/run/agent")], None);
        let names: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "/bin/busybox",
                "/bin/sh",
                "/home/me/.config/nix",
                "/home/me/.local/share/nix/trusted-settings.json",
                "/opt",
                "/run/agent",
                "/secrets/netrc",
                "/srv/cache",
            ]
        );
    }

    #[test]
    fn the_way_to_builders_is_shown_where_there_are_any() {
        let options = "-F none -p 22 -i /keys/user -o UserKnownHostsFile=/keys/known";
        let variables = [("HOME", "/root"), ("NIX_SSHOPTS", options)];
        let paths = configured(&json!({}), &variables, Some("ssh-ng://a?ssh-key=/keys/b x86_64-linux /keys/c 1"));
        for path in ["/keys/user", "/keys/known", "/keys/b", "/keys/c", "/root/.ssh", "/etc/ssh/ssh_config"] {
            assert!(paths.contains(&path.into()), "{path}: {paths:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("machines");
        std::fs::write(&file, "ssh://a - /keys/d\n").unwrap();
        let paths = configured(&json!({}), &[], Some(&format!("@{}", file.display())));
        assert!(paths.contains(&file) && paths.contains(&"/keys/d".into()), "{paths:?}");
        assert!(configured(&json!({}), &[("HOME", "/root")], None).iter().all(|path| !path.ends_with(".ssh")));
    }

    #[test]
    fn the_store_can_be_changed_only_where_nix_itself_does() {
        let mode = |remote: &str, path: &str| {
            let store = NixStore::choose(|name| (name == "NIX_REMOTE").then(|| OsString::from(remote)));
            let view = View::of_system(&store);
            view.paths.get(Path::new(path)).copied()
        };
        assert_eq!(mode("local", "/nix"), Some(Mode::Writable));
        for remote in ["daemon", "/own", "ssh://a"] {
            assert_eq!(mode(remote, "/nix"), Some(Mode::ReadOnly), "{remote}");
        }
        assert_eq!(mode("/own", "/own"), Some(Mode::Writable));
        assert_eq!(mode("unix:///run/s", "/run/s"), Some(Mode::ReadOnly));
    }

    #[test]
    fn the_root_of_the_host_is_never_shown() {
        let mut view = View::default();
        for path in ["/", "/tmp", "relative", ""] {
            view.add(path, Mode::ReadOnly);
        }
        assert_eq!(view.mounts().count(), 0);
    }
}

//! The host's paths that a confined Nix sees.

#![expect(clippy::disallowed_methods, reason = "reads links and files that Nix's configuration names")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::nix_store::{NixStore, STORE, StoreConnection};

/// Folders of programs and libraries beside `/usr`: links into `/usr`, or real folders.
const USERLAND: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// Folders and files that programs need to run.
const PROGRAMS: [&str; 5] = ["/usr", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", STORE];
/// Files that the system's programs need to use the network and to know users; none of them is secret.
const SYSTEM: [&str; 22] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
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
/// Configuration of ssh, without the keys of the host.
const SSH: [&str; 4] =
    ["/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];
/// Settings of Nix with values that name files of this machine.
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
/// File of the user's decisions about `nixConfig` of flakes, relative to the data folder.
const TRUSTED_SETTINGS: &str = "nix/trusted-settings.json";
/// Environment variables with values that name files of this machine.
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

/// Access of Nix to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MountMode {
    /// Nix can only read the path.
    ReadOnly,
    /// Nix can write to the path.
    Writable,
}

/// Paths and links in the jail of Nix.
#[derive(Debug, Default)]
pub struct VisiblePaths {
    /// Links and their targets.
    pub links: Vec<(PathBuf, PathBuf)>,
    paths: BTreeMap<PathBuf, MountMode>,
}

impl VisiblePaths {
    /// Returns the paths that programs need to run, and no configuration.
    pub fn of_programs() -> Self {
        let paths = PROGRAMS.map(|path| (path.into(), MountMode::ReadOnly)).into();
        let mut visible = Self { links: Vec::new(), paths };
        for folder in USERLAND.map(PathBuf::from) {
            match fs::read_link(&folder) {
                Ok(target) => visible.links.push((folder, target)),
                Err(_) => visible.add(folder, MountMode::ReadOnly),
            }
        }
        visible
    }

    /// Returns the paths of the system's programs and of the store.
    pub fn of_system(store: &NixStore) -> Self {
        let mut visible = Self::of_programs();
        for path in SYSTEM {
            visible.add(path, MountMode::ReadOnly);
        }
        match store.connection() {
            StoreConnection::Direct => {
                visible.add("/nix", MountMode::Writable);
                visible.add(store.state_dir(), MountMode::Writable);
            }
            StoreConnection::Daemon(socket) => {
                visible.add("/nix", MountMode::ReadOnly);
                visible.add(socket, MountMode::ReadOnly);
            }
            StoreConnection::Chroot(root) => {
                visible.add("/nix", MountMode::ReadOnly);
                visible.add(root, MountMode::Writable);
            }
            StoreConnection::Address(_) => visible.add("/nix", MountMode::ReadOnly),
        }
        visible
    }

    /// Adds a path of the host; ignores `/`, `/tmp` and relative paths.
    pub fn add(&mut self, path: impl Into<PathBuf>, mode: MountMode) {
        let path = path.into();
        if path.is_absolute() && path.parent().is_some() && path != Path::new("/tmp") {
            let current = self.paths.entry(path).or_insert(mode);
            *current = mode.max(*current);
        }
    }

    /// Adds the paths in Nix's settings (the JSON of `nix config show --json`), in environment variables and in
    /// `builders`.
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
        let parts = texts.iter().flat_map(|text| words(text)).filter_map(parse_path);
        // A value that is a path as a whole may have characters that separate paths in other values.
        for path in parts.chain(texts.iter().map(PathBuf::from).filter(|path| path.exists())) {
            self.add(path, MountMode::ReadOnly);
        }
        let mut build_dirs = Vec::new();
        collect_texts(&settings["build-dir"]["value"], &mut build_dirs);
        for path in build_dirs {
            self.add(path, MountMode::Writable);
        }
        let home = variable("HOME").map(PathBuf::from);
        let config = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".config")));
        self.paths.extend(config.map(|config| (config.join("nix"), MountMode::ReadOnly)));
        let data = variable("XDG_DATA_HOME").map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".local/share")));
        self.paths.extend(data.map(|data| (data.join(TRUSTED_SETTINGS), MountMode::ReadOnly)));
        if needs_ssh || texts.iter().any(|text| text.contains("ssh")) {
            self.paths.extend(SSH.map(|path| (PathBuf::from(path), MountMode::ReadOnly)));
            self.paths.extend(home.map(|home| (home.join(".ssh"), MountMode::ReadOnly)));
        }
    }

    /// Returns the mounts, parents first, without paths that a parent's mount includes.
    pub fn mounts(&self) -> impl Iterator<Item = (&Path, MountMode)> {
        let is_included = |path: &Path, mode| {
            let mut parents = path.ancestors().skip(1).filter_map(|parent| self.paths.get(parent));
            parents.any(|parent| *parent >= mode) || self.links.iter().any(|(link, _)| path.starts_with(link))
        };
        let mounts = self.paths.iter().map(|(path, mode)| (path.as_path(), *mode));
        mounts.filter(move |(path, mode)| !is_included(path, *mode))
    }
}

/// Adds every text in a value.
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

/// Splits a text at the characters that separate paths in Nix's configuration.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ";,=?&:".contains(c)).filter(|word| !word.is_empty())
}

/// Returns the path in a word: `/path`, `@/path`, or the rest of `file:///path`.
fn parse_path(word: &str) -> Option<PathBuf> {
    let word = word.trim_start_matches('@');
    let path = word.strip_prefix("///").map_or_else(|| word.to_owned(), |rest| format!("/{rest}"));
    (path.starts_with('/') && !path.starts_with("//")).then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use serde_json::json;

    use super::{MountMode, NixStore, VisiblePaths};

    fn paths_of(settings: &serde_json::Value, variables: &[(&str, &str)], builders: Option<&str>) -> Vec<PathBuf> {
        let value = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
        };
        let mut visible = VisiblePaths::default();
        visible.add_configuration(settings, &value, builders, false);
        visible.mounts().map(|(path, _)| path.to_owned()).collect()
    }

    #[test]
    fn paths_in_the_configuration_are_visible() {
        let settings = json!({
            "substituters": { "value": ["https://cache.example.org/", "file:///srv/cache?priority=1"] },
            "sandbox-paths": { "value": ["/bin/sh=/bin/busybox", "/opt?"] },
            "netrc-file": { "value": "/secrets/netrc" },
            "cores": { "value": "/not/a/path" },
        });
        let paths = paths_of(&settings, &[("HOME", "/home/me"), ("SSH_AUTH_SOCK", "/run/agent")], None);
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
    fn files_for_remote_builders_are_visible_if_there_are_builders() {
        let options = "-F none -p 22 -i /keys/user -o UserKnownHostsFile=/keys/known";
        let variables = [("HOME", "/root"), ("NIX_SSHOPTS", options)];
        let paths = paths_of(&json!({}), &variables, Some("ssh-ng://a?ssh-key=/keys/b x86_64-linux /keys/c 1"));
        for path in ["/keys/user", "/keys/known", "/keys/b", "/keys/c", "/root/.ssh", "/etc/ssh/ssh_config"] {
            assert!(paths.contains(&path.into()), "{path}: {paths:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("machines");
        std::fs::write(&file, "ssh://a - /keys/d\n").unwrap();
        let paths = paths_of(&json!({}), &[], Some(&format!("@{}", file.display())));
        assert!(paths.contains(&file) && paths.contains(&"/keys/d".into()), "{paths:?}");
        assert!(paths_of(&json!({}), &[("HOME", "/root")], None).iter().all(|path| !path.ends_with(".ssh")));
    }

    #[test]
    fn the_store_is_writable_only_if_nix_changes_it_itself() {
        let mode = |remote: &str, path: &str| {
            let store = NixStore::from_env(|name| (name == "NIX_REMOTE").then(|| OsString::from(remote)));
            let visible = VisiblePaths::of_system(&store);
            visible.paths.get(Path::new(path)).copied()
        };
        assert_eq!(mode("local", "/nix"), Some(MountMode::Writable));
        for remote in ["daemon", "/own", "ssh://a"] {
            assert_eq!(mode(remote, "/nix"), Some(MountMode::ReadOnly), "{remote}");
        }
        assert_eq!(mode("/own", "/own"), Some(MountMode::Writable));
        assert_eq!(mode("unix:///run/s", "/run/s"), Some(MountMode::ReadOnly));
    }

    #[test]
    fn the_root_of_the_host_is_never_visible() {
        let mut visible = VisiblePaths::default();
        for path in ["/", "/tmp", "relative", ""] {
            visible.add(path, MountMode::ReadOnly);
        }
        assert_eq!(visible.mounts().count(), 0);
    }
}

//! The part of the host's userland that a guest sees.

#![expect(clippy::disallowed_methods, reason = "inspects /etc")]

use std::fs;
use std::path::{Path, PathBuf};

use super::jail::{etc_folders, is_readable_by_all};
use super::package_files::package_files;

/// Names in `/etc` that a usable userland needs, even if they were created or changed on this machine. None is secret.
/// `python3*` and the unchanged files of packages are added.
const ETC: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "debian_version",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "perl",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// The existing parts of the host's userland.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Userland {
    /// Shown names in `/etc`. All users may read them, since the daemon may run as a user of its own.
    pub etc: Vec<String>,
    /// Folders below `/usr` that are as private as `/etc`, and are hidden.
    pub private: Vec<PathBuf>,
}

impl Userland {
    /// Inspects the userland of this host.
    pub fn inspect() -> Self {
        let python =
            fs::read_dir("/etc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut etc: Vec<String> = python.filter(|name| name.starts_with("python3")).collect();
        etc.extend(
            ETC.iter().filter(|name| is_readable_by_all(&Path::new("/etc").join(name))).map(ToString::to_string),
        );
        let overlap = |one: &str, two: &str| Path::new(one).starts_with(two) || Path::new(two).starts_with(one);
        let mut packaged = package_files();
        packaged.retain(|name| !etc.iter().any(|shown| overlap(name, shown)));
        etc.extend(packaged);
        etc.sort();
        Self { etc, private: etc_folders() }
    }
}

#[cfg(test)]
mod tests {
    use super::Userland;

    #[test]
    fn the_userland_has_no_secret_of_etc() {
        let etc = Userland::inspect().etc;
        assert!(etc.contains(&"ssl/certs".to_owned()), "{etc:?}");
        assert!(!etc.iter().any(|name| ["shadow", "ssl/private", "profile.d"].contains(&name.as_str())), "{etc:?}");
    }
}

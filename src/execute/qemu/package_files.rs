//! Unchanged files of Debian's packages in `/etc`, which the programs of the packages need.
//!
//! A guest may see them, since an unchanged file of a public package holds no secret.

#![expect(clippy::disallowed_methods, reason = "reads the database of dpkg and files in /etc")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};

use super::jail::is_readable_by_all;

/// Maximum number of files of a shown folder: a program reads few files when it starts.
const MAX_FILES: usize = 1000;
/// Maximum length of a shown file, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Maximum number of files that are shown of a folder with changed files.
const MAX_PARTS: usize = 16;

/// Returns the paths of the packages' unchanged files, relative to `/etc`. A folder without other files stands for all
/// its files.
pub fn package_files() -> Vec<String> {
    let status = fs::read_to_string("/var/lib/dpkg/status").unwrap_or_default();
    unchanged_files(Path::new("/etc"), &conffiles(&status))
}

/// Returns the files of packages that an administrator may change, with the digests of the shipped files
/// ([deb-conffiles(5)], dpkg's status).
///
/// [deb-conffiles(5)]: https://manpages.debian.org/bookworm/dpkg-dev/deb-conffiles.5.en.html
fn conffiles(status: &str) -> HashMap<PathBuf, &str> {
    let mut files = HashMap::new();
    let mut is_list = false;
    for line in status.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        match fields[..] {
            // A fourth field marks a file that the package has no longer.
            ["", path, digest] if is_list => drop(files.insert(PathBuf::from(path), digest)),
            ["", ..] => {}
            _ => is_list = line == "Conffiles:",
        }
    }
    files
}

fn unchanged_files(etc: &Path, conffiles: &HashMap<PathBuf, &str>) -> Vec<String> {
    let mut unchanged = Vec::new();
    for path in entries(etc) {
        let mut files = Vec::new();
        if !collect(&path, &mut files) {
            continue;
        }
        let (unchanged_here, changed): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| is_unchanged(file, conffiles));
        if unchanged_here.is_empty() {
            continue;
        }
        let shown = if changed.is_empty() { vec![path] } else { unchanged_here.into_iter().take(MAX_PARTS).collect() };
        unchanged.extend(shown.iter().filter_map(|path| path.strip_prefix(etc).ok()?.to_str().map(str::to_owned)));
    }
    unchanged.sort();
    unchanged
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).collect()
}

/// Adds the regular files at a path. Skips symbolic links, which hold a path only. Returns false if a folder isn't
/// readable by all or there are too many files.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> bool {
    let Ok(kind) = fs::symlink_metadata(path).map(|meta| meta.file_type()) else { return false };
    if kind.is_dir() {
        return is_readable_by_all(path) && entries(path).iter().all(|path| collect(path, files));
    }
    if kind.is_file() {
        files.push(path.to_owned());
    }
    files.len() <= MAX_FILES
}

fn is_unchanged(path: &Path, conffiles: &HashMap<PathBuf, &str>) -> bool {
    let digest = || {
        let is_small = fs::metadata(path).ok()?.len() <= MAX_BYTES;
        let digest = is_small.then(|| fs::read(path).map(Md5::digest))?.ok()?;
        Some(digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")))
    };
    conffiles.get(path).is_some_and(|shipped| is_readable_by_all(path) && digest().as_deref() == Some(*shipped))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::{conffiles, package_files, unchanged_files};

    /// The MD5 of `shipped`.
    const SHIPPED: &str = "8407efe4e76e884909955a5e7293661e";

    #[test]
    fn unchanged_files_of_packages_are_shown_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let etc = folder.path();
        let mut status = String::from("Package: a\nStatus: install ok installed\nConffiles:\n");
        let mut write = |name: &str, text: &str, is_shipped: bool| {
            let path = etc.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            if is_shipped {
                writeln!(status, " {} {SHIPPED}", path.display()).unwrap();
            }
        };
        for (name, text, is_shipped) in [
            ("fonts/fonts.conf", "shipped", true),
            ("maven/m2.conf", "shipped", true),
            ("maven/settings.xml", "password", true),
            ("own/token", "shipped", false),
            ("wgetrc", "shipped", true),
            ("changed", "password", true),
            ("sudoers", "shipped", true),
            ("private/file", "shipped", true),
            ("java/java.conf", "shipped", true),
            ("java/my token", "password", false),
        ] {
            write(name, text, is_shipped);
        }
        writeln!(status, " {} {SHIPPED} obsolete\nDescription: a\n more", etc.join("own/token").display()).unwrap();
        symlink("../../usr/share/fonts/x.conf", etc.join("fonts/x.conf")).unwrap();
        symlink("wgetrc", etc.join("link")).unwrap();
        fs::set_permissions(etc.join("sudoers"), fs::Permissions::from_mode(0o440)).unwrap();
        fs::set_permissions(etc.join("private"), fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(unchanged_files(etc, &conffiles(&status)), ["fonts", "java/java.conf", "maven/m2.conf", "wgetrc"]);
        assert!(unchanged_files(Path::new("/none"), &conffiles(&status)).is_empty());
    }

    #[test]
    fn this_machine_has_unchanged_files_and_shows_no_secret() {
        let files = package_files();
        assert!(files.iter().any(|name| name == "debconf.conf"), "{files:?}");
        for secret in ["shadow", "gshadow", "sudoers", "ssl", "machine-id"] {
            assert!(!files.iter().any(|name| name == secret), "{secret}: {files:?}");
        }
    }
}

//! The state of the host's programs, which jobs with the host's userland see.
#![expect(clippy::disallowed_methods, reason = "reads the database of packages and the times of folders")]

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::foreign::Beneath;
use crate::id::Digest;

/// Databases of packages: of Debian, RPM and Alpine.
const DATABASES: [&str; 4] =
    ["var/lib/dpkg/status", "usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite", "lib/apk/db/installed"];
/// Maximum size of a database, in bytes; a larger one isn't read.
const DATABASE_LIMIT: u64 = 256 << 20;
/// Folders whose times change when a program is added, removed or replaced by hand.
const FOLDERS: [&str; 7] =
    ["usr/bin", "usr/sbin", "usr/lib", "usr/local/bin", "usr/local/sbin", "usr/local/lib", "var/lib/pacman/local"];

/// Returns a digest of the installed packages and of the times of the folders with programs. Another digest means other
/// programs; a program that is overwritten in place keeps it.
pub(super) fn userland_digest(root: &Path) -> Digest {
    let mut hasher = Sha256::new_with_prefix(b"pikaci userland 1\n");
    for database in DATABASES {
        if let Ok(bytes) = Beneath::new(root).join(database).read(DATABASE_LIMIT) {
            hasher.update(Sha256::digest(bytes));
        }
    }
    for folder in FOLDERS {
        if let Ok(meta) = root.join(folder).metadata() {
            hasher.update(format!("{folder} {} {}\n", meta.mtime(), meta.mtime_nsec()));
        }
    }
    Digest::from_hasher(hasher)
}

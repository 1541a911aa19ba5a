//! Clones a folder on macOS.

#![expect(clippy::disallowed_types, reason = "opens the folder to clone")]

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{CWD, CloneFlags, fclonefileat};
use rustix::io::Errno;

use super::copy_tree::copy_tree;

/// Clones a folder with all its entries, or copies it if the file system can't clone.
///
/// The clone is one call: "If src names a directory, the directory hierarchy is cloned as if each item was cloned
/// individually", and it creates either all entries or none ([clonefile(2)]). Both folders have to be on one APFS
/// volume.
///
/// [clonefile(2)]: https://github.com/apple-oss-distributions/xnu/blob/main/bsd/man/man2/clonefile.2
pub(super) fn clone_tree(from: &Path, to: &Path) -> Result<()> {
    let source = File::open(from).with_context(|| format!("opening {}", from.display()))?;
    match fclonefileat(&source, CWD, to, CloneFlags::NOOWNERCOPY) {
        Ok(()) => Ok(()),
        // Another volume, another file system, or an entry that can't be read: the copy's error names the entry.
        Err(Errno::XDEV | Errno::NOTSUP | Errno::OPNOTSUPP | Errno::ACCESS | Errno::PERM) => copy_tree(from, to),
        Err(errno) => Err(errno).with_context(|| format!("cloning {} to {}", from.display(), to.display())),
    }
}

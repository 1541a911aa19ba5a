//! Cloning a folder on macOS.

#![expect(clippy::disallowed_types, reason = "opens the folder to clone")]

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{CWD, CloneFlags, fclonefileat};
use rustix::io::Errno;

use super::copy::copy;

/// Clones a folder with all that is in it, or copies it where the file system can't do that.
///
/// It is one call: "If src names a directory, the directory hierarchy is cloned as if each item was cloned
/// individually", and either all of it is made or nothing ([clonefile(2)]). Both folders lie on one APFS volume then.
///
/// [clonefile(2)]: https://github.com/apple-oss-distributions/xnu/blob/main/bsd/man/man2/clonefile.2
pub(super) fn clone_or_copy(from: &Path, to: &Path) -> Result<()> {
    let source = File::open(from).with_context(|| format!("opening {}", from.display()))?;
    match fclonefileat(&source, CWD, to, CloneFlags::NOOWNERCOPY) {
        Ok(()) => Ok(()),
        // Another volume, another file system; or something can't be read, and the copy tells what.
        Err(Errno::XDEV | Errno::NOTSUP | Errno::OPNOTSUPP | Errno::ACCESS | Errno::PERM) => copy(from, to),
        Err(errno) => Err(errno).with_context(|| format!("cloning {} to {}", from.display(), to.display())),
    }
}

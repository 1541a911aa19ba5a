//! The repository of a job: a small `.git` of its own, whose objects are those of the host.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes the repository of a job")]

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// Folders of every repository, each after the folder that it is in.
const FOLDERS: [&str; 8] = ["", "info", "objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"];

/// The repository that jobs with `git = true` get: HEAD, branches, tags and index of the source tree's repository. It has
/// none of its settings, hooks and remotes, because these may hold secrets and name programs.
#[derive(Debug)]
pub struct GuestRepository {
    /// Texts by path.
    pub(super) files: BTreeMap<&'static str, Vec<u8>>,
    /// The index, with the time of its last change.
    pub(super) index: Option<(Vec<u8>, SystemTime)>,
    /// The entries of the index, without the times and sizes of files.
    pub(super) staged: Vec<u8>,
    /// Folder of the objects on this host.
    pub(super) objects: PathBuf,
}

impl GuestRepository {
    /// Returns the digest of everything that a job can read in the repository, except objects that no name leads to.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = Sha256::new_with_prefix(b"pikaci git 1\n");
        let texts = self.files.iter().map(|(name, text)| (*name, text.as_slice()));
        for (name, text) in texts.chain([("index", self.staged.as_slice())]) {
            for part in [name.as_bytes(), text] {
                hasher.update((part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        Digest::from_hasher(hasher)
    }

    /// Returns the folder of the objects on this host.
    #[must_use]
    pub fn objects(&self) -> &Path {
        &self.objects
    }

    /// Writes the repository to a new folder. `objects` is the path of the objects where the job runs.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn write(&self, folder: &Path, objects: &Path) -> Result<()> {
        for name in FOLDERS {
            let path = folder.join(name);
            make_folder(&path).with_context(|| format!("making {}", path.display()))?;
        }
        let alternates = [objects.as_os_str().as_encoded_bytes(), b"\n"].concat();
        let files = self.files.iter().map(|(name, text)| (*name, text));
        for (name, text) in files.chain([("objects/info/alternates", &alternates)]) {
            write_file(&folder.join(name), text)?;
        }
        if let Some((index, modified)) = &self.index {
            let path = folder.join("index");
            write_file(&path, index)?;
            // Git reads a file again if the index isn't newer than the file.
            let set_time = || File::options().write(true).open(&path)?.set_modified(*modified);
            set_time().with_context(|| format!("changing the time of {}", path.display()))?;
        }
        Ok(())
    }
}

/// Makes a folder that every user may read, whatever the umask.
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Writes a file that every user may read.
fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        fs::write(path, content)?;
        fs::set_permissions(path, Permissions::from_mode(0o644))
    };
    write().with_context(|| format!("writing {}", path.display()))
}

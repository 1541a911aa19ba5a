//! The inputs of a runner flake, as the project's lock names them.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};

use crate::flake::{LocalInput, ProjectLock};
use crate::foreign::Beneath;

/// The longest flake.lock that is read, in bytes: that of a project may have 16 MiB.
const LOCK_LIMIT: u64 = 32 << 20;

/// The lock of the project in a runner flake; those of older records have one of their own with the same inputs.
const LOCKS: [&str; 2] = ["project/flake.lock", "flake.lock"];

/// The inputs of a runner flake.
#[derive(Debug, Default)]
pub struct FlakeInputs {
    /// Those that lie on this machine, by their nodes.
    pub local: BTreeMap<String, LocalInput>,
    /// True if an input is fetched by ssh.
    pub uses_ssh: bool,
}

impl FlakeInputs {
    /// Reads the inputs of the flake in a folder; without a lock it has none that a project chose.
    ///
    /// # Errors
    /// When its lock can't be read.
    pub fn read(folder: &Beneath) -> Result<Self> {
        for name in LOCKS {
            let path = folder.join(name);
            let lock = match path.read(LOCK_LIMIT) {
                Ok(lock) => String::from_utf8_lossy(&lock).into_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
            };
            let inputs = ProjectLock::read(&lock).with_context(|| format!("reading {}", path.display()))?;
            return Ok(Self { local: inputs.local_inputs(), uses_ssh: lock.contains("ssh://") });
        }
        Ok(Self::default())
    }
}

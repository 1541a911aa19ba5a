//! The inputs of a runner flake, from the project's lock.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};

use crate::flake::{LocalInput, ProjectLock};
use crate::foreign::Beneath;

/// Limit on the flake.lock in a runner flake, in bytes; the lock of a project may have 16 MiB.
const LOCK_LIMIT: u64 = 32 << 20;

/// Paths of the project's lock in a runner flake; older runner flakes have a lock of their own with the same inputs.
const LOCKS: [&str; 2] = ["project/flake.lock", "flake.lock"];

/// The inputs of a runner flake.
#[derive(Debug, Default)]
pub struct FlakeInputs {
    /// Inputs on this machine, by their nodes.
    pub local: BTreeMap<String, LocalInput>,
    /// True if an input is fetched by ssh.
    pub uses_ssh: bool,
}

impl FlakeInputs {
    /// Reads the inputs of the flake in a folder; a flake without a lock has none.
    ///
    /// # Errors
    /// When the lock can't be read.
    pub fn read(folder: &Beneath) -> Result<Self> {
        for name in LOCKS {
            let path = folder.join(name);
            let lock = match path.read(LOCK_LIMIT) {
                Ok(lock) => String::from_utf8_lossy(&lock).into_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
            };
            let inputs = ProjectLock::parse(&lock).with_context(|| format!("reading {}", path.display()))?;
            return Ok(Self { local: inputs.local_inputs(), uses_ssh: lock.contains("ssh://") });
        }
        Ok(Self::default())
    }
}

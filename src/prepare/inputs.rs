//! The inputs of a runner flake, as its lock names them.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};

use crate::flake::{self, LocalInput};
use crate::foreign::Beneath;

/// The longest flake.lock that is read, in bytes: that of a project may have 16 MiB.
const LOCK_LIMIT: u64 = 32 << 20;

/// The inputs of a runner flake.
#[derive(Debug, Default)]
pub struct FlakeInputs {
    /// Those that lie on this machine, by their nodes.
    pub local: BTreeMap<String, LocalInput>,
    /// True if an input is fetched by ssh.
    pub uses_ssh: bool,
}

impl FlakeInputs {
    /// Reads the inputs of the flake in a folder; one without a lock, of base `host`, has none.
    ///
    /// # Errors
    /// When its lock can't be read.
    pub fn read(folder: &Beneath) -> Result<Self> {
        let path = folder.join("flake.lock");
        let lock = match path.read(LOCK_LIMIT) {
            Ok(lock) => String::from_utf8_lossy(&lock).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let local = flake::local_inputs(&lock).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self { local, uses_ssh: lock.contains("ssh://") })
    }
}

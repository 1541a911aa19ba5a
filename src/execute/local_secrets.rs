//! The secrets of a job without a guest.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{Mode, OFlags};

use super::host_context::HostContext;
use super::job_secrets::job_secrets;
use crate::foreign::Beneath;
use crate::plan::record::PlannedJob;
use crate::state::{MEMORY_FOLDER, TemporaryFolder};

/// The secrets of a job without a guest. Dropping this value removes their files.
pub(super) struct LocalSecrets {
    /// The variables.
    pub(super) env: BTreeMap<String, String>,
    _folder: Option<TemporaryFolder>,
}

impl LocalSecrets {
    /// Makes the files of the secrets that are files, in memory where the system has a folder in memory.
    pub(super) fn make(context: &HostContext<'_>, job: &PlannedJob) -> Result<Self> {
        let mut env = BTreeMap::new();
        let mut folder = None;
        for (secret, value) in job_secrets(job, context.secrets)? {
            let variable = if secret.as_file {
                let folder = match &mut folder {
                    Some(folder) => folder,
                    none => none.insert(make_folder(context.local_folder)?),
                };
                let path = Beneath::new(folder.path()).join(&secret.name);
                let file = path.open_regular(OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, Mode::RUSR);
                file.and_then(|mut file| file.write_all(value.bytes()))
                    .with_context(|| format!("writing the file of the secret {}", secret.name))?;
                path.to_string_lossy().into_owned()
            } else {
                String::from_utf8_lossy(value.bytes()).into_owned()
            };
            env.insert(secret.name.clone(), variable);
        }
        Ok(Self { env, _folder: folder })
    }
}

fn make_folder(otherwise: &Path) -> Result<TemporaryFolder> {
    TemporaryFolder::make(Path::new(MEMORY_FOLDER)).or_else(|_| TemporaryFolder::make(otherwise))
}

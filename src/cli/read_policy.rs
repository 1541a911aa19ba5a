//! The reading of the operator's policy.

#![expect(clippy::disallowed_methods, reason = "reads the operator's policy")]

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::policy::{Policy, SCHEMA_VERSION};

/// File of the policy, unless the operator names another one.
const POLICY_FILE: &str = "/etc/pikaci/policy.json";

/// Reads a policy.
pub fn read_policy(file: &Path) -> Result<Policy, Failure> {
    let read = || {
        let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let policy = Policy::parse(&text).with_context(|| format!("decoding {}", file.display()))?;
        let version = policy.version;
        ensure!(
            version == SCHEMA_VERSION,
            "{} has version {version}, and this pikaci reads version {SCHEMA_VERSION}",
            file.display()
        );
        Ok(policy)
    };
    let hint = r#"write a JSON object like { "network": true, "runAsRoot": false }; its format: pikaci schema policy"#;
    read().map_err(|error: anyhow::Error| Failure::new(Exit::Usage, error).hint(hint))
}

/// Reads the policy that the operator names, else that of the machine; returns its file, too.
pub fn operator_policy(file: Option<&Path>) -> Result<(PathBuf, Policy), Failure> {
    match file {
        Some(file) => Ok((file.to_owned(), read_policy(file)?)),
        None => Ok((POLICY_FILE.into(), read_policy_or_default(Path::new(POLICY_FILE))?)),
    }
}

/// Reads a policy; returns the policy that allows everything if the file doesn't exist. A broken link is an error.
fn read_policy_or_default(file: &Path) -> Result<Policy, Failure> {
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Policy::default()),
        _ => read_policy(file),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Policy, read_policy_or_default};

    #[test]
    fn only_a_missing_policy_allows_everything() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.json");
        assert_eq!(read_policy_or_default(&file).ok(), Some(Policy::default()));
        symlink("nowhere", &file).unwrap();
        assert!(read_policy_or_default(&file).is_err());
        fs::remove_file(&file).unwrap();
        fs::write(&file, r#"{ "runAsRoot": false }"#).unwrap();
        assert_eq!(read_policy_or_default(&file).ok(), Some(Policy { run_as_root: false, ..Policy::default() }));
    }
}

//! The options by which the operator allows or limits the requests of a project.

#![expect(clippy::disallowed_methods, reason = "reads the operator's policy")]

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use clap::builder::FalseyValueParser;

use crate::cli::failure::{Exit, Failure};
use crate::plan::RunPlanRecord;
use crate::policy::{Policy, SCHEMA_VERSION, Violation};

/// The policy of the machine, unless another one is named.
const POLICY_FILE: &str = "/etc/pikaci/policy.json";

/// The options that lower or raise the isolation of jobs: a job file can't set them.
#[derive(Clone, Debug, Args)]
pub struct IsolationArgs {
    /// Run jobs of base `none` on this machine itself, with everything that you may do there
    #[arg(long, env = "PIKACI_ALLOW_UNISOLATED", value_parser = FalseyValueParser::new())]
    allow_unisolated: bool,
    /// Let the project's flake.lock name files and folders of this machine as inputs, which go into the Nix store
    #[arg(long, env = "PIKACI_ALLOW_LOCAL_INPUTS", value_parser = FalseyValueParser::new())]
    pub allow_local_inputs: bool,
    /// Refuse jobs that ask for more than a virtual machine: network, root, a kernel, dev shell, modules or flake.lock of
    /// the project
    #[arg(long, env = "PIKACI_UNTRUSTED", value_parser = FalseyValueParser::new())]
    untrusted: bool,
    /// Limit the choices of the project by this policy [default: /etc/pikaci/policy.json, where there is one]
    #[arg(long, value_name = "FILE", env = "PIKACI_POLICY")]
    policy: Option<PathBuf>,
}

impl IsolationArgs {
    /// Refuses a plan whose jobs have more than the operator allows.
    pub fn check(&self, plan: &RunPlanRecord) -> Result<(), Failure> {
        let (file, policy) = self.policy()?;
        policy.check(plan, &file.display().to_string()).map_err(|violation| {
            let hint = format!("if jobs may have it, set {:?} in {}", violation.key, file.display());
            refusal(violation, hint)
        })?;
        if self.untrusted {
            let hint = "if you trust this change, run it without --untrusted";
            Policy::untrusted().check(plan, "--untrusted").map_err(|violation| refusal(violation, hint.to_owned()))?;
        }
        match plan.unisolated_jobs().first() {
            Some(job) if !self.allow_unisolated => {
                let error = anyhow!(
                    "job {job} asks to run on this machine itself (base `none`), outside of any virtual machine"
                );
                let hint = "give it a guest of another base in pikaci.nix; or, if you trust all that this project \
                    runs, add --allow-unisolated";
                Err(Failure::new(Exit::NoVm, error).hint(hint))
            }
            _ => Ok(()),
        }
    }

    fn policy(&self) -> Result<(PathBuf, Policy), Failure> {
        if let Some(file) = &self.policy {
            return Ok((file.clone(), read_policy(file)?));
        }
        let file = Path::new(POLICY_FILE);
        Ok((file.to_owned(), read_if_there(file)?))
    }
}

/// Reads a policy; where there is none, everything is left to the project. A link that leads nowhere is an error.
fn read_if_there(file: &Path) -> Result<Policy, Failure> {
    match fs::symlink_metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Policy::default()),
        _ => read_policy(file),
    }
}

fn refusal(violation: Violation, hint: String) -> Failure {
    Failure::new(Exit::Usage, violation).hint(hint)
}

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
    let hint =
        r#"write an object of JSON like { "network": true, "runAsRoot": false }; its format: pikaci schema policy"#;
    read().map_err(|error: anyhow::Error| Failure::new(Exit::Usage, error).hint(hint))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{Policy, read_if_there};

    #[test]
    fn only_a_policy_that_is_not_there_allows_everything() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.json");
        assert_eq!(read_if_there(&file).ok(), Some(Policy::default()));
        symlink("nowhere", &file).unwrap();
        assert!(read_if_there(&file).is_err());
        fs::remove_file(&file).unwrap();
        fs::write(&file, r#"{ "runAsRoot": false }"#).unwrap();
        assert_eq!(read_if_there(&file).ok(), Some(Policy { run_as_root: false, ..Policy::default() }));
    }
}

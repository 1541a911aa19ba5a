//! The options by which the operator allows or limits the requests of a project.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::read_policy::operator_policy;
use crate::config::SecretKind;
use crate::plan::RunPlanRecord;
use crate::policy::{Policy, Violation};

/// The options that lower or raise the isolation of jobs. A job file can't set them.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, in any combination")]
pub struct IsolationArgs {
    /// Run jobs of base `none` on this machine itself, with all your permissions
    #[arg(long, env = "PIKACI_ALLOW_UNISOLATED", value_parser = FalseyValueParser::new())]
    allow_unisolated: bool,
    /// Allow the project's flake.lock to name files and folders of this machine as inputs; they are copied to the Nix
    /// store
    #[arg(long, env = "PIKACI_ALLOW_LOCAL_INPUTS", value_parser = FalseyValueParser::new())]
    pub allow_local_inputs: bool,
    /// Allow guests of base `host` to see the folders of this machine that the project names in `hostFolders`
    #[arg(long, env = "PIKACI_ALLOW_HOST_FOLDERS", value_parser = FalseyValueParser::new())]
    allow_host_folders: bool,
    /// Allow jobs to get secrets from the files of this machine that the project names
    #[arg(long, env = "PIKACI_ALLOW_SECRET_FILES", value_parser = FalseyValueParser::new())]
    allow_secret_files: bool,
    /// Allow jobs to get secrets from commands of the project, which run on this machine itself, with all your permissions
    #[arg(long, env = "PIKACI_ALLOW_SECRET_COMMANDS", value_parser = FalseyValueParser::new())]
    allow_secret_commands: bool,
    /// Refuse jobs that request more than a virtual machine: network, root, secrets, folders of this machine, files that
    /// git ignores, or a kernel, dev shell, modules or flake.lock of the project; jobs inherit no variables
    #[arg(long, env = "PIKACI_UNTRUSTED", value_parser = FalseyValueParser::new())]
    pub untrusted: bool,
    /// Limit the choices of the project by this policy [default: /etc/pikaci/policy.json, if it exists]
    #[arg(long, value_name = "FILE", env = "PIKACI_POLICY")]
    policy: Option<PathBuf>,
}

impl IsolationArgs {
    /// Refuses a plan whose jobs request more than the operator allows.
    pub fn check(&self, plan: &RunPlanRecord) -> Result<(), Failure> {
        let (file, policy) = operator_policy(self.policy.as_deref())?;
        policy.check(plan, &file.display().to_string()).map_err(|violation| {
            let hint = format!("to allow it, set {:?} in {}", violation.key, file.display());
            refusal(violation, hint)
        })?;
        if self.untrusted {
            let hint = "if you trust this change, run it without --untrusted";
            Policy::untrusted().check(plan, "--untrusted").map_err(|violation| refusal(violation, hint.to_owned()))?;
        }
        if let Some((job, folder)) = plan.host_folders().next().filter(|_| !self.allow_host_folders) {
            let error = anyhow!("job {job} requests to see {folder} of this machine (`hostFolders`)");
            let hint =
                "remove the folder in pikaci.nix; or, if this project may read its files, add --allow-host-folders";
            return Err(Failure::new(Exit::NoVm, error).hint(hint));
        }
        self.check_secrets(plan)?;
        match plan.unisolated_jobs().first() {
            Some(job) if !self.allow_unisolated => {
                let error = anyhow!(
                    "job {job} requests to run on this machine itself (base `none`), outside of a virtual machine"
                );
                let hint = "give it a guest of another base in pikaci.nix; or, if you trust everything that this \
                    project runs, add --allow-unisolated";
                Err(Failure::new(Exit::NoVm, error).hint(hint))
            }
            _ => Ok(()),
        }
    }

    /// Refuses secrets from sources that the operator doesn't allow.
    fn check_secrets(&self, plan: &RunPlanRecord) -> Result<(), Failure> {
        for job in plan.jobs() {
            for secret in &job.secrets {
                let option = match secret.source.kind() {
                    SecretKind::File if !self.allow_secret_files => "--allow-secret-files",
                    SecretKind::Command if !self.allow_secret_commands => "--allow-secret-commands",
                    _ => continue,
                };
                let (job, name, source) = (&job.job, &secret.name, &secret.source);
                let error = anyhow!("job {job} requests the secret {name} from {source} of this machine");
                let hint = format!("remove the secret in pikaci.nix; or, if this project may have it, add {option}");
                return Err(Failure::new(Exit::NoVm, error).hint(hint));
            }
        }
        Ok(())
    }
}

fn refusal(violation: Violation, hint: String) -> Failure {
    Failure::new(Exit::Usage, violation).hint(hint)
}

//! The operator's consent to less isolation: jobs outside of any virtual machine, inputs on this machine.

use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;

use super::{Exit, Failure};
use crate::plan::RunPlanRecord;

/// The options that lower the isolation of jobs: a job file can't set them.
#[derive(Clone, Copy, Debug, Args)]
pub struct IsolationArgs {
    /// Run jobs of base `none` on this machine itself, with everything that you may do there
    #[arg(long, env = "PIKACI_ALLOW_UNISOLATED", value_parser = FalseyValueParser::new())]
    allow_unisolated: bool,
    /// Let the project's flake.lock name files and folders of this machine as inputs, which go into the Nix store
    #[arg(long, env = "PIKACI_ALLOW_LOCAL_INPUTS", value_parser = FalseyValueParser::new())]
    pub allow_local_inputs: bool,
}

impl IsolationArgs {
    /// Refuses a plan with jobs outside of virtual machines, unless that is allowed.
    pub fn check(self, plan: &RunPlanRecord) -> Result<(), Failure> {
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
}

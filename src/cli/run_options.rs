//! The options by which a plan is executed.

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::cli::budget_args::parse_size;
use crate::cli::cache_args::CacheArgs;
use crate::cli::failure::Failure;
use crate::cli::format::Format;
use crate::cli::isolation_args::IsolationArgs;
use crate::cli::machine_args::MachineArgs;
use crate::cli::output::eprint_line;
use crate::cli::programs::{refuse_without_bwrap, resolve_guest_programs};
use crate::engine::GuestPrograms;
use crate::facts::HostFacts;
use crate::plan::Capabilities;

/// The options by which a plan is executed.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// Continue with the other jobs after a job has failed [default]
    #[arg(long, env = "PIKACI_KEEP_GOING", conflicts_with = "fail_fast", value_parser = FalseyValueParser::new())]
    keep_going: bool,
    /// Start no more jobs after a job has failed
    #[arg(long, env = "PIKACI_FAIL_FAST", conflicts_with = "keep_going", value_parser = FalseyValueParser::new())]
    pub fail_fast: bool,
    /// The options for the machine of a guest.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Build guests on these machines, in the syntax of Nix's `builders` setting [default: the builders of Nix's
    /// configuration]
    #[arg(long, value_name = "SPEC", env = "PIKACI_BUILDERS")]
    builders: Option<String>,
    /// Run a job again up to N times if its guest doesn't boot or is lost, in addition to the job's own `retries`
    #[arg(long, value_name = "N", default_value_t = 1, env = "PIKACI_INFRA_RETRIES")]
    pub infra_retries: u32,
    /// Limit the logs and artifacts of a run to this quota: `512M`, `20G` [default: 10 GiB, or a tenth of the free
    /// space if that is less]
    #[arg(long, value_name = "SIZE", env = "PIKACI_DISK", value_parser = parse_size)]
    pub disk: Option<u64>,
    /// The limits on caches.
    #[command(flatten)]
    pub caches: CacheArgs,
    /// Print a summary at the end, or each event as it happens, one per line
    #[arg(long, value_enum, default_value_t, env = "PIKACI_FORMAT")]
    pub format: Format,
}

impl RunOptions {
    /// Resolves the programs that build and boot guests; returns `None` if no job needs a hypervisor. If guests see the
    /// host's `/usr`, also checks the program that shares it.
    pub fn guest_programs(
        &self,
        facts: &HostFacts,
        hypervisor: Option<&Capabilities>,
        isolation: &IsolationArgs,
        shares_usr: bool,
    ) -> Result<Option<GuestPrograms>, Failure> {
        let Some(hypervisor) = hypervisor else { return Ok(None) };
        let programs = resolve_guest_programs(facts, hypervisor, self.machine)?;
        if shares_usr {
            refuse_without_bwrap(&programs.hypervisor, facts)?;
        }
        let nix = programs.nix;
        let nix = nix.with_builders(self.builders.clone()).with_local_inputs(isolation.allow_local_inputs);
        if let Some(finding) = nix.ignored_builders() {
            let hint = finding.remedy.unwrap_or_default();
            eprint_line(&format_args!("note: {}\nhint: {hint}", finding.message));
        }
        Ok(Some(GuestPrograms { nix, ..programs }))
    }
}

//! The options of a plan: jobs, changed files, hypervisor, isolation and resources.

use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};

use crate::cli::budget_args::BudgetArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::isolation_args::IsolationArgs;
use crate::config::{self, Config};
use crate::execute::launcher::capabilities;
use crate::facts::HostFacts;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::plan::select::{Changes, Selection, UnknownName, select};

/// The options of a plan.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Targets and jobs of pikaci.nix [default: all jobs]
    #[arg(value_name = "TARGET|JOB")]
    pub names: Vec<String>,
    /// Also count files as changed that the commits since the branch left REF changed
    #[arg(long, value_name = "REF", env = "PIKACI_BASE", conflicts_with = "all", value_parser = NonEmptyStringValueParser::new())]
    pub base: Option<String>,
    /// Run jobs even if no file of their `paths` changed
    #[arg(long, env = "PIKACI_ALL", conflicts_with = "base", value_parser = FalseyValueParser::new())]
    pub all: bool,
    /// Set a variable in the environment of every job; without a value, to its value in this environment
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = NonEmptyStringValueParser::new())]
    pub env: Vec<String>,
    /// The hypervisor that boots guests [default: qemu on Linux, vfkit on macOS]
    #[arg(long, value_enum, env = "PIKACI_HYPERVISOR")]
    pub hypervisor: Option<Hypervisor>,
    /// The options that limit or allow requests of the project.
    #[command(flatten)]
    pub isolation: IsolationArgs,
    /// The resources that jobs may use at the same time.
    #[command(flatten)]
    pub budget: BudgetArgs,
}

impl PlanArgs {
    /// Returns the capabilities of the chosen hypervisor, or of the default one of this host.
    pub fn hypervisor(&self, facts: &HostFacts) -> &'static Capabilities {
        capabilities(self.hypervisor.unwrap_or_else(|| Hypervisor::of_system(&facts.system)))
    }
}

/// Selects the jobs of a plan.
pub fn select_jobs(config: &Config, args: &PlanArgs, changes: &Changes) -> Result<Selection, Failure> {
    select(config, &args.names, changes).map_err(|error| {
        let hint = unknown_name_hint(&error);
        Failure::new(Exit::NothingSelected, error).hint(hint)
    })
}

fn unknown_name_hint(error: &UnknownName) -> String {
    let nearest = config::nearest(&error.name, error.names.iter().map(String::as_str));
    match (nearest, error.names.as_slice()) {
        (Some(nearest), _) => format!("did you mean {nearest:?}?"),
        (None, []) => "pikaci.nix has no jobs yet: add one to `jobs`".to_owned(),
        (None, names) => format!("pikaci.nix has {}", names.join(", ")),
    }
}

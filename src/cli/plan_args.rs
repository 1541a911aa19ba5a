//! The options of a plan: jobs, changes, hypervisor, isolation and resources.

use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};

use crate::cli::failure::{Exit, Failure};
use crate::cli::isolation_args::IsolationArgs;
use crate::cli::output::eprint_line;
use crate::config::{self, Config};
use crate::execute::launcher::capabilities;
use crate::plan::facts::HostFacts;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::plan::select::{Changes, Selection, UnknownName, select};
use crate::plan::{Asked, Budget};
use crate::report::count;

/// The options of a plan.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Targets and jobs of pikaci.nix [default: all jobs]
    #[arg(value_name = "TARGET|JOB")]
    pub names: Vec<String>,
    /// Compare with where the branch left REF, besides the working tree and the index, to see which files changed
    #[arg(long, value_name = "REF", env = "PIKACI_BASE", conflicts_with = "all", value_parser = NonEmptyStringValueParser::new())]
    pub base: Option<String>,
    /// Run jobs whether files of their `paths` changed or not
    #[arg(long, env = "PIKACI_ALL", conflicts_with = "base", value_parser = FalseyValueParser::new())]
    pub all: bool,
    /// What boots the guests [default: qemu on Linux, vfkit on macOS]
    #[arg(long, value_enum, env = "PIKACI_HYPERVISOR")]
    pub hypervisor: Option<Hypervisor>,
    #[command(flatten)]
    pub isolation: IsolationArgs,
    #[command(flatten)]
    pub budget: BudgetArgs,
}

/// The resources that jobs may use at the same time.
#[derive(Clone, Copy, Debug, Args)]
pub struct BudgetArgs {
    /// Run at most this many jobs at a time [default: as many as CPUs and memory allow]
    #[arg(short = 'j', long, value_name = "N", env = "PIKACI_JOBS", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Give all jobs together this many CPUs [default: those of this machine]
    #[arg(long, value_name = "N", env = "PIKACI_CPUS", value_parser = clap::value_parser!(u32).range(1..))]
    cpus: Option<u32>,
    /// Give all jobs together this much memory: `512M`, `8G` [default: that of this machine, but for 1 GiB]
    #[arg(long, value_name = "SIZE", env = "PIKACI_MEMORY", value_parser = size)]
    memory: Option<u64>,
}

/// Reads an amount of memory or disk as MiB.
pub fn size(text: &str) -> Result<u64, String> {
    config::mebibytes(text).filter(|mib| *mib > 0).ok_or_else(|| "write it like 512M or 8G".to_owned())
}

impl BudgetArgs {
    /// Returns the budget on this host.
    pub fn budget(&self, facts: &HostFacts) -> Budget {
        Budget::of(Asked { nodes: self.jobs, cpus: self.cpus, memory_mib: self.memory }, facts)
    }

    /// Prints a note if the CPUs allow fewer jobs at the same time than `--jobs` does.
    pub fn print_limit(&self, facts: &HostFacts) {
        let cpus = self.budget(facts).cpus;
        if let Some(jobs) = self.jobs.filter(|jobs| u32::from(*jobs) > cpus) {
            let cpus = count(cpus as usize, "CPU");
            let note = format!(
                "--jobs={jobs} has no effect beyond the {cpus} that jobs may use; --cpus={jobs} lets them share"
            );
            eprint_line(&format_args!("note: {note}"));
        }
    }
}

impl PlanArgs {
    /// Returns the capabilities of the chosen hypervisor, or of the default one of this host.
    pub fn hypervisor(&self, facts: &HostFacts) -> &'static Capabilities {
        capabilities(self.hypervisor.unwrap_or_else(|| Hypervisor::of_system(&facts.system)))
    }
}

/// Chooses jobs.
pub fn choose(config: &Config, args: &PlanArgs, changes: &Changes) -> Result<Selection, Failure> {
    select(config, &args.names, changes).map_err(|error| {
        let hint = names_hint(&error);
        Failure::new(Exit::NothingSelected, error).hint(hint)
    })
}

fn names_hint(error: &UnknownName) -> String {
    let nearest = config::nearest(&error.name, error.known.iter().map(String::as_str));
    match (nearest, error.known.as_slice()) {
        (Some(nearest), _) => format!("did you mean {nearest:?}?"),
        (None, []) => "pikaci.nix has no jobs yet: add one to `jobs`".to_owned(),
        (None, known) => format!("pikaci.nix has {}", known.join(", ")),
    }
}

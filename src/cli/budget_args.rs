//! The options for the resources that jobs may use at the same time.

use clap::Args;

use crate::cli::output::eprint_line;
use crate::config;
use crate::facts::HostFacts;
use crate::plan::{Budget, BudgetRequest};
use crate::text::count;

/// The resources that jobs may use at the same time.
#[derive(Clone, Copy, Debug, Args)]
pub struct BudgetArgs {
    /// Run at most this many jobs at the same time [default: as many as CPUs and memory allow]
    #[arg(short = 'j', long, value_name = "N", env = "PIKACI_JOBS", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Let all jobs together use this many CPUs [default: all CPUs of this machine]
    #[arg(long, value_name = "N", env = "PIKACI_CPUS", value_parser = clap::value_parser!(u32).range(1..))]
    cpus: Option<u32>,
    /// Let all jobs together use this much memory: `512M`, `8G` [default: all memory of this machine except 1 GiB]
    #[arg(long, value_name = "SIZE", env = "PIKACI_MEMORY", value_parser = parse_size)]
    memory: Option<u64>,
}

/// Parses an amount of memory or disk as MiB.
pub fn parse_size(text: &str) -> Result<u64, String> {
    config::parse_mebibytes(text).filter(|mib| *mib > 0).ok_or_else(|| "write it like 512M or 8G".to_owned())
}

impl BudgetArgs {
    /// Returns the budget on this host.
    pub fn budget(&self, facts: &HostFacts) -> Budget {
        Budget::new(BudgetRequest { nodes: self.jobs, cpus: self.cpus, memory_mib: self.memory }, facts)
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

//! The options of a plan: jobs, changed files, hypervisor, isolation and resources.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};

use crate::cli::budget_args::BudgetArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::isolation_args::IsolationArgs;
use crate::config::{self, Config};
use crate::execute::launcher::capabilities;
use crate::facts::HostFacts;
use crate::host;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::plan::select::{Changes, Selection, UnknownName, select};
use crate::plan::{FailedJobs, SelectionRequest};

/// The options of a plan.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own, in any combination")]
pub struct PlanArgs {
    /// Targets, jobs and legs of pikaci.nix: `test`, `'test*'`, `'test[cc=clang]'` [default: all jobs]
    #[arg(value_name = "TARGET|JOB")]
    pub names: Vec<String>,
    /// Also count files as changed that the commits since the branch left REF changed
    #[arg(long, value_name = "REF", env = "PIKACI_BASE", conflicts_with_all = ["all", "changed_files"], value_parser = NonEmptyStringValueParser::new())]
    pub base: Option<String>,
    /// Count the files of this list as changed, without git: names relative to the project, one per line or separated by
    /// NUL; `-` reads standard input
    #[arg(long, value_name = "FILE", env = "PIKACI_CHANGED_FILES", conflicts_with_all = ["all", "base"])]
    pub changed_files: Option<PathBuf>,
    /// Run jobs even if no file of their `paths` changed
    #[arg(long, env = "PIKACI_ALL", conflicts_with_all = ["base", "changed_files", "affected"], value_parser = FalseyValueParser::new())]
    pub all: bool,
    /// Run only jobs that changed files affect, also of those named here: jobs whose `paths` match, jobs without `paths`
    /// if any file changed, jobs that pikaci.nix defines differently, and jobs that need one of these
    #[arg(long, env = "PIKACI_AFFECTED", conflicts_with = "all", value_parser = FalseyValueParser::new())]
    pub affected: bool,
    /// Don't run these jobs; jobs that need them run without them
    #[arg(long, value_name = "TARGET|JOB", env = "PIKACI_SKIP", value_parser = NonEmptyStringValueParser::new())]
    pub skip: Vec<String>,
    /// Run the selected jobs without the jobs that they need
    #[arg(long, env = "PIKACI_ONLY", value_parser = FalseyValueParser::new())]
    pub only: bool,
    /// Run the jobs that didn't pass in the last run that ended, on the files of today
    #[arg(long, env = "PIKACI_FAILED", value_parser = FalseyValueParser::new())]
    pub failed: bool,
    /// Run jobs even if an earlier run has their result (`cache`)
    #[arg(long, env = "PIKACI_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    /// Fail instead of warning about names that nothing uses and globs in `paths` that match no file
    #[arg(long, env = "PIKACI_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,
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
pub fn select_jobs(
    config: &Config,
    args: &PlanArgs,
    changes: &Changes,
    failed: Option<FailedJobs>,
) -> Result<Selection, Failure> {
    let (names, skip) = (args.names.clone(), args.skip.clone());
    let request =
        SelectionRequest { names, skip, only: args.only, affected: args.affected, system: host::system(), failed };
    select(config, &request, changes).map_err(|error| {
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

//! The inputs of a plan, gathered once for `pikaci plan` and `pikaci run`.

use crate::cli::caller_env::caller_env;
use crate::cli::exit::Exit;
use crate::cli::failed_jobs::failed_jobs;
use crate::cli::failure::Failure;
use crate::cli::job_file::JobFile;
use crate::cli::plan_args::{PlanArgs, select_jobs};
use crate::cli::project::Project;
use crate::cli::tree_notes;
use crate::config::Config;
use crate::facts::HostFacts;
use crate::flake::{FlakeError, LOCAL_INPUT_HINT, ProjectFiles};
use crate::host::HashCache;
use crate::plan::record::PlannedJob;
use crate::plan::select::{Changes, Selection};
use crate::plan::{self, CallerEnv, Plan, PlanError, PlanInput, fill_caches, keyed_jobs, protect_caches, take_results};
use crate::snapshot::{self, GuestRepository, Tree};
use crate::state::caches::CacheFolder;
use crate::state::{StateLayout, kept_result};
use crate::tools::LOWER_MEMORY;

/// The inputs of a plan.
#[derive(Debug)]
pub struct PlanInputs {
    /// The job file.
    pub config: Config,
    /// The changed files.
    pub changes: Changes,
    /// The selected jobs.
    pub selection: Selection,
    /// The source tree, before it is copied.
    pub tree: Tree,
    /// The repository of the project, if a selected job gets it.
    pub repository: Option<GuestRepository>,
    /// Facts about this host.
    pub facts: HostFacts,
    /// Hashes of the host's files.
    pub cache: HashCache,
    /// The files of the project that the guests of the jobs are made from.
    pub files: ProjectFiles,
    /// Environment variables of the command line.
    pub caller_env: CallerEnv,
    /// The state folder, which has the results of earlier runs.
    pub state: StateLayout,
}

impl PlanInputs {
    /// Gathers the inputs, and prints the notes and warnings. Writes no files.
    pub fn gather(project: &Project, job_file: JobFile, args: &PlanArgs) -> Result<Self, Failure> {
        // In parallel, because the comparison waits for git and the reading of the tree waits for the disk.
        let (changes, tree) =
            rayon::join(|| project.read_changes(args, &job_file.config), || project.read_tree(&job_file.config));
        let (changes, tree) = (changes?, tree?);
        let changes = job_file.select_by(changes.with_ignored(tree.included()));
        let config = job_file.config;
        let failed = args.failed.then(|| failed_jobs(&config, &project.state)).transpose()?;
        let selection = select_jobs(&config, args, &changes, failed)?;
        tree_notes::print_selection_notes(&config, &selection, &tree, args.strict)?;
        let has_git = selection.jobs.iter().any(|job| config.jobs[job].git);
        let repository = project.read_repository(has_git, &config.snapshot)?;
        let (facts, cache) = project.gather_facts(&config, &selection);
        let files = project.read_guest_files(&config, &selection)?;
        let caller_env = caller_env(&config, args)?;
        let state = project.state.clone();
        Ok(Self { config, changes, selection, tree, repository, facts, cache, files, caller_env, state })
    }

    /// Plans the selected jobs. Refuses a plan that the operator doesn't allow.
    pub fn plan(&self, args: &PlanArgs) -> Result<Plan, Failure> {
        let keyed = keyed_jobs(&self.config, &self.selection, &self.facts.system);
        let paths = keyed.into_iter().map(|job| self.config.jobs[job].paths.as_slice());
        let keys = self.config.caches.values().flat_map(|cache| &cache.key).map(std::slice::from_ref);
        let lists = paths.chain(keys).collect();
        let repository = self.repository.as_ref().map(GuestRepository::digest);
        let input = PlanInput {
            config: &self.config,
            selection: &self.selection,
            facts: &self.facts,
            tree: self.tree.digest(),
            repository: repository.as_ref(),
            files: &snapshot::file_digests(&self.tree, &lists),
            hypervisor: args.hypervisor(&self.facts),
            project: &self.files,
            budget: args.budget.budget(&self.facts),
            caller_env: &self.caller_env,
            allow_local_inputs: args.isolation.allow_local_inputs,
        };
        let mut plan = plan::build(input).map_err(plan_failure)?;
        if !args.force {
            let kept = |job: &PlannedJob| {
                let key = &job.result_key.as_ref()?.digest;
                Some((key.clone(), kept_result(&self.state, key, &job.job)?))
            };
            let results = plan.record.jobs().filter(|job| job.cache).filter_map(kept).collect();
            take_results(&mut plan.record, &results);
        }
        if args.isolation.untrusted {
            protect_caches(&mut plan.record);
        }
        fill_caches(&mut plan.record, &|cache| CacheFolder::of(&self.state, cache).is_warm(&cache.key));
        args.isolation.check(&plan.record)?;
        Ok(plan)
    }
}

fn plan_failure(error: PlanError) -> Failure {
    match &error {
        PlanError::Missing { fact, .. } => {
            let hint = fact.hint.clone();
            Failure::new(Exit::NoVm, error).hint(hint)
        }
        PlanError::NoVariable { variable, .. } => {
            let hint = format!("pikaci run --env {variable}=…; or give it a `default` in pikaci.nix");
            Failure::new(Exit::Usage, error).hint(hint)
        }
        PlanError::NoInput { .. } => {
            Failure::new(Exit::Usage, error).hint("leave out --only or --skip, so that this job runs too")
        }
        PlanError::NoHome { .. } => Failure::new(Exit::Usage, error).hint("set HOME, or write an absolute path"),
        PlanError::TooLarge { .. } => Failure::new(Exit::NoVm, error).hint(LOWER_MEMORY),
        PlanError::TooManyCpus { requested, .. } => {
            let hint = format!("lower the guest's `vcpu` in pikaci.nix, or give jobs more: --cpus={requested}");
            Failure::new(Exit::NoVm, error).hint(hint)
        }
        PlanError::Unfit { .. } => Failure::new(Exit::NoVm, error).hint("give it `base = \"nix\";` in pikaci.nix"),
        PlanError::NoSecrets { .. } => Failure::new(Exit::NoVm, error)
            .hint("run the job on Linux, in QEMU; or on this machine itself: `base = \"none\";`"),
        PlanError::Render { source: FlakeError::NoFile { .. }, .. } => {
            Failure::new(Exit::Usage, error).hint("correct the guest in pikaci.nix, or create the file")
        }
        PlanError::Render { source: FlakeError::Local { .. }, .. } => {
            Failure::new(Exit::Usage, error).hint(LOCAL_INPUT_HINT)
        }
        PlanError::Render { source: FlakeError::Folder { .. }, .. } => Failure::new(Exit::Usage, error)
            .hint("change its address in flake.nix: path:./FOLDER with a flake.nix, or github:…"),
        PlanError::Render { source: FlakeError::Lock { .. }, .. } => {
            Failure::new(Exit::Usage, error).hint("nix flake lock")
        }
        PlanError::Render { .. } => Failure::new(Exit::Internal, error),
    }
}

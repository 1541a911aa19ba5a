//! The probes of `pikaci doctor`. They change nothing except the cached verdict on KVM.

#![expect(clippy::disallowed_methods, reason = "reads the files that Nix's settings name, and the folder of runners")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::cli::job_file::JobFile;
use crate::cli::programs::{BWRAP, installed_nix, version_output};
use crate::cli::project::{Project, verify_state};
use crate::cli::project_args::ProjectArgs;
use crate::config::{self, Base, Config, Guest};
use crate::doctor::{
    Acceleration, Disk, DiskUse, InstalledNix, InstalledProgram, NixAnswers, NixSettings, ProbeResults,
};
use crate::execute::launcher::capabilities;
use crate::execute::qemu::jail::{JailChoice, Jails, bwrap_fault};
use crate::execute::qemu::kvm_probe::{boots_probe_kernel, cached_kvm_verdict, open_kvm, probe_kvm};
use crate::execute::qemu::{Accelerator, QemuProgram, open_file_limit};
use crate::facts::HostFacts;
use crate::host::{self, FactsRequest, HashCache, available_memory_mib, free_disk};
use crate::nix::Nix;
use crate::plan::guest_base;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::plan::select::JOB_FILE;
use crate::prepare::Runner;
use crate::process::{Invocation, capture, delegated_group, own_path};
use crate::state::{self, StateLayout};
use crate::tools::{Finding, Implementation, Isolation, StoreAccess, kvm_unavailable, outdated_nix};

/// Time limit of sysctl.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The probes of this machine, and of the project if there is one.
pub struct DoctorProbe {
    /// The hypervisor that boots guests.
    pub hypervisor: &'static Capabilities,
    facts: HostFacts,
    bwrap_fault: Option<String>,
    jails: Option<(Isolation, Option<Jails>)>,
    nix: Option<Nix>,
    state: Option<Result<StateLayout, (String, String)>>,
    has_project: bool,
    guests: BTreeMap<String, Guest>,
    /// The reason for which no project could be read.
    no_project: Option<Finding>,
}

impl DoctorProbe {
    /// Locates the project, and gathers the facts and programs that a plan would start from.
    pub fn gather(project_args: &ProjectArgs, hypervisor: Option<Hypervisor>, jail: JailChoice) -> Self {
        let (project, guests, no_project) = project_guests(project_args);
        let state = state_folder(project_args);
        // A cache of hashes in a state folder that isn't the operator's own can't be trusted.
        let facts = gather_facts(project.as_ref().filter(|_| matches!(state, Some(Ok(_)))), guests.values());
        let hypervisor = hypervisor.unwrap_or_else(|| Hypervisor::of_system(&facts.system));
        let bwrap = facts.tools.get(BWRAP).filter(|_| hypervisor == Hypervisor::Qemu);
        let bwrap_fault = bwrap.and_then(|bwrap| bwrap_fault(bwrap));
        Self {
            jails: bwrap.map(|bwrap| jail.jails(bwrap, bwrap_fault.clone())),
            bwrap_fault,
            hypervisor: capabilities(hypervisor),
            nix: installed_nix(&facts),
            state,
            has_project: no_project.is_none(),
            facts,
            guests,
            no_project,
        }
    }

    /// Runs all probes except the one of the acceleration.
    pub fn run(&self, has_builders: bool) -> ProbeResults<'_> {
        let uses_qemu = self.hypervisor.hypervisor == Hypervisor::Qemu;
        ProbeResults {
            hypervisor: self.hypervisor,
            facts: &self.facts,
            nix: self.nix.as_ref().map(query_nix),
            has_builders,
            programs: installed_programs(self.hypervisor, &self.facts, self.bwrap_fault.as_ref()),
            open_files: uses_qemu.then(open_file_limit),
            control_group: uses_qemu.then(delegated_group),
            isolation: self.jails.as_ref().map(|(isolation, _)| isolation.clone()),
            acceleration: Acceleration::Untried("it wasn't tried".to_owned()),
            needed: self.has_project,
            guests: self.guests.iter().map(|(name, guest)| (name.clone(), guest.memory_mib)).collect(),
            available_mib: available_memory_mib(),
            disks: disks(self.usable_state(), self.nix.as_ref()),
            state: self.state.as_ref().map(|state| state.as_ref().map(|it| it.root().to_owned()).map_err(Clone::clone)),
            missing: self.no_project.clone(),
        }
    }

    fn usable_state(&self) -> Option<&StateLayout> {
        self.state.as_ref().and_then(|state| state.as_ref().ok())
    }

    /// Probes the acceleration of guests, which may take seconds.
    pub fn probe_acceleration(&self, cancel: &Cancel) -> Acceleration {
        if self.hypervisor.hypervisor == Hypervisor::Vfkit {
            return Acceleration::Mac(macos_flag("kern.hv_support"), macos_flag("kern.hv_vmm_present"));
        }
        if let Err(error) = open_kvm() {
            let (reason, remedy) = kvm_unavailable(&error);
            return Acceleration::Closed(reason, remedy);
        }
        let Some(qemu) = self.facts.tools.get(&format!("qemu-system-{}", self.facts.arch())) else {
            return Acceleration::Untried("there is no QEMU to try it with".to_owned());
        };
        let Some(Jails { hypervisor: jail, .. }) = self.jails.as_ref().and_then(|(_, jails)| jails.as_ref()) else {
            return Acceleration::Untried("QEMU can't be confined".to_owned());
        };
        let qemu = QemuProgram { path: qemu.clone(), jail: jail.clone() };
        self.boot_with_kvm(&qemu, cancel).unwrap_or_else(|error| Acceleration::Failed(format!("{error:#}")))
    }

    /// Boots a guest with KVM: from a runner if one is built already, else from the probe kernel.
    fn boot_with_kvm(&self, qemu: &QemuProgram, cancel: &Cancel) -> anyhow::Result<Acceleration> {
        let state = self.usable_state();
        let cached = state.map(|state| cached_kvm_verdict(&qemu.path, state)).transpose()?.flatten();
        if let Some(works) = cached {
            return Ok(Acceleration::Guest(works));
        }
        let untried = || Acceleration::Untried("the first run tests whether a guest boots with it".to_owned());
        let built = |state| Some((state, built_runner(state, self.nix.as_ref()?)?));
        Ok(match state.and_then(built) {
            Some((state, runner)) => probe_kvm(qemu, &runner, state, cancel)?.map_or_else(untried, Acceleration::Guest),
            None if self.facts.arch() == "x86_64" => {
                boots_probe_kernel(qemu, Accelerator::Kvm, cancel)?.map_or_else(untried, Acceleration::Smallest)
            }
            None => untried(),
        })
    }
}

/// Returns the project with the guests of its jobs; without a readable project, the guest of an empty job file and the
/// reason.
fn project_guests(project_args: &ProjectArgs) -> (Option<Project>, BTreeMap<String, Guest>, Option<Finding>) {
    let default_guests = || config::read(JOB_FILE, "{ }").expect("an empty job file is valid").guests;
    let project = match Project::locate_unverified(project_args) {
        Ok(project) => project,
        Err(failure) => return (None, default_guests(), Some(failure.warning("project"))),
    };
    let Ok(Config { jobs, mut guests, .. }) = JobFile::read(&project).map(|file| file.config) else {
        let message = format!("{} has errors", project.root.join(project.job_file).display());
        return (Some(project), default_guests(), Some(Finding::warning("project", message, "pikaci check")));
    };
    guests.retain(|name, _| jobs.values().any(|job| job.guest == *name));
    (Some(project), guests, None)
}

fn gather_facts<'a>(project: Option<&Project>, guests: impl Iterator<Item = &'a Guest>) -> HostFacts {
    let cache = project.map(|project| HashCache::load(&project.hash_cache())).unwrap_or_default();
    let mut request = FactsRequest::new(own_path(), BTreeSet::new());
    let of_host = guests.filter(|guest| guest_base(guest, &request.system) == Base::Host);
    request.kernels = of_host.map(|guest| guest.kernel.clone()).collect();
    host::gather_facts(&request, &cache)
}

/// Returns the state folder, or the reason for which it can't be used with its remedy; `None` if there is no project.
fn state_folder(project_args: &ProjectArgs) -> Option<Result<StateLayout, (String, String)>> {
    let state = Project::locate_state_unverified(project_args).ok()?;
    let checked = verify_state(state.root()).and_then(|()| Ok(state::check(state.root())?));
    Some(match checked {
        Ok(()) => Ok(state),
        Err(failure) => {
            let finding = failure.warning("state");
            Err((finding.message, finding.remedy.unwrap_or_default()))
        }
    })
}

fn disks(state: Option<&StateLayout>, nix: Option<&Nix>) -> Vec<Disk> {
    let store = nix.map(|nix| (nix.store().folder(), DiskUse::Store));
    let folders = state.map(|state| (state.root().to_owned(), DiskUse::State)).into_iter().chain(store);
    // A disk without a readable size has other problems than being full.
    folders.filter_map(|(path, used)| Some(Disk { free: free_disk(&path).ok()?, path, used })).collect()
}

/// Queries Nix, if it is new enough to answer.
fn query_nix(nix: &Nix) -> InstalledNix {
    let program = nix.program().to_owned();
    let version = nix.query_version().map_err(|error| format!("{error:#}"));
    let supported = version.as_ref().ok().filter(|version| outdated_nix(&program, **version).is_none());
    InstalledNix { answers: supported.map(|version| nix_answers(nix, version.implementation)), program, version }
}

fn nix_answers(nix: &Nix, implementation: Implementation) -> NixAnswers {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let settings = nix.query_settings().and_then(|json| NixSettings::parse(&json, &read));
    let elsewhere = settings.as_ref().ok().and_then(|settings| settings.store_elsewhere().map(str::to_owned));
    let elsewhere = elsewhere.filter(|_| nix.store().chroot().is_none());
    NixAnswers {
        flakes: nix.probe_flakes().ok(),
        store: match elsewhere {
            Some(address) => StoreAccess::Elsewhere(address),
            None => nix.open_store(implementation).unwrap_or_else(|error| StoreAccess::Closed(format!("{error:#}"))),
        },
        settings: settings.map_err(|error| format!("{error:#}")),
    }
}

fn installed_programs(
    hypervisor: &Capabilities,
    facts: &HostFacts,
    fault: Option<&String>,
) -> BTreeMap<&'static str, InstalledProgram> {
    let installed = |name: &str, path: &PathBuf| InstalledProgram {
        path: path.clone(),
        version_output: Some(version_output(path)),
        fault: if name == BWRAP { fault.cloned() } else { None },
    };
    let programs = hypervisor.programs.iter();
    let paths = programs.filter_map(|program| Some((program.name, facts.tools.get(&program.name(facts.arch()))?)));
    paths.map(|(name, path)| (name, installed(name, path))).collect()
}

/// Returns a runner that is built already and boots without a disk.
fn built_runner(state: &StateLayout, nix: &Nix) -> Option<Runner> {
    let store = nix.store();
    let folder = state.runners().join(store.id());
    let roots = folder.entries().ok()?.into_iter().map(|entry| folder.join(&entry.name));
    let mut runners =
        roots.filter(|root| store.has_gc_root(root)).filter_map(|root| Runner::load(&store.root_target(&root)?));
    runners.find(|runner| runner.store_disk().is_none())
}

/// Reads a setting of the macOS kernel that is 1 or 0.
fn macos_flag(name: &str) -> Option<bool> {
    let output = capture(Invocation::new("/usr/sbin/sysctl").args(["-n", name]), TIMEOUT).ok()?;
    match output.stdout.trim_ascii() {
        b"1" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

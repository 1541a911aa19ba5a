//! What `pikaci doctor` looks at. It changes nothing but what is remembered of KVM.

#![expect(clippy::disallowed_methods, reason = "reads the files that Nix's settings name, and the folder of runners")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cancel::Cancel;
use crate::cli::programs::{BWRAP, nix, version};
use crate::cli::project::{Project, verify_state};
use crate::cli::project_args::ProjectArgs;
use crate::config::{self, Base, Config, Guest};
use crate::doctor::{
    self, Acceleration, Asked, Disk, Examination, Finding, Implementation, Isolation, Seen, SeenNix, Settings, Store,
    Use,
};
use crate::execute::launcher::capabilities;
use crate::execute::qemu::jail::{JailChoice, Jails, fault};
use crate::execute::qemu::kvm_probe::{boots_probe_kernel, cached_kvm_verdict, open_kvm, probe_kvm};
use crate::execute::qemu::{Accelerator, QemuProgram, open_files};
use crate::host::{self, Gather, HashCache, available_mib, free_disk};
use crate::nix::Nix;
use crate::plan::base;
use crate::plan::facts::HostFacts;
use crate::plan::hypervisor::{Capabilities, Hypervisor};
use crate::plan::select::JOB_FILE;
use crate::prepare::Runner;
use crate::process::{Invocation, capture, delegated_group, own_path};
use crate::state::{self, StateLayout};

/// How long a program that is tried may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// This machine, and what the project asks of it where there is one.
pub struct Machine {
    /// What boots guests.
    pub hypervisor: &'static Capabilities,
    facts: HostFacts,
    bwrap_fault: Option<String>,
    jails: Option<(Isolation, Option<Jails>)>,
    nix: Option<Nix>,
    state: Option<Result<StateLayout, (String, String)>>,
    has_project: bool,
    guests: BTreeMap<String, Guest>,
    /// Why nothing is known of a project.
    missing: Option<Finding>,
}

impl Machine {
    /// Gathers what a plan would start from.
    pub fn find(project_args: &ProjectArgs, hypervisor: Option<Hypervisor>, jail: JailChoice) -> Self {
        let (project, guests, missing) = wanted(project_args);
        let state = state_folder(project_args);
        // What a state folder of others says of the host's files isn't believed.
        let facts = facts(project.as_ref().filter(|_| matches!(state, Some(Ok(_)))), guests.values());
        let hypervisor = hypervisor.unwrap_or_else(|| Hypervisor::of_system(&facts.system));
        let bwrap = facts.tools.get(BWRAP).filter(|_| hypervisor == Hypervisor::Qemu);
        let bwrap_fault = bwrap.and_then(|bwrap| fault(bwrap));
        Self {
            jails: bwrap.map(|bwrap| jail.jails(bwrap, bwrap_fault.clone())),
            bwrap_fault,
            hypervisor: capabilities(hypervisor),
            nix: nix(&facts),
            state,
            has_project: missing.is_none(),
            facts,
            guests,
            missing,
        }
    }

    /// Asks everything on it but how fast guests are.
    pub fn ask(&self, has_builders: bool) -> Examination<'_> {
        let uses_qemu = self.hypervisor.hypervisor == Hypervisor::Qemu;
        Examination {
            hypervisor: self.hypervisor,
            facts: &self.facts,
            nix: self.nix.as_ref().map(ask),
            has_builders,
            programs: programs(self.hypervisor, &self.facts, self.bwrap_fault.as_ref()),
            open_files: uses_qemu.then(open_files),
            control_group: uses_qemu.then(delegated_group),
            isolation: self.jails.as_ref().map(|(isolation, _)| isolation.clone()),
            acceleration: Acceleration::Untried("it wasn't tried".to_owned()),
            needed: self.has_project,
            guests: self.guests.iter().map(|(name, guest)| (name.clone(), guest.memory_mib)).collect(),
            available_mib: available_mib(),
            disks: disks(self.usable_state(), self.nix.as_ref()),
            state: self.state.as_ref().map(|state| state.as_ref().map(|it| it.root().to_owned()).map_err(Clone::clone)),
            missing: self.missing.clone(),
        }
    }

    fn usable_state(&self) -> Option<&StateLayout> {
        self.state.as_ref().and_then(|state| state.as_ref().ok())
    }

    /// Finds out how fast guests are, which may take seconds.
    pub fn accelerate(&self, cancel: &Cancel) -> Acceleration {
        if self.hypervisor.hypervisor == Hypervisor::Vfkit {
            return Acceleration::Mac(macos_flag("kern.hv_support"), macos_flag("kern.hv_vmm_present"));
        }
        if let Err(error) = open_kvm() {
            let (why, remedy) = doctor::closed(&error);
            return Acceleration::Closed(why, remedy);
        }
        let Some(qemu) = self.facts.tools.get(&format!("qemu-system-{}", self.facts.arch())) else {
            return Acceleration::Untried("there is no QEMU to try it with".to_owned());
        };
        let Some(Jails { hypervisor: jail, .. }) = self.jails.as_ref().and_then(|(_, jails)| jails.as_ref()) else {
            return Acceleration::Untried("QEMU can't be confined".to_owned());
        };
        let qemu = QemuProgram { path: qemu.clone(), jail: jail.clone() };
        self.try_kvm(&qemu, cancel).unwrap_or_else(|error| Acceleration::Failed(format!("{error:#}")))
    }

    /// Boots a guest with KVM: one of pikaci where a runner is built already, else the smallest.
    fn try_kvm(&self, qemu: &QemuProgram, cancel: &Cancel) -> anyhow::Result<Acceleration> {
        let state = self.usable_state();
        let cached = state.map(|state| cached_kvm_verdict(&qemu.path, state)).transpose()?.flatten();
        if let Some(works) = cached {
            return Ok(Acceleration::Guest(works));
        }
        let first = || Acceleration::Untried("the first run tries whether a guest boots with it".to_owned());
        let built = |state| Some((state, runner(state, self.nix.as_ref()?)?));
        Ok(match state.and_then(built) {
            Some((state, runner)) => probe_kvm(qemu, &runner, state, cancel)?.map_or_else(first, Acceleration::Guest),
            None if self.facts.arch() == "x86_64" => {
                boots_probe_kernel(qemu, Accelerator::Kvm, cancel)?.map_or_else(first, Acceleration::Smallest)
            }
            None => first(),
        })
    }
}

/// Returns the project with the guests of its jobs; without one the guest of a job file that says nothing, and why.
fn wanted(project_args: &ProjectArgs) -> (Option<Project>, BTreeMap<String, Guest>, Option<Finding>) {
    let unasked = || config::read(JOB_FILE, "{ }").expect("a job file may say nothing").guests;
    let project = match Project::locate(project_args) {
        Ok(project) => project,
        Err(failure) => return (None, unasked(), Some(failure.warning("project"))),
    };
    let Ok(Config { jobs, mut guests, .. }) = project.config() else {
        let what = format!("{} can't be read as it is", project.root.join(JOB_FILE).display());
        return (Some(project), unasked(), Some(Finding::warning("project", what, "pikaci check")));
    };
    guests.retain(|name, _| jobs.values().any(|job| job.guest == *name));
    (Some(project), guests, None)
}

fn facts<'a>(project: Option<&Project>, guests: impl Iterator<Item = &'a Guest>) -> HostFacts {
    let cache = project.map(|project| HashCache::load(&project.hash_cache())).unwrap_or_default();
    let mut request = Gather::here(own_path(), BTreeSet::new());
    let of_host = guests.filter(|guest| base(guest, &request.system) == Base::Host);
    request.kernels = of_host.map(|guest| guest.kernel.clone()).collect();
    host::gather(&request, &cache)
}

/// Returns the state folder, or why it can't be used and what to do; `None` where no place is named.
fn state_folder(project_args: &ProjectArgs) -> Option<Result<StateLayout, (String, String)>> {
    let state = Project::locate_state(project_args).ok()?;
    let checked = verify_state(state.root()).and_then(|()| Ok(state::check(state.root())?));
    Some(match checked {
        Ok(()) => Ok(state),
        Err(failure) => {
            let finding = failure.warning("state");
            Err((finding.what, finding.remedy.unwrap_or_default()))
        }
    })
}

fn disks(state: Option<&StateLayout>, nix: Option<&Nix>) -> Vec<Disk> {
    let store = nix.map(|nix| (nix.store().folder(), Use::Store));
    let folders = state.map(|state| (state.root().to_owned(), Use::State)).into_iter().chain(store);
    // A disk that can't be asked is out of order in other ways than by being full.
    folders.filter_map(|(path, used)| Some(Disk { free: free_disk(&path).ok()?, path, used })).collect()
}

/// Asks Nix, as long as it is new enough to have answers.
fn ask(nix: &Nix) -> SeenNix {
    let program = nix.program().to_owned();
    let version = nix.version().map_err(|error| format!("{error:#}"));
    let new = version.as_ref().ok().filter(|version| doctor::too_old(&program, **version).is_none());
    SeenNix { asked: new.map(|version| answers(nix, version.implementation)), program, version }
}

fn answers(nix: &Nix, implementation: Implementation) -> Asked {
    let read = |path: &Path| fs::read_to_string(path).ok();
    let settings = nix.settings().and_then(|json| Settings::parse(&json, &read));
    let elsewhere = settings.as_ref().ok().and_then(|settings| settings.store_elsewhere().map(str::to_owned));
    let elsewhere = elsewhere.filter(|_| nix.store().root().is_none());
    Asked {
        flakes: nix.try_flakes().ok(),
        store: match elsewhere {
            Some(address) => Store::Elsewhere(address),
            None => nix.open_store(implementation).unwrap_or_else(|error| Store::Closed(format!("{error:#}"))),
        },
        settings: settings.map_err(|error| format!("{error:#}")),
    }
}

fn programs(hypervisor: &Capabilities, facts: &HostFacts, fault: Option<&String>) -> BTreeMap<&'static str, Seen> {
    let seen = |name: &str, path: &PathBuf| Seen {
        path: path.clone(),
        said: Some(version(path)),
        failed: if name == BWRAP { fault.cloned() } else { None },
    };
    let programs = hypervisor.programs.iter();
    let found = programs.filter_map(|program| Some((program.name, facts.tools.get(&program.name(facts.arch()))?)));
    found.map(|(name, path)| (name, seen(name, path))).collect()
}

/// Returns a runner that is built already and boots without disks.
fn runner(state: &StateLayout, nix: &Nix) -> Option<Runner> {
    let store = nix.store();
    let folder = state.runners().join(store.id());
    let roots = folder.entries().ok()?.into_iter().map(|entry| folder.join(&entry.name));
    let mut runners = roots.filter(|root| store.has_root(root)).filter_map(|root| Runner::at(&store.held(&root)?));
    runners.find(|runner| runner.store_disk().is_none())
}

/// Asks macOS for a setting of its kernel that is 1 or 0.
fn macos_flag(name: &str) -> Option<bool> {
    let answer = capture(Invocation::new("/usr/sbin/sysctl").args(["-n", name]), DEADLINE).ok()?;
    match answer.stdout.trim_ascii() {
        b"1" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

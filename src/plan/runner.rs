//! The runner that a guest boots, and the shares that it mounts.

use super::budget::Budget;
use super::caller_env::CallerEnv;
use super::guest_base::guest_base;
use super::hypervisor::Capabilities;
use super::plan_error::PlanError;
use super::plan_input::PlanInput;
use super::record::{GuestChoices, Share, ShareSource};
use crate::config::{Base, Guest, Job};
use crate::facts::{HostFacts, MissingFact};
use crate::flake::{self, NixGuest, RenderedFlake, StoreSource};
use crate::guest::contract::{
    FOLDER_TAG, OBJECTS_PATH, OBJECTS_TAG, REPOSITORY_PATH, REPOSITORY_TAG, STORE_TAG, USERLAND_TAG, WORKSPACE_PATH,
    WORKSPACE_TAG,
};
use crate::id::Digest;

/// Refuses a guest that exceeds the budget and so would never run.
pub(super) fn check_size(name: &str, guest: &Guest, budget: Budget) -> Result<(), PlanError> {
    let name = name.to_owned();
    if guest.memory_mib > budget.memory_mib {
        Err(PlanError::TooLarge { guest: name, requested_mib: guest.memory_mib, available_mib: budget.memory_mib })
    } else if guest.vcpu > budget.cpus {
        Err(PlanError::TooManyCpus { guest: name, requested: guest.vcpu, available: budget.cpus })
    } else {
        Ok(())
    }
}

/// Renders the flake of a guest's runner, or returns `None` for base `none`.
pub(super) fn render_runner(
    name: &str,
    guest: &Guest,
    input: &PlanInput<'_>,
) -> Result<Option<RenderedFlake>, PlanError> {
    let (facts, hypervisor) = (input.facts, input.hypervisor);
    let missing = |fact: &MissingFact| PlanError::Missing { guest: name.to_owned(), fact: fact.clone() };
    let system = facts.guest_system();
    let nix_guest = NixGuest {
        host: &facts.system,
        system: &system,
        packages: &guest.packages,
        dev_shell: guest.dev_shell.as_deref(),
        modules: &guest.modules,
        project: input.project,
        allow_local_inputs: input.allow_local_inputs,
    };
    let rendered = match guest_base(guest, &facts.system) {
        Base::Host if !hypervisor.read_only_shares => {
            let reason = "a guest of base `host` mounts the host's /usr, and this hypervisor has no read-only shares";
            return Err(PlanError::Unfit { guest: name.to_owned(), hypervisor: hypervisor.name, reason });
        }
        Base::Host => {
            let kernel = facts.kernels.get(&guest.kernel).ok_or_else(|| {
                missing(&MissingFact {
                    reason: "its kernel was not resolved".to_owned(),
                    hint: "pikaci check".to_owned(),
                })
            })?;
            let kernel = kernel.as_ref().map_err(missing)?;
            let busybox = facts.busybox.as_ref().map_err(missing)?;
            flake::render_host(&facts.system, kernel, busybox)
        }
        Base::Nix => {
            flake::render_nix(nix_guest, if hypervisor.host_store { StoreSource::Host } else { StoreSource::Disk })
        }
        Base::Nixos => flake::render_nixos(nix_guest),
        Base::None => return Ok(None),
    };
    rendered.map(Some).map_err(|source| PlanError::Render { guest: name.to_owned(), source })
}

/// Returns the choices of the project for a guest.
pub(super) fn guest_choices(guest: &Guest, input: &PlanInput<'_>) -> GuestChoices {
    let base = guest_base(guest, &input.facts.system);
    GuestChoices {
        base,
        kernel: guest.kernel.is_some(),
        dev_shell: guest.dev_shell.is_some(),
        modules: !guest.modules.is_empty(),
        host_folders: !guest.host_folders.is_empty(),
        own_lock: matches!(base, Base::Nix | Base::Nixos) && input.project.0.contains_key("flake.lock"),
    }
}

/// Returns the shares of the folders that the project names, each at its own path.
pub(super) fn host_folders(name: &str, guest: &Guest, caller: &CallerEnv) -> Result<Vec<Share>, PlanError> {
    let mut shares = Vec::new();
    for (index, folder) in guest.host_folders.iter().enumerate() {
        let path = match (folder.strip_prefix("~/"), &caller.home) {
            (None, _) => folder.clone(),
            (Some(below), Some(home)) => format!("{home}/{below}"),
            (Some(_), None) => {
                return Err(PlanError::NoHome { guest: name.to_owned(), folder: folder.clone() });
            }
        };
        let path = path.trim_end_matches('/').to_owned();
        shares.push(Share {
            tag: format!("{FOLDER_TAG}{index}"),
            source: ShareSource::HostFolder(path.clone()),
            mount_point: path,
            read_only: true,
        });
    }
    Ok(shares)
}

/// Returns the shares that every guest of a base mounts.
#[must_use]
pub fn guest_shares(guest: &Guest, facts: &HostFacts, hypervisor: &Capabilities, snapshot: &Digest) -> Vec<Share> {
    let share = |tag: &str, source, mount_point: &str| Share {
        tag: tag.to_owned(),
        source,
        mount_point: mount_point.to_owned(),
        read_only: true,
    };
    let userland = match guest_base(guest, &facts.system) {
        Base::Host => Some(share(USERLAND_TAG, ShareSource::HostUserland, "/usr")),
        Base::Nix if hypervisor.host_store => Some(share(STORE_TAG, ShareSource::HostStore, "/nix/store")),
        Base::Nix => Some(share(STORE_TAG, ShareSource::StoreDisk, "/nix/store")),
        // A NixOS guest mounts its store itself while it boots.
        Base::Nixos | Base::None => None,
    };
    let workspace = share(WORKSPACE_TAG, ShareSource::Snapshot(snapshot.clone()), WORKSPACE_PATH);
    userland.into_iter().chain([workspace]).collect()
}

/// Returns the shares with the repository of a job. The agent copies the first one into the workspace, which is mounted
/// before.
pub(super) fn repository_shares(job: &Job) -> Vec<Share> {
    let share = |(tag, source, path): (&str, _, &str)| Share {
        tag: tag.to_owned(),
        source,
        mount_point: path.to_owned(),
        read_only: true,
    };
    let shares = [
        (OBJECTS_TAG, ShareSource::RepositoryObjects, OBJECTS_PATH),
        (REPOSITORY_TAG, ShareSource::Repository, REPOSITORY_PATH),
    ];
    if job.git { shares.map(share).to_vec() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{check_size, guest_shares, render_runner};
    use crate::config::{self, Config};
    use crate::facts::{HostFacts, MissingFact};
    use crate::flake::ProjectFiles;
    use crate::id::Digest;
    use crate::plan::FileDigests;
    use crate::plan::hypervisor::{Capabilities, Hypervisor};
    use crate::plan::select::{Changes, select};
    use crate::plan::{Budget, BudgetRequest, CallerEnv, PlanError, PlanInput, SelectionRequest};

    const QEMU: Capabilities = Capabilities {
        hypervisor: Hypervisor::Qemu,
        name: "QEMU",
        read_only_shares: true,
        secrets: true,
        host_store: true,
        programs: &[],
    };
    const VFKIT: Capabilities = Capabilities {
        hypervisor: Hypervisor::Vfkit,
        name: "vfkit",
        read_only_shares: false,
        secrets: false,
        host_store: false,
        programs: &[],
    };

    /// Returns the files of a guest's flake and the tags of its shares, or the error.
    fn plan_guest(
        guest: &str,
        system: &str,
        hypervisor: &Capabilities,
    ) -> Result<(Vec<String>, Vec<String>), PlanError> {
        let config: Config = config::read("pikaci.nix", &format!("{{ guests.g = {guest}; }}")).unwrap();
        let missing = || MissingFact { reason: "there is none".to_owned(), hint: String::new() };
        let facts = HostFacts {
            system: system.to_owned(),
            cpus: 1,
            memory_mib: 8192,
            os_release: None,
            tools: BTreeMap::new(),
            kernels: [(None, Err(missing()))].into(),
            busybox: Err(missing()),
            userland: None,
        };
        let selection = select(&config, &SelectionRequest::default(), &Changes::NotCompared(String::new())).unwrap();
        let (snapshot, project) = (Digest::of(b""), ProjectFiles::default());
        let input = PlanInput {
            config: &config,
            selection: &selection,
            facts: &facts,
            tree: &snapshot,
            repository: None,
            files: &FileDigests::new(),
            hypervisor,
            project: &project,
            budget: Budget::new(BudgetRequest::default(), &facts),
            caller_env: &CallerEnv::default(),
            allow_local_inputs: false,
        };
        check_size("g", &config.guests["g"], input.budget)?;
        let flake = render_runner("g", &config.guests["g"], &input)?.unwrap();
        let tags = guest_shares(&config.guests["g"], input.facts, input.hypervisor, input.tree)
            .into_iter()
            .map(|share| share.tag)
            .collect();
        Ok((flake.files.into_keys().collect(), tags))
    }

    #[test]
    fn the_default_base_follows_from_the_host() {
        let has = |guest: &(Vec<String>, Vec<String>), file: &str| guest.0.iter().any(|name| name == file);
        let mac = plan_guest("{ }", "aarch64-darwin", &VFKIT).unwrap();
        assert!(has(&mac, "guest/guest-module.nix") && mac.1 == ["workspace"], "{mac:?}");
        let fast = plan_guest(r#"{ base = "nix"; }"#, "aarch64-darwin", &VFKIT).unwrap();
        assert!(has(&fast, "guest/init.sh") && fast.1 == ["store", "workspace"], "{fast:?}");
        // On Linux the default is base `host`, and this host has no kernel.
        let linux = plan_guest("{ }", "x86_64-linux", &QEMU);
        assert!(matches!(&linux, Err(PlanError::Missing { fact, .. }) if fact.reason == "there is none"), "{linux:?}");
        assert!(plan_guest(r#"{ base = "nixos"; }"#, "x86_64-linux", &QEMU).is_ok());
    }

    #[test]
    fn a_guest_beyond_the_hypervisor_or_the_budget_is_refused() {
        let refused = plan_guest(r#"{ base = "host"; }"#, "x86_64-linux", &VFKIT);
        assert!(matches!(refused, Err(PlanError::Unfit { hypervisor: "vfkit", .. })), "{refused:?}");
        let large = plan_guest(r#"{ base = "nix"; memory = "9G"; }"#, "x86_64-linux", &QEMU);
        assert!(matches!(large, Err(PlanError::TooLarge { requested_mib: 9216, .. })), "{large:?}");
        let wide = plan_guest(r#"{ base = "nix"; vcpu = 2; }"#, "x86_64-linux", &QEMU);
        assert!(matches!(wide, Err(PlanError::TooManyCpus { requested: 2, available: 1, .. })), "{wide:?}");
    }
}

//! A guest to the runner that it boots, and to what it sees of the host.

use super::build::WORKSPACE;
use super::facts::{HostFacts, MissingFact};
use super::hypervisor::Capabilities;
use super::record::{GuestChoices, Share, ShareSource};
use super::{Budget, PlanInput};
use crate::config::{Base, Guest};
use crate::flake::{self, NixGuest, RenderedFlake, Store};
use crate::id::Digest;

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The host lacks what a guest needs.
    #[error("guest {guest:?} can't be built: {}", fact.reason)]
    Missing {
        /// The guest.
        guest: String,
        /// What is missing.
        fact: MissingFact,
    },
    /// The hypervisor can't do what a guest needs.
    #[error("guest {guest:?} can't run in {hypervisor}: {why}")]
    Unfit {
        /// The guest.
        guest: String,
        /// The hypervisor.
        hypervisor: &'static str,
        /// What it can't.
        why: &'static str,
    },
    /// A guest asks for more memory than jobs may have.
    #[error("guest {guest:?} asks for {wanted_mib} MiB of memory, and there are {has_mib} MiB for jobs")]
    TooLarge {
        /// The guest.
        guest: String,
        /// Memory asked for, in MiB.
        wanted_mib: u64,
        /// Memory that jobs may have, in MiB.
        has_mib: u64,
    },
    /// A guest asks for more CPUs than jobs may have.
    #[error("guest {guest:?} asks for {wanted} CPUs, and there are {has} for jobs")]
    TooManyCpus {
        /// The guest.
        guest: String,
        /// CPUs asked for.
        wanted: u32,
        /// CPUs that jobs may have.
        has: u32,
    },
    /// A flake can't be rendered.
    #[error("rendering the runner of guest {guest:?}")]
    Render {
        /// The guest.
        guest: String,
        /// Why.
        source: flake::FlakeError,
    },
}

/// Returns what a guest is made from: what is written, or what is usual on a host of this system.
#[must_use]
pub fn base(guest: &Guest, system: &str) -> Base {
    let usual = if system.ends_with("-linux") || guest.kernel.is_some() { Base::Host } else { Base::Nixos };
    guest.base.unwrap_or(usual)
}

/// Refuses a guest that would never run.
pub(super) fn check_size(name: &str, guest: &Guest, budget: Budget) -> Result<(), PlanError> {
    let name = name.to_owned();
    if guest.memory_mib > budget.memory_mib {
        Err(PlanError::TooLarge { guest: name, wanted_mib: guest.memory_mib, has_mib: budget.memory_mib })
    } else if guest.vcpu > budget.cpus {
        Err(PlanError::TooManyCpus { guest: name, wanted: guest.vcpu, has: budget.cpus })
    } else {
        Ok(())
    }
}

/// Renders the flake of a guest's runner; base `none` has none.
pub(super) fn render(name: &str, guest: &Guest, input: &PlanInput<'_>) -> Result<Option<RenderedFlake>, PlanError> {
    let (facts, hypervisor) = (input.facts, input.hypervisor);
    let missing = |fact: &MissingFact| PlanError::Missing { guest: name.to_owned(), fact: fact.clone() };
    let system = facts.guest_system();
    let of_nix = NixGuest {
        host: &facts.system,
        system: &system,
        packages: &guest.packages,
        dev_shell: guest.dev_shell.as_deref(),
        modules: &guest.modules,
        project: input.project,
        allow_local_inputs: input.allow_local_inputs,
    };
    let rendered = match base(guest, &facts.system) {
        Base::Host if !hypervisor.read_only_shares => {
            let why = "a guest of base `host` has the host's /usr, which it couldn't be kept from changing";
            return Err(PlanError::Unfit { guest: name.to_owned(), hypervisor: hypervisor.name, why });
        }
        Base::Host => {
            let kernel = facts.kernels.get(&guest.kernel).ok_or_else(|| {
                missing(&MissingFact { reason: "no kernel was looked for".to_owned(), hint: "pikaci check".to_owned() })
            })?;
            let kernel = kernel.as_ref().map_err(missing)?;
            let busybox = facts.busybox.as_ref().map_err(missing)?;
            flake::render_host(&facts.system, kernel, busybox)
        }
        Base::Nix => flake::render_nix(of_nix, if hypervisor.host_store { Store::Host } else { Store::Disk }),
        Base::Nixos => flake::render_nixos(of_nix),
        Base::None => return Ok(None),
    };
    rendered.map(Some).map_err(|source| PlanError::Render { guest: name.to_owned(), source })
}

/// Returns what the project chose of a guest.
pub(super) fn choices(guest: &Guest, input: &PlanInput<'_>) -> GuestChoices {
    let base = base(guest, &input.facts.system);
    GuestChoices {
        base,
        kernel: guest.kernel.is_some(),
        dev_shell: guest.dev_shell.is_some(),
        modules: !guest.modules.is_empty(),
        own_lock: matches!(base, Base::Nix | Base::Nixos) && input.project.0.contains_key("flake.lock"),
    }
}

/// Returns what a guest sees of the host.
#[must_use]
pub fn shares(guest: &Guest, facts: &HostFacts, hypervisor: &Capabilities, snapshot: &Digest) -> Vec<Share> {
    let share = |tag: &str, source, mount_point: &str| Share {
        tag: tag.to_owned(),
        source,
        mount_point: mount_point.to_owned(),
        read_only: true,
    };
    let userland = match base(guest, &facts.system) {
        Base::Host => Some(share("usr", ShareSource::HostUserland, "/usr")),
        Base::Nix if hypervisor.host_store => Some(share("store", ShareSource::HostStore, "/nix/store")),
        Base::Nix => Some(share("store", ShareSource::StoreDisk, "/nix/store")),
        // A NixOS mounts its store itself before it is ready.
        Base::Nixos | Base::None => None,
    };
    let workspace = share("workspace", ShareSource::Snapshot(snapshot.clone()), WORKSPACE);
    userland.into_iter().chain([workspace]).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{PlanError, check_size, render, shares};
    use crate::config::{self, Config};
    use crate::flake::ProjectFiles;
    use crate::id::Digest;
    use crate::plan::facts::{HostFacts, MissingFact};
    use crate::plan::hypervisor::{Capabilities, Hypervisor};
    use crate::plan::select::{Changes, select};
    use crate::plan::{Asked, Budget, PlanInput};

    const QEMU: Capabilities = Capabilities {
        hypervisor: Hypervisor::Qemu,
        name: "QEMU",
        read_only_shares: true,
        host_store: true,
        programs: &[],
    };
    const VFKIT: Capabilities = Capabilities {
        hypervisor: Hypervisor::Vfkit,
        name: "vfkit",
        read_only_shares: false,
        host_store: false,
        programs: &[],
    };

    /// Returns the files of a guest's flake, and the tags of its shares, or why there are none.
    fn made(guest: &str, system: &str, hypervisor: &Capabilities) -> Result<(Vec<String>, Vec<String>), PlanError> {
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
        };
        let selection = select(&config, &[], &Changes::NotCompared(String::new())).unwrap();
        let (snapshot, project) = (Digest::of(b""), ProjectFiles::default());
        let input = PlanInput {
            config: &config,
            selection: &selection,
            facts: &facts,
            snapshot: &snapshot,
            hypervisor,
            project: &project,
            budget: Budget::of(Asked::default(), &facts),
            allow_local_inputs: false,
        };
        check_size("g", &config.guests["g"], input.budget)?;
        let flake = render("g", &config.guests["g"], &input)?.unwrap();
        let tags = shares(&config.guests["g"], input.facts, input.hypervisor, input.snapshot)
            .into_iter()
            .map(|share| share.tag)
            .collect();
        Ok((flake.files.into_keys().collect(), tags))
    }

    #[test]
    fn the_host_and_its_hypervisor_say_what_a_guest_is_made_from() {
        let has = |made: &(Vec<String>, Vec<String>), file: &str| made.0.iter().any(|name| name == file);
        let mac = made("{ }", "aarch64-darwin", &VFKIT).unwrap();
        assert!(has(&mac, "guest/guest-module.nix") && mac.1 == ["workspace"], "{mac:?}");
        let fast = made(r#"{ base = "nix"; }"#, "aarch64-darwin", &VFKIT).unwrap();
        assert!(has(&fast, "guest/init.sh") && fast.1 == ["store", "workspace"], "{fast:?}");
        // On Linux it is the host's own kernel, of which this one has none.
        let linux = made("{ }", "x86_64-linux", &QEMU);
        assert!(matches!(&linux, Err(PlanError::Missing { fact, .. }) if fact.reason == "there is none"), "{linux:?}");
        assert!(made(r#"{ base = "nixos"; }"#, "x86_64-linux", &QEMU).is_ok());
    }

    #[test]
    fn what_the_hypervisor_cannot_do_is_refused() {
        let refused = made(r#"{ base = "host"; }"#, "x86_64-linux", &VFKIT);
        assert!(matches!(refused, Err(PlanError::Unfit { hypervisor: "vfkit", .. })), "{refused:?}");
        let large = made(r#"{ base = "nix"; memory = "9G"; }"#, "x86_64-linux", &QEMU);
        assert!(matches!(large, Err(PlanError::TooLarge { wanted_mib: 9216, .. })), "{large:?}");
        let wide = made(r#"{ base = "nix"; vcpu = 2; }"#, "x86_64-linux", &QEMU);
        assert!(matches!(wide, Err(PlanError::TooManyCpus { wanted: 2, has: 1, .. })), "{wide:?}");
    }
}

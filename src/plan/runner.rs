//! A guest to the runner that it boots, and to what it sees of the host.

use super::PlanInput;
use super::build::WORKSPACE;
use super::facts::{HostFacts, MissingFact};
use super::record::{Share, ShareSource};
use crate::config::{Base, Guest};
use crate::flake::{self, NixGuest, RenderedFlake, Store};

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
    /// A guest asks for more than the machine has.
    #[error("guest {guest:?} asks for {wanted_mib} MiB of memory, and this machine has {has_mib} MiB")]
    TooLarge {
        /// The guest.
        guest: String,
        /// Memory asked for, in MiB.
        wanted_mib: u64,
        /// Memory of the machine, in MiB.
        has_mib: u64,
    },
    /// A flake can't be rendered.
    #[error("rendering the runner of guest {guest:?}: {source}")]
    Render {
        /// The guest.
        guest: String,
        /// Why.
        source: flake::FlakeError,
    },
}

/// Returns what a guest is made from: what is written, or what is usual on this host.
fn base(guest: &Guest, facts: &HostFacts) -> Base {
    let usual = if facts.system.ends_with("-linux") || guest.kernel.is_some() { Base::Host } else { Base::Nixos };
    guest.base.unwrap_or(usual)
}

/// Renders the flake of a guest's runner.
pub(super) fn render(name: &str, guest: &Guest, input: &PlanInput<'_>) -> Result<RenderedFlake, PlanError> {
    let (facts, hypervisor) = (input.facts, input.hypervisor);
    let missing = |fact: &MissingFact| PlanError::Missing { guest: name.to_owned(), fact: fact.clone() };
    if guest.memory_mib > facts.memory_mib {
        let guest_name = name.to_owned();
        return Err(PlanError::TooLarge { guest: guest_name, wanted_mib: guest.memory_mib, has_mib: facts.memory_mib });
    }
    let system = facts.guest_system();
    let of_nix = NixGuest {
        host: &facts.system,
        system: &system,
        packages: &guest.packages,
        dev_shell: guest.dev_shell.as_deref(),
        modules: &guest.modules,
        project: input.project,
    };
    let rendered = match base(guest, facts) {
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
    };
    rendered.map_err(|source| PlanError::Render { guest: name.to_owned(), source })
}

/// Returns what a guest sees of the host.
pub(super) fn shares(guest: &Guest, input: &PlanInput<'_>) -> Vec<Share> {
    let share = |tag: &str, source, mount_point: &str| Share {
        tag: tag.to_owned(),
        source,
        mount_point: mount_point.to_owned(),
        read_only: true,
    };
    let userland = match base(guest, input.facts) {
        Base::Host => Some(share("usr", ShareSource::HostUserland, "/usr")),
        Base::Nix if input.hypervisor.host_store => Some(share("store", ShareSource::HostStore, "/nix/store")),
        Base::Nix => Some(share("store", ShareSource::StoreDisk, "/nix/store")),
        // It mounts its store itself before it is ready.
        Base::Nixos => None,
    };
    let workspace = share("workspace", ShareSource::Snapshot(input.snapshot.clone()), WORKSPACE);
    userland.into_iter().chain([workspace]).collect()
}

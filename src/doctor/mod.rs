//! Whether jobs can run on this machine, judged from what was gathered of it: `pikaci doctor` tells all of it,
//! `pikaci run` what stops every job.

mod acceleration;
mod builder;
#[cfg(test)]
mod fixture;
mod isolation;
mod machine;
mod nix;
mod program;
mod version;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

pub use acceleration::{Acceleration, NO_GUEST, closed};
pub use builder::Settings;
pub use isolation::{Isolation, MORE_FILES, isolation};
pub use machine::{Disk, LOWER_MEMORY, Use};
pub use nix::{Asked, ELSEWHERE, SeenNix, Store, denied, ignored_builders, too_old, unconfined};
pub use program::{Seen, program};
pub use version::{Implementation, NixVersion, of_nix as nix_version};

use crate::plan::facts::HostFacts;
use crate::plan::hypervisor::Capabilities;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Jobs can run, but something isn't as good as it could be.
    Warning,
    /// No job can run, or one of them can't.
    Problem,
}

impl Level {
    /// Returns the word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about, in a word.
    pub topic: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    fn ok(topic: &str, what: impl Into<String>) -> Self {
        Self { topic: topic.to_owned(), level: Level::Ok, what: what.into(), remedy: None }
    }

    fn new(level: Level, topic: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level, remedy: Some(remedy.into()), ..Self::ok(topic, what) }
    }

    /// Returns something that isn't as good as it could be.
    pub fn warning(topic: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Level::Warning, topic, what, remedy)
    }

    /// Returns something that lets no job run, or not every job.
    pub fn problem(topic: &str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Level::Problem, topic, what, remedy)
    }
}

/// What was gathered of a machine.
#[derive(Clone, Debug)]
pub struct Examination<'a> {
    /// What boots guests here.
    pub hypervisor: &'a Capabilities,
    /// What the machine is and has.
    pub facts: &'a HostFacts,
    /// What Nix says, where there is one.
    pub nix: Option<SeenNix>,
    /// True if builders were named that aren't those of Nix's configuration.
    pub has_builders: bool,
    /// The hypervisor's programs that are here, by the names that it has for them.
    pub programs: BTreeMap<&'static str, Seen>,
    /// The confinement of a guest's programs, where there is something that confines.
    pub isolation: Option<Isolation>,
    /// Number of files that the daemon of a share may hold open, if there is such a daemon.
    pub open_files: Option<u64>,
    /// The control group below which a guest's processes have limits, if there is one; `None` where no group has any.
    pub control_group: Option<Option<PathBuf>>,
    /// How fast guests can be.
    pub acceleration: Acceleration,
    /// Whether a project asks for what the facts and the guests are about.
    pub needed: bool,
    /// The guests that jobs have, with their memory in MiB.
    pub guests: BTreeMap<String, u64>,
    /// The memory that is free, in MiB, where the machine tells it.
    pub available_mib: Option<u64>,
    /// The disks.
    pub disks: Vec<Disk>,
    /// The state folder, or why it can't be used and what to do about it.
    pub state: Option<Result<PathBuf, (String, String)>>,
    /// Why nothing is known of a project.
    pub missing: Option<Finding>,
}

/// Judges a machine.
#[must_use]
pub fn findings(seen: &Examination<'_>) -> Vec<Finding> {
    let mut findings = nix::findings(seen.nix.as_ref(), seen.facts, seen.has_builders);
    let arch = seen.facts.arch();
    findings.extend(seen.hypervisor.programs.iter().map(|each| program(each, arch, seen.programs.get(each.name))));
    findings.extend(seen.isolation.as_ref().map(isolation));
    findings.extend(seen.open_files.map(isolation::open_files));
    findings.extend(seen.control_group.as_ref().map(|group| isolation::limits(group.as_deref())));
    findings.extend(acceleration::acceleration(&seen.acceleration));
    findings.extend(machine::kernels(seen.facts, seen.needed));
    findings.push(machine::memory(&seen.guests, seen.facts.memory_mib, seen.available_mib));
    findings.extend(seen.disks.iter().map(machine::disk));
    findings.extend(seen.state.as_ref().map(machine::state));
    findings.extend(seen.missing.clone());
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::fixture::facts;
    use super::{
        Acceleration, Asked, Examination, Finding, Level, Seen, SeenNix, Settings, Store, findings, nix_version,
    };
    use crate::plan::hypervisor::{Capabilities, Hypervisor, Program};

    const VFKIT: Capabilities = Capabilities {
        hypervisor: Hypervisor::Vfkit,
        name: "vfkit",
        read_only_shares: false,
        host_store: false,
        programs: &[Program { name: "vfkit", oldest: Some((0, 6)), install: "so" }],
    };

    /// What is found of a Mac with these settings of Nix and this vfkit, but for what is as it should be.
    fn mac(settings: &str, vfkit: &str, can: bool) -> Vec<Finding> {
        let asked = Asked {
            flakes: Some(String::new()),
            settings: Settings::parse(settings, &|_: &Path| None).map_err(|error| error.to_string()),
            store: Store::Opens { address: "daemon".to_owned(), trusts: true },
        };
        let seen = Examination {
            hypervisor: &VFKIT,
            facts: &facts("aarch64-darwin"),
            nix: Some(SeenNix {
                program: "/bin/nix".into(),
                version: nix_version("nix (Nix) 2.31.1").ok_or_else(String::new),
                asked: Some(asked),
            }),
            programs: BTreeMap::from([(
                "vfkit",
                Seen { path: "/bin/vfkit".into(), said: Some(vfkit.to_owned()), failed: None },
            )]),
            has_builders: false,
            isolation: None,
            open_files: None,
            control_group: None,
            acceleration: Acceleration::Mac(Some(can), None),
            needed: true,
            guests: BTreeMap::from([("default".to_owned(), 1024)]),
            available_mib: None,
            disks: Vec::new(),
            state: None,
            missing: None,
        };
        findings(&seen).into_iter().filter(|finding| finding.level > Level::Ok).collect()
    }

    #[test]
    fn a_mac_has_vfkit_and_a_builder_and_needs_no_kernel() {
        let builder = r#"{ "builders": { "value": "ssh-ng://builder@linux-builder aarch64-linux" } }"#;
        assert_eq!(mac(builder, "vfkit version: v0.6.4", true), []);
        let worse = mac("{}", "vfkit version: v0.6.1", false);
        let worse: Vec<(&str, Level)> = worse.iter().map(|finding| (finding.topic.as_str(), finding.level)).collect();
        let (warning, problem) = (Level::Warning, Level::Problem);
        assert_eq!(worse, [("builder", problem), ("vfkit", warning), ("virtualization", problem)]);
        let old = mac(builder, "vfkit version: v0.5.1", true);
        assert_eq!(old[0].what, "/bin/vfkit is version 0.5.1, and vfkit 0.6 or newer is needed");
    }
}

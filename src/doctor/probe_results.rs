//! Everything that was probed on a machine, and the findings about it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::acceleration::{Acceleration, check_acceleration};
use super::installed_nix::{InstalledNix, check_nix};
use super::installed_program::{InstalledProgram, check_program};
use super::isolation::{check_control_group, check_isolation, check_open_files};
use super::machine::{Disk, check_disk, check_kernels, check_memory, check_state};
use crate::facts::HostFacts;
use crate::plan::hypervisor::Capabilities;
use crate::tools::{Finding, Isolation};

/// Everything that was probed on a machine.
#[derive(Clone, Debug)]
pub struct ProbeResults<'a> {
    /// Hypervisor that boots guests on the machine.
    pub hypervisor: &'a Capabilities,
    /// Facts about the machine.
    pub facts: &'a HostFacts,
    /// Nix, if it is installed.
    pub nix: Option<InstalledNix>,
    /// True if builders were named on the command line or in the environment.
    pub has_builders: bool,
    /// Installed programs of the hypervisor, by [`crate::tools::Program::name`].
    pub programs: BTreeMap<&'static str, InstalledProgram>,
    /// Confinement of a guest's programs, if a program for it is installed.
    pub isolation: Option<Isolation>,
    /// Number of files that the daemon of a share may hold open, if the hypervisor needs such a daemon.
    pub open_files: Option<u64>,
    /// Delegated control group, if there is one; the outer `None` means that the hypervisor uses no control group.
    pub control_group: Option<Option<PathBuf>>,
    /// Speed of guests.
    pub acceleration: Acceleration,
    /// True if the facts and the guests are those of a project, not defaults.
    pub needed: bool,
    /// Guests of jobs, with their memory in MiB.
    pub guests: BTreeMap<String, u64>,
    /// Free memory, in MiB, if the machine reports it.
    pub available_mib: Option<u64>,
    /// Disks that pikaci writes to.
    pub disks: Vec<Disk>,
    /// State folder, or the reason why it can't be used and the remedy.
    pub state: Option<Result<PathBuf, (String, String)>>,
    /// Finding about a project that is missing or can't be read.
    pub missing: Option<Finding>,
}

/// Returns the findings about a machine, in the order in which a job needs their subjects.
#[must_use]
pub fn diagnose(results: &ProbeResults<'_>) -> Vec<Finding> {
    let arch = results.facts.arch();
    let programs = results.hypervisor.programs.iter();
    let mut findings = check_nix(results.nix.as_ref(), results.facts, results.has_builders);
    findings.extend(programs.map(|program| check_program(program, arch, results.programs.get(program.name))));
    findings.extend(results.isolation.as_ref().map(check_isolation));
    findings.extend(results.open_files.map(check_open_files));
    findings.extend(results.control_group.as_ref().map(|group| check_control_group(group.as_deref())));
    findings.extend(check_acceleration(&results.acceleration));
    findings.extend(check_kernels(results.facts, results.needed));
    findings.push(check_memory(&results.guests, results.facts.memory_mib, results.available_mib));
    findings.extend(results.disks.iter().map(check_disk));
    findings.extend(results.state.as_ref().map(check_state));
    findings.extend(results.missing.clone());
    findings
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::fixture::facts;
    use super::super::{Acceleration, InstalledNix, InstalledProgram, NixAnswers, NixSettings};
    use super::{ProbeResults, diagnose};
    use crate::plan::hypervisor::{Capabilities, Hypervisor};
    use crate::tools::{Finding, Level, NixVersion, Program, StoreAccess};

    const VFKIT: Capabilities = Capabilities {
        hypervisor: Hypervisor::Vfkit,
        name: "vfkit",
        read_only_shares: false,
        secrets: false,
        host_store: false,
        programs: &[Program { name: "vfkit", oldest: Some((0, 6)), install: "so" }],
    };

    /// Returns the warnings and problems of a Mac with these settings of Nix, this version of vfkit and support for
    /// guests.
    fn mac(settings: &str, vfkit: &str, runs_guests: bool) -> Vec<Finding> {
        let answers = NixAnswers {
            flakes: Some(String::new()),
            settings: NixSettings::parse(settings, &|_: &Path| None).map_err(|error| error.to_string()),
            store: StoreAccess::Opens { address: "daemon".to_owned(), trusts: true },
        };
        let results = ProbeResults {
            hypervisor: &VFKIT,
            facts: &facts("aarch64-darwin"),
            nix: Some(InstalledNix {
                program: "/bin/nix".into(),
                version: NixVersion::parse("nix (Nix) 2.31.1").ok_or_else(String::new),
                answers: Some(answers),
            }),
            programs: BTreeMap::from([(
                "vfkit",
                InstalledProgram { path: "/bin/vfkit".into(), version_output: Some(vfkit.to_owned()), fault: None },
            )]),
            has_builders: false,
            isolation: None,
            open_files: None,
            control_group: None,
            acceleration: Acceleration::Mac(Some(runs_guests), None),
            needed: true,
            guests: BTreeMap::from([("default".to_owned(), 1024)]),
            available_mib: None,
            disks: Vec::new(),
            state: None,
            missing: None,
        };
        diagnose(&results).into_iter().filter(|finding| finding.level > Level::Ok).collect()
    }

    #[test]
    fn a_mac_needs_vfkit_and_a_builder_but_no_kernel() {
        let builder = r#"{ "builders": { "value": "ssh-ng://builder@linux-builder aarch64-linux" } }"#;
        assert_eq!(mac(builder, "vfkit version: v0.6.4", true), []);
        let worse = mac("{}", "vfkit version: v0.6.1", false);
        let worse: Vec<(&str, Level)> = worse.iter().map(|finding| (finding.topic.as_str(), finding.level)).collect();
        let (warning, problem) = (Level::Warning, Level::Problem);
        assert_eq!(worse, [("builder", problem), ("vfkit", warning), ("virtualization", problem)]);
        let old = mac(builder, "vfkit version: v0.5.1", true);
        assert_eq!(old[0].message, "/bin/vfkit is version 0.5.1, and vfkit 0.6 or newer is needed");
    }
}

//! The policy of a machine: limits that the operator sets on the choices of projects. Pure.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::config::{self, Base, Network};
use crate::id::JobId;
use crate::plan::RunPlanRecord;
use crate::plan::record::{Place, PlannedJob};

/// The version of policy.json that this pikaci reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The limits for jobs; a project chooses freely where a key is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, in any combination")]
pub struct Policy {
    /// The version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub version: u32,
    /// The bases that guests may have. Base `none` also takes `--allow-unisolated`.
    pub bases: BTreeSet<Base>,
    /// The most that jobs may reach.
    pub network: Network,
    /// True if jobs may be root in their guests.
    pub run_as_root: bool,
    /// True if a guest of base `host` may name its kernel.
    pub kernel: bool,
    /// True if a guest may have the programs of a dev shell of the project's flake.
    pub dev_shell: bool,
    /// True if a guest of base `nixos` may have modules of the project.
    pub modules: bool,
    /// True if a guest may be built from the inputs in the project's flake.lock.
    pub own_lock: bool,
    /// The most memory that a guest may have: `"512M"` or `"8G"`.
    #[serde(rename = "memory", deserialize_with = "read_memory")]
    #[schemars(with = "Option<String>")]
    pub memory_mib: Option<u64>,
    /// The most CPUs that a guest may have.
    pub vcpu: Option<u32>,
}

fn read_memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let memory = config::mebibytes(&text).filter(|mib| *mib > 0);
    memory.map(Some).ok_or_else(|| D::Error::custom(format!("memory can't be {text:?}: write it like \"8G\"")))
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: SCHEMA_VERSION,
            bases: [Base::Host, Base::Nix, Base::Nixos, Base::None].into(),
            network: Network::Host,
            run_as_root: true,
            kernel: true,
            dev_shell: true,
            modules: true,
            own_lock: true,
            memory_mib: None,
            vcpu: None,
        }
    }
}

/// A job that asks for more than it may have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {job} {what}, which {by} doesn't leave to the project")]
pub struct Violation {
    /// The job.
    pub job: JobId,
    /// The request that goes too far.
    pub what: String,
    /// The key of the policy.
    pub key: &'static str,
    /// The name of the policy.
    pub by: String,
}

impl Policy {
    /// Reads a policy from the text of a JSON object.
    ///
    /// # Errors
    /// When it is none, or holds what no policy has.
    pub fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let object: Map<String, Value> = serde_json::from_slice(text)?;
        serde_json::from_value(object.into())
    }

    /// Returns the policy for a change by somebody who isn't trusted: a job gets a machine, and nothing that it asks for
    /// besides.
    #[must_use]
    pub fn untrusted() -> Self {
        Self {
            bases: [Base::Host, Base::Nix, Base::Nixos].into(),
            network: Network::None,
            run_as_root: false,
            kernel: false,
            dev_shell: false,
            modules: false,
            own_lock: false,
            ..Self::default()
        }
    }

    /// Refuses a plan with a job that exceeds the policy; `by` names the policy in the error.
    ///
    /// # Errors
    /// When there is such a job: the first one.
    pub fn check(&self, plan: &RunPlanRecord, by: &str) -> Result<(), Violation> {
        for job in plan.jobs() {
            if let Some((key, what)) = self.excess(job) {
                return Err(Violation { job: job.job.clone(), what, key, by: by.to_owned() });
            }
        }
        Ok(())
    }

    fn allows_any_guest(&self) -> bool {
        self.bases == Self::default().bases && self.kernel && self.dev_shell && self.modules && self.own_lock
    }

    /// Returns what a job has that it may not have: the key, and what it asks for.
    fn excess(&self, job: &PlannedJob) -> Option<(&'static str, String)> {
        let choices = match &job.place {
            Place::LocalCommand { .. } if !self.bases.contains(&Base::None) => {
                return Some(("bases", "runs on this machine itself (base `none`)".to_owned()));
            }
            Place::LocalCommand { .. } => return None,
            Place::VmCommand { choices, .. } => choices,
        };
        let said = |key, what: &str| Some((key, what.to_owned()));
        if job.network > self.network {
            return said("network", "asks for a network");
        }
        if job.run_as_root && !self.run_as_root {
            return said("runAsRoot", "runs as root of its guest");
        }
        if let Some(most) = self.memory_mib.filter(|most| job.memory_mib > *most) {
            return Some(("memory", format!("has {} MiB of memory, more than {most} MiB", job.memory_mib)));
        }
        if let Some(most) = self.vcpu.filter(|most| job.vcpu > *most) {
            return Some(("vcpu", format!("has {} CPUs, more than {most}", job.vcpu)));
        }
        let Some(choices) = choices else {
            let unrecorded = "was planned by a pikaci that didn't record what the project chose of its guest";
            return if self.allows_any_guest() { None } else { said("bases", unrecorded) };
        };
        if !self.bases.contains(&choices.base) {
            return Some(("bases", format!("has a guest of base `{}`", choices.base.name())));
        }
        [
            (choices.kernel, self.kernel, "kernel", "has a guest that names its kernel"),
            (choices.dev_shell, self.dev_shell, "devShell", "has a guest with a dev shell of the project"),
            (choices.modules, self.modules, "modules", "has a guest with NixOS modules of the project"),
            (choices.own_lock, self.own_lock, "ownLock", "has a guest made from what the project's flake.lock names"),
        ]
        .into_iter()
        .find(|(chosen, allowed, ..)| *chosen && !allowed)
        .map(|(_, _, key, what)| (key, what.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Policy;
    use crate::config::{Base, Network};
    use crate::id::Digest;
    use crate::plan::fixture::{job, node, plan};
    use crate::plan::hypervisor::Hypervisor;
    use crate::plan::record::{Deadlines, GuestChoices, Place, PlannedJob, Work};

    /// Returns a job in a guest that asks for nothing.
    fn modest() -> PlannedJob {
        let choices =
            GuestChoices { base: Base::Host, kernel: false, dev_shell: false, modules: false, own_lock: false };
        let place = Place::VmCommand {
            hypervisor: Hypervisor::Qemu,
            flake_digest: Digest::of(b""),
            deadlines: Deadlines { boot_secs: 1, job_secs: 1, collect_secs: 1 },
            shares: Vec::new(),
            choices: Some(choices),
        };
        PlannedJob { place, network: Network::None, ..job("a") }
    }

    fn with(change: impl FnOnce(&mut GuestChoices)) -> PlannedJob {
        let mut job = modest();
        if let Place::VmCommand { choices: Some(choices), .. } = &mut job.place {
            change(choices);
        }
        job
    }

    /// Returns the key of the policy that a job goes against.
    fn refused(policy: &Policy, job: PlannedJob) -> Option<&'static str> {
        let plan = plan(vec![node("execute:a", &[], Work::Execute { execute: Box::new(job) })]);
        policy.check(&plan, "the policy").err().map(|violation| violation.key)
    }

    #[test]
    fn each_key_forbids_what_it_names_and_nothing_else() {
        let (all, untrusted) = (Policy::default(), Policy::untrusted());
        let unrecorded = {
            let mut job = modest();
            if let Place::VmCommand { choices, .. } = &mut job.place {
                *choices = None;
            }
            job
        };
        for (key, job) in [
            ("bases", job("a")),
            ("bases", unrecorded),
            ("network", PlannedJob { network: Network::Outside, ..modest() }),
            ("network", PlannedJob { network: Network::Host, ..modest() }),
            ("runAsRoot", PlannedJob { run_as_root: true, ..modest() }),
            ("kernel", with(|choices| choices.kernel = true)),
            ("devShell", with(|choices| choices.dev_shell = true)),
            ("modules", with(|choices| choices.modules = true)),
            ("ownLock", with(|choices| choices.own_lock = true)),
        ] {
            assert_eq!(refused(&untrusted, job.clone()), Some(key));
            assert_eq!(refused(&all, job), None, "{key}");
        }
        assert_eq!(refused(&untrusted, modest()), None);
        let small = Policy { memory_mib: Some(512), vcpu: Some(2), ..Policy::default() };
        assert_eq!(refused(&small, PlannedJob { memory_mib: 513, ..modest() }), Some("memory"));
        assert_eq!(refused(&small, PlannedJob { vcpu: 3, ..modest() }), Some("vcpu"));
        assert_eq!(refused(&small, PlannedJob { memory_mib: 512, vcpu: 2, ..modest() }), None);
        let outside = Policy { network: Network::Outside, ..Policy::default() };
        assert_eq!(refused(&outside, PlannedJob { network: Network::Outside, ..modest() }), None);
        assert_eq!(refused(&outside, PlannedJob { network: Network::Host, ..modest() }), Some("network"));
    }

    #[test]
    fn a_policy_is_written_like_a_job_file() {
        let text = r#"{ "bases": ["host"], "network": true, "runAsRoot": false, "memory": "4G" }"#;
        let policy = Policy::parse(text.as_bytes()).unwrap();
        let expected = Policy {
            bases: [Base::Host].into(),
            network: Network::Outside,
            run_as_root: false,
            memory_mib: Some(4096),
            ..Policy::default()
        };
        assert_eq!(policy, expected);
        for wrong in [
            r#"{ "runAsroot": false }"#,
            r#"{ "bases": ["docker"] }"#,
            r#"{ "network": "all" }"#,
            r#"{ "memory": 4 }"#,
            "[]",
        ] {
            assert!(Policy::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}

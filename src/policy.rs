//! Policy of a host: the operator's limits on what a job file may choose. Pure.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::config::{self, Base, Network, SecretKind};
use crate::id::JobId;
use crate::plan::RunPlanRecord;
use crate::plan::record::{JobExecutor, PlannedJob};

/// Version of policy.json that this pikaci reads.
pub const SCHEMA_VERSION: u32 = 1;

/// The operator's limits on jobs. Where a key is absent, the project chooses freely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own, in any combination")]
pub struct Policy {
    /// Version of this format.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub version: u32,
    /// Bases that guests may have. Base `none` also requires `--allow-unisolated`.
    pub bases: BTreeSet<Base>,
    /// Widest network that jobs may have.
    pub network: Network,
    /// True if jobs may run as root of their guests.
    pub run_as_root: bool,
    /// True if a guest of base `host` may choose its kernel.
    pub kernel: bool,
    /// True if a guest may use a dev shell of the project's flake.
    pub dev_shell: bool,
    /// True if a guest of base `nixos` may use NixOS modules of the project.
    pub modules: bool,
    /// True if a guest may be built from the inputs of the project's flake.lock.
    pub own_lock: bool,
    /// True if a guest of base `host` may see folders of the host that the project names. This also requires
    /// `--allow-host-folders`.
    pub host_folders: bool,
    /// True if jobs may get files that git ignores.
    pub ignored_files: bool,
    /// True if jobs may inherit variables of the environment.
    pub inherit_env: bool,
    /// Kinds of sources from which jobs may get secrets. Files also require `--allow-secret-files`, and commands
    /// `--allow-secret-commands`.
    pub secrets: BTreeSet<SecretKind>,
    /// Maximum memory of a guest: `"512M"` or `"8G"`.
    #[serde(rename = "memory", deserialize_with = "read_memory")]
    #[schemars(with = "Option<String>")]
    pub memory_mib: Option<u64>,
    /// Maximum size of the disk of a guest: `"512M"` or `"20G"`.
    #[serde(rename = "disk", deserialize_with = "read_disk")]
    #[schemars(with = "Option<String>")]
    pub disk_mib: Option<u64>,
    /// Maximum number of virtual CPUs of a guest.
    pub vcpu: Option<u32>,
}

fn read_memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    read_size("memory", deserializer)
}

fn read_disk<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    read_size("disk", deserializer)
}

fn read_size<'de, D: Deserializer<'de>>(key: &str, deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let size = config::parse_mebibytes(&text).filter(|mib| *mib > 0);
    size.map(Some).ok_or_else(|| D::Error::custom(format!("{key} can't be {text:?}: write it like \"8G\"")))
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
            host_folders: true,
            ignored_files: true,
            inherit_env: true,
            secrets: SecretKind::all(),
            memory_mib: None,
            disk_mib: None,
            vcpu: None,
        }
    }
}

/// Request of a job that exceeds a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {job} {request}, which {policy} doesn't allow")]
pub struct Violation {
    /// The job.
    pub job: JobId,
    /// The refused request, as the predicate of a sentence about the job.
    pub request: String,
    /// Key of the policy that refuses the request.
    pub key: &'static str,
    /// Name of the policy for messages: its file, or an option.
    pub policy: String,
}

impl Policy {
    /// Parses the text of a policy.json.
    ///
    /// # Errors
    /// When the text isn't a JSON object, or has an unknown key or an invalid value.
    pub fn parse(text: &[u8]) -> serde_json::Result<Self> {
        let object: Map<String, Value> = serde_json::from_slice(text)?;
        serde_json::from_value(object.into())
    }

    /// Returns the policy of `--untrusted`: a job runs in a guest, without a network, without root, and without a kernel,
    /// a dev shell, modules or a flake.lock of the project.
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
            host_folders: false,
            ignored_files: false,
            inherit_env: false,
            secrets: BTreeSet::new(),
            ..Self::default()
        }
    }

    /// Checks that no job of a plan exceeds the policy; `name` is the name of the policy in the error.
    ///
    /// # Errors
    /// When a job exceeds the policy; the error is about the first one.
    pub fn check(&self, plan: &RunPlanRecord, name: &str) -> Result<(), Violation> {
        let ignored = plan.include.first().filter(|_| !self.ignored_files);
        for job in plan.jobs() {
            let includes = |glob: &String| ("ignoredFiles", format!("gets files that git ignores (`{glob}`)"));
            if let Some((key, request)) = ignored.map(includes).or_else(|| self.excess(job)) {
                return Err(Violation { job: job.job.clone(), request, key, policy: name.to_owned() });
            }
        }
        Ok(())
    }

    fn allows_any_guest(&self) -> bool {
        self.bases == Self::default().bases
            && self.kernel
            && self.dev_shell
            && self.modules
            && self.own_lock
            && self.host_folders
    }

    /// Returns the first request of a job that the policy refuses, after the key that refuses it.
    fn excess(&self, job: &PlannedJob) -> Option<(&'static str, String)> {
        if !job.inherited.is_empty() && !self.inherit_env {
            let names: Vec<&str> = job.inherited.iter().map(String::as_str).collect();
            return Some(("inheritEnv", format!("inherits {} from the environment", names.join(", "))));
        }
        if let Some(secret) = job.secrets.iter().find(|secret| !self.secrets.contains(&secret.source.kind())) {
            return Some(("secrets", format!("gets the secret {} from {}", secret.name, secret.source)));
        }
        let choices = match &job.executor {
            JobExecutor::LocalCommand { .. } if !self.bases.contains(&Base::None) => {
                return Some(("bases", "runs on the host itself (base `none`)".to_owned()));
            }
            JobExecutor::LocalCommand { .. } => return None,
            JobExecutor::VmCommand { choices, .. } => choices,
        };
        let refused = |key, request: &str| Some((key, request.to_owned()));
        if job.network > self.network {
            return refused("network", "requests a network");
        }
        if job.run_as_root && !self.run_as_root {
            return refused("runAsRoot", "runs as root of its guest");
        }
        if let Some(most) = self.memory_mib.filter(|most| job.memory_mib > *most) {
            return Some(("memory", format!("has {} MiB of memory, more than {most} MiB", job.memory_mib)));
        }
        if let Some((most, disk)) = self.disk_mib.zip(job.disk_mib).filter(|(most, disk)| disk > most) {
            return Some(("disk", format!("has a disk of {disk} MiB, more than {most} MiB")));
        }
        if let Some(most) = self.vcpu.filter(|most| job.vcpu > *most) {
            return Some(("vcpu", format!("has {} CPUs, more than {most}", job.vcpu)));
        }
        let Some(choices) = choices else {
            let unrecorded = "has a guest whose choices an older pikaci didn't record in the plan";
            return if self.allows_any_guest() { None } else { refused("bases", unrecorded) };
        };
        if !self.bases.contains(&choices.base) {
            return Some(("bases", format!("has a guest of base `{}`", choices.base.name())));
        }
        [
            (choices.kernel, self.kernel, "kernel", "has a guest with a kernel of its own"),
            (choices.dev_shell, self.dev_shell, "devShell", "has a guest with a dev shell of the project"),
            (choices.modules, self.modules, "modules", "has a guest with NixOS modules of the project"),
            (choices.host_folders, self.host_folders, "hostFolders", "has a guest with folders of the host"),
            (
                choices.own_lock,
                self.own_lock,
                "ownLock",
                "has a guest that is built from the inputs of the project's flake.lock",
            ),
        ]
        .into_iter()
        .find(|(chosen, allowed, ..)| *chosen && !allowed)
        .map(|(_, _, key, request)| (key, request.to_owned()))
    }
}

#[cfg(test)]
mod tests;

//! Paths of a run, its jobs and their attempts.

use super::encode_name::encode_name;
use crate::foreign::Beneath;
use crate::id::{Digest, JobId};

/// Name of the record of a job.
const STATUS: &str = "status.json";

/// Name of the lock of a run.
pub const LOCK: &str = "lock";

/// Paths of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLayout {
    root: Beneath,
}

impl RunLayout {
    /// Returns the layout of the run in a folder.
    #[must_use]
    pub fn new(root: Beneath) -> Self {
        Self { root }
    }

    /// Returns the folder of the run.
    #[must_use]
    pub fn root(&self) -> &Beneath {
        &self.root
    }

    /// Returns the lock of the run, which its process holds.
    #[must_use]
    pub fn lock(&self) -> Beneath {
        self.root.join(LOCK)
    }

    /// Returns the file whose presence is a cancel request.
    #[must_use]
    pub fn cancel_request(&self) -> Beneath {
        self.root.join("cancel")
    }

    /// Returns the plan.
    #[must_use]
    pub fn plan(&self) -> Beneath {
        self.root.join("plan.json")
    }

    /// Returns the record of the run.
    #[must_use]
    pub fn record(&self) -> Beneath {
        self.root.join("run.json")
    }

    /// Returns the log of events.
    #[must_use]
    pub fn events(&self) -> Beneath {
        self.root.join("events.jsonl")
    }

    /// Returns the folder of the jobs.
    #[must_use]
    pub fn jobs(&self) -> Beneath {
        self.root.join("jobs")
    }

    /// Returns the log of the build of a flake's runner.
    #[must_use]
    pub fn prepare_log(&self, flake: &Digest) -> Beneath {
        self.root.join(format!("prepare-{}.log", flake.short()))
    }

    /// Returns the layout of a job of the run.
    #[must_use]
    pub fn job(&self, id: &JobId) -> JobLayout {
        JobLayout { root: self.jobs().join(encode_name(id.as_str())) }
    }
}

/// Paths of a job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLayout {
    root: Beneath,
}

impl JobLayout {
    /// Returns the folder of the job.
    #[must_use]
    pub fn root(&self) -> &Beneath {
        &self.root
    }

    /// Returns the record of the job.
    #[must_use]
    pub fn status(&self) -> Beneath {
        self.root.join(STATUS)
    }

    /// Returns the layout of an attempt at the job, from 1.
    #[must_use]
    pub fn attempt(&self, number: u32) -> AttemptLayout {
        AttemptLayout { root: self.root.join("attempts").join(number.to_string()) }
    }
}

/// Paths of an attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLayout {
    root: Beneath,
}

impl AttemptLayout {
    /// Returns the layout of an attempt without a run.
    #[must_use]
    pub fn new(root: Beneath) -> Self {
        Self { root }
    }

    /// Returns the folder of the attempt.
    #[must_use]
    pub fn root(&self) -> &Beneath {
        &self.root
    }

    /// Returns the log of pikaci and the hypervisor.
    #[must_use]
    pub fn host_log(&self) -> Beneath {
        self.root.join("host.log")
    }

    /// Returns the log of the guest kernel's console.
    #[must_use]
    pub fn console_log(&self) -> Beneath {
        self.root.join("console.log")
    }

    /// Returns the log of the job: its output, byte for byte.
    #[must_use]
    pub fn guest_log(&self) -> Beneath {
        self.root.join("guest.log")
    }

    /// Returns the folder of the artifacts.
    #[must_use]
    pub fn artifacts(&self) -> Beneath {
        self.root.join("artifacts")
    }

    /// Returns the manifest of the artifacts.
    #[must_use]
    pub fn manifest(&self) -> Beneath {
        self.root.join("manifest.json")
    }

    /// Returns the record of the job of an attempt without a run.
    #[must_use]
    pub fn status(&self) -> Beneath {
        self.root.join(STATUS)
    }
}

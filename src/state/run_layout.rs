//! The paths of a run.

use super::name::encode_name;
use crate::foreign::Beneath;
use crate::id::JobId;

/// The name of the file that is locked while a run is running.
pub const LOCK: &str = "lock";

/// The paths of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLayout {
    root: Beneath,
}

impl RunLayout {
    /// Returns the layout of a run in a folder of any name.
    #[must_use]
    pub fn new(root: Beneath) -> Self {
        Self { root }
    }

    /// Returns the run's folder.
    #[must_use]
    pub fn root(&self) -> &Beneath {
        &self.root
    }

    /// Returns the file that is locked while the run is running.
    #[must_use]
    pub fn lock(&self) -> Beneath {
        self.root.join(LOCK)
    }

    /// Returns the file that asks the run to end by being there.
    #[must_use]
    pub fn cancel_request(&self) -> Beneath {
        self.root.join("cancel")
    }

    /// Returns the file of the plan.
    #[must_use]
    pub fn plan(&self) -> Beneath {
        self.root.join("plan.json")
    }

    /// Returns the file of the run's record.
    #[must_use]
    pub fn record(&self) -> Beneath {
        self.root.join("run.json")
    }

    /// Returns the file of the run's events.
    #[must_use]
    pub fn events(&self) -> Beneath {
        self.root.join("events.jsonl")
    }

    /// Returns the folder of the run's jobs.
    #[must_use]
    pub fn jobs(&self) -> Beneath {
        self.root.join("jobs")
    }

    /// Returns the layout of a job of the run.
    #[must_use]
    pub fn job(&self, id: &JobId) -> JobLayout {
        JobLayout { root: self.jobs().join(encode_name(id.as_str())) }
    }
}

/// The paths of a job of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobLayout {
    root: Beneath,
}

impl JobLayout {
    /// Returns the job's folder.
    #[must_use]
    pub fn root(&self) -> &Beneath {
        &self.root
    }

    /// Returns the file of the job's record.
    #[must_use]
    pub fn status(&self) -> Beneath {
        self.root.join("status.json")
    }

    /// Returns the layout of an attempt at the job; the first is 1.
    #[must_use]
    pub fn attempt(&self, number: u32) -> AttemptLayout {
        AttemptLayout { root: self.root.join("attempts").join(number.to_string()) }
    }
}

/// The paths of an attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLayout {
    root: Beneath,
}

impl AttemptLayout {
    /// Returns the layout of an attempt that belongs to no run.
    #[must_use]
    pub fn new(root: Beneath) -> Self {
        Self { root }
    }

    /// Returns the attempt's folder.
    #[must_use]
    pub fn root(&self) -> &Beneath {
        &self.root
    }

    /// Returns the log of what the host did.
    #[must_use]
    pub fn host_log(&self) -> Beneath {
        self.root.join("host.log")
    }

    /// Returns the log of the guest's console.
    #[must_use]
    pub fn console_log(&self) -> Beneath {
        self.root.join("console.log")
    }

    /// Returns the output of the job, byte for byte.
    #[must_use]
    pub fn guest_log(&self) -> Beneath {
        self.root.join("guest.log")
    }

    /// Returns the folder of the files that the job left.
    #[must_use]
    pub fn artifacts(&self) -> Beneath {
        self.root.join("artifacts")
    }

    /// Returns the list of the files that the job left.
    #[must_use]
    pub fn manifest(&self) -> Beneath {
        self.root.join("manifest.json")
    }
}

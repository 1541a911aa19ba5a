//! The context of an attempt at a job on this host.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::job_caches::CacheHost;
use super::job_inputs::JobInput;
use super::launcher::Launcher;
use crate::cancel::Cancel;
use crate::guest::ControlLine;
use crate::prepare::Runner;
use crate::quota::Quota;
use crate::secret::Secrets;
use crate::snapshot::GuestRepository;
use crate::state::AttemptLayout;

/// Context of an attempt at a job on this host, created once for each attempt.
#[derive(Clone, Copy)]
pub struct HostContext<'a> {
    /// Folder of the attempt.
    pub layout: &'a AttemptLayout,
    /// The snapshot of the source tree.
    pub snapshot_dir: &'a Path,
    /// The artifacts of other jobs for the workspace.
    pub inputs: &'a [JobInput],
    /// The repository for jobs that get one.
    pub repository: Option<&'a GuestRepository>,
    /// The means to boot a guest; `None` for a job without one.
    pub guest_host: Option<GuestHost<'a>>,
    /// The caches of this host; `None` outside of a run.
    pub caches: Option<CacheHost<'a>>,
    /// Variables that describe the attempt, for every command of the job.
    pub run_env: &'a BTreeMap<String, String>,
    /// The part of the environment that jobs without a guest see.
    pub env: &'a BTreeMap<String, String>,
    /// The parent of the folders in which jobs without a guest run.
    pub local_folder: &'a Path,
    /// The secrets of the run.
    pub secrets: &'a Secrets,
    /// The disk quota of the run.
    pub quota: &'a Quota,
    /// The cancel request.
    pub cancel: &'a Cancel,
    /// Function that is called with each control line of a guest; a job without a guest sends those of its steps and
    /// services.
    pub on_control: &'a dyn Fn(&ControlLine),
}

impl<'a> HostContext<'a> {
    /// Returns the repository for jobs that get one.
    ///
    /// # Errors
    /// When the run was started without it.
    pub fn repository(&self) -> Result<&'a GuestRepository> {
        self.repository.context("the run was started without the repository of the project")
    }
}

/// The means to boot a guest.
#[derive(Clone, Copy)]
pub struct GuestHost<'a> {
    /// The hypervisor and its programs.
    pub launcher: Launcher<'a>,
    /// The runner that the guest boots.
    pub runner: &'a Runner,
    /// Architecture of the host and its guests.
    pub arch: &'a str,
    /// User id of pikaci.
    pub uid: u32,
}

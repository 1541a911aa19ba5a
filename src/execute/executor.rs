//! The way into this room: runs one attempt at a job, in a guest or on the host.

use anyhow::{Context as _, Result};

use super::host_context::HostContext;
use super::{local_job, vm_job};
use crate::event::JobEnd;
use crate::failpoint::{self, Point};
use crate::plan::record::{JobExecutor, PlannedJob};

/// Runs one attempt at a job to its end.
///
/// # Errors
/// When the infrastructure fails: folders, disks, processes.
pub fn run(context: &HostContext<'_>, job: &PlannedJob) -> Result<JobEnd> {
    let folder = context.layout.root();
    let created = failpoint::checkpoint(Point::AttemptFolder).and_then(|()| folder.make_folders());
    created.with_context(|| format!("making {}", folder.display()))?;
    match &job.executor {
        JobExecutor::VmCommand { deadlines, shares, .. } => vm_job::run(context, job, *deadlines, shares),
        JobExecutor::LocalCommand { .. } => local_job::run(context, job),
    }
}

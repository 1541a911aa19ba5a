//! One attempt at a job, in a guest or on the host itself.

use anyhow::{Context as _, Result};

use super::host_context::HostContext;
use super::{local_job, vm_job};
use crate::event::JobEnd;
use crate::failpoint::{self, Point};
use crate::plan::record::{Place, PlannedJob};

/// Runs one attempt at a job to its end.
///
/// # Errors
/// When the infrastructure fails: folders, disks, processes.
pub fn run(context: &HostContext<'_>, job: &PlannedJob) -> Result<JobEnd> {
    let folder = context.layout.root();
    let made = failpoint::turn(Point::AttemptFolder).and_then(|()| folder.make_folders());
    made.with_context(|| format!("making {}", folder.display()))?;
    match &job.place {
        Place::VmCommand { deadlines, shares, .. } => vm_job::run(context, job, *deadlines, shares),
        Place::LocalCommand { .. } => local_job::run(context, job),
    }
}

//! The request to a guest to run a job.

#![expect(clippy::disallowed_methods, reason = "reads the clock")]

use crate::config::Network;
use crate::guest::{Access, Mount, Request};
use crate::plan::record::{PlannedJob, Share, ShareSource};

/// Builds the request for a job that runs as the user `uid` of the guest.
pub(super) fn build_request(job: &PlannedJob, shares: &[Share], uid: u32) -> Request {
    Request {
        command: job.command.clone(),
        env: job.env.clone(),
        workdir: job.workdir.clone(),
        uid,
        timeout_secs: job.timeout_secs,
        artifacts: job.artifacts.clone(),
        shares: shares
            .iter()
            .map(|share| Mount {
                tag: share.tag.clone(),
                mount_point: share.mount_point.clone(),
                access: match share.source {
                    ShareSource::Snapshot(_) if job.writable_workspace => Access::Overlay,
                    ShareSource::StoreDisk => Access::Disk,
                    _ => Access::ReadOnly,
                },
            })
            .collect(),
        network: job.network != Network::None,
        epoch_secs: u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default(),
    }
}

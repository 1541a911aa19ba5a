//! The result of `pikaci exec`.

use super::Page;
use super::duration::duration;
use super::warnings::warnings;
use crate::record::JobRecord;
use crate::text::{LINE, MESSAGE, cut};

/// Renders the result of a job that ran alone, with the evidence if it didn't pass. The output of the job is on the
/// screen already.
#[must_use]
pub fn exec(job: &JobRecord) -> Page {
    let took = job.started_at.zip(job.finished_at).map(|(from, to)| duration(from, to)).unwrap_or_default();
    let mut page = Page::default();
    for line in &job.exit.reason.evidence {
        page.line(format!("    {}", cut(line, LINE)));
    }
    if job.log_cut {
        page.line("    [the log is cut: bytes of the output are missing]");
    }
    for warning in warnings(job) {
        page.line(format!("pikaci: {}: {warning}", job.id));
    }
    let message = job.exit.reason.message.as_deref().map(|message| format!(": {}", cut(message, MESSAGE)));
    let allowed = if job.allowed { " (allowed)" } else { "" };
    page.line(format!("pikaci: {} {}{allowed} in {took}{}", job.id, job.status.word(), message.unwrap_or_default()));
    page
}

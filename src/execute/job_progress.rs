//! The messages about a job that failed or was stopped, for guests and for jobs without one.

use crate::event::{Outcome, Reason};
use crate::guest::CommandEnd;
use crate::plan::record::PlannedJob;
use crate::text::quote;

/// The hint for a job that takes too long.
const LATE_HINT: &str = "raise the job's `timeout` in pikaci.nix, or check in its log where the command got stuck";

/// The progress of a job up to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobProgress {
    /// True if the job exceeded its timeout.
    pub deadline: bool,
    /// True if the job printed nothing for too long.
    pub stalled: bool,
    /// The first step that didn't pass, its end, and true if it exceeded its timeout.
    pub failed_step: Option<(u8, CommandEnd, bool)>,
    /// The service because of which no step ran, and its end unless it was late.
    pub unready_service: Option<(u8, Option<CommandEnd>)>,
}

impl JobProgress {
    /// Returns outcome, exit code and reason of a job that was stopped, or whose services weren't ready.
    #[must_use]
    pub fn stopped(&self, job: &PlannedJob, code: i32) -> Option<(Outcome, Option<i32>, Reason)> {
        let timed_out = |message: String, hint: &str| Some((Outcome::TimedOut, Some(code), Reason::new(message, hint)));
        if self.deadline {
            let message = format!("the command didn't end within its timeout of {} s", job.timeout_secs);
            return timed_out(message, LATE_HINT);
        }
        if self.stalled {
            let message = format!("the job printed nothing for {} s", job.stall_secs.unwrap_or_default());
            return timed_out(message, "raise the job's `stall` in pikaci.nix, or check where the command got stuck");
        }
        if let Some((service, end)) = self.unready_service {
            let service = job.services.get(usize::from(service))?;
            let message = match end {
                Some(end) => format!("the service {} {} before it was ready", service.name, end.text()),
                None => format!("the service {} wasn't ready within {} s", service.name, service.timeout_secs),
            };
            let hint = format!("pikaci logs --job {} --service {}", quote(job.job.as_str()), quote(&service.name));
            return Some((Outcome::Failed, None, Reason::new(message, hint)));
        }
        let (step, _, true) = self.failed_step? else { return None };
        let step = job.steps.get(usize::from(step))?;
        let secs = step.timeout_secs.unwrap_or_default();
        let hint = "raise the step's `timeout` in pikaci.nix, or check in its log where the command got stuck";
        timed_out(format!("step {} didn't end within its timeout of {secs} s", step.name), hint)
    }

    /// Returns the end of a job as a sentence, which names the step that failed.
    #[must_use]
    pub fn end(&self, job: &PlannedJob, exit: CommandEnd) -> String {
        let step = self.failed_step.and_then(|(step, ..)| job.steps.get(usize::from(step)));
        match step {
            Some(step) => format!("step {}: the command {}", step.name, exit.text()),
            None => format!("the command {}", exit.text()),
        }
    }
}

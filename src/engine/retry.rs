//! The retries of a job, as a value without effects.

use crate::event::{JobEnd, Outcome};

/// The remaining retries of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Remaining retries after a command that failed or timed out.
    of_command: u32,
    /// Remaining retries after a lost guest.
    of_infra: u32,
}

impl Retries {
    /// Returns the retries of a job before its first attempt.
    pub fn new(of_command: u32, of_infra: u32) -> Self {
        Self { of_command, of_infra }
    }

    /// Uses up a retry after an attempt and returns true, or returns false if the job gets no other attempt. A command
    /// that failed or timed out uses up a retry of the command, a lost guest a retry of the infrastructure.
    pub fn use_up(&mut self, end: &JobEnd) -> bool {
        let remaining = match end.outcome {
            Outcome::Failed | Outcome::TimedOut => &mut self.of_command,
            Outcome::Errored if end.retryable => &mut self.of_infra,
            _ => return false,
        };
        let has_retry = *remaining > 0;
        *remaining = remaining.saturating_sub(1);
        has_retry
    }
}

#[cfg(test)]
mod tests {
    use super::Retries;
    use crate::event::{JobEnd, Outcome, Reason};

    fn end(outcome: Outcome, retryable: bool) -> JobEnd {
        JobEnd { retryable, ..JobEnd::without_output(outcome, Reason::default()) }
    }

    #[test]
    fn a_lost_guest_uses_up_no_retry_of_the_command() {
        let (failed, late) = (end(Outcome::Failed, false), end(Outcome::TimedOut, false));
        let lost = end(Outcome::Errored, true);
        let mut retries = Retries::new(2, 1);
        assert_eq!([&failed, &lost, &late, &lost].map(|end| retries.use_up(end)), [true, true, true, false]);
        assert!(!retries.use_up(&failed));
    }

    #[test]
    fn an_end_that_would_repeat_gets_no_retry() {
        for outcome in [Outcome::Passed, Outcome::Cancelled, Outcome::Errored, Outcome::Skipped] {
            assert!(!Retries::new(9, 9).use_up(&end(outcome, false)), "{outcome:?}");
        }
    }
}

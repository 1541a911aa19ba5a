//! Whether a job that didn't pass is tried once more: bookkeeping without effects.

use crate::record::Outcome;

/// What is left of the attempts at a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// How often its command may fail again.
    retries: u32,
    /// How often what should run it may break again.
    infra_retries: u32,
}

/// How an attempt ended, as far as another one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether the guest was lost, which another one may not be.
    pub lost: bool,
}

impl Attempts {
    /// Begins with none made.
    pub fn new(retries: u32, infra_retries: u32) -> Self {
        Self { retries, infra_retries }
    }

    /// Takes the end of an attempt, and returns whether there is to be another: a command that failed or took too long
    /// uses up one kind of retry, and a guest that was lost the other.
    pub fn again(&mut self, end: AttemptEnd) -> bool {
        let left = match end.outcome {
            Outcome::Failed | Outcome::TimedOut => &mut self.retries,
            Outcome::Errored if end.lost => &mut self.infra_retries,
            _ => return false,
        };
        let again = *left > 0;
        *left = left.saturating_sub(1);
        again
    }
}

#[cfg(test)]
mod tests {
    use super::{AttemptEnd, Attempts};
    use crate::record::Outcome;

    #[test]
    fn a_lost_guest_uses_up_no_retry_of_the_job() {
        let failed = AttemptEnd { outcome: Outcome::Failed, lost: false };
        let late = AttemptEnd { outcome: Outcome::TimedOut, lost: false };
        let lost = AttemptEnd { outcome: Outcome::Errored, lost: true };
        let mut attempts = Attempts::new(2, 1);
        assert_eq!([failed, lost, late, lost].map(|end| attempts.again(end)), [true, true, true, false]);
        assert!(!attempts.again(failed));
    }

    #[test]
    fn what_another_attempt_would_not_mend_is_not_tried_again() {
        for outcome in [Outcome::Passed, Outcome::Cancelled, Outcome::Errored, Outcome::Skipped] {
            assert!(!Attempts::new(9, 9).again(AttemptEnd { outcome, lost: false }), "{outcome:?}");
        }
    }
}

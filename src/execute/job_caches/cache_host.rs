//! The caches of this host, and the rules of keeping content.

use anyhow::Result;

use crate::event::{CacheEnd, CacheStart, CacheUse, Outcome};
use crate::id::RunId;
use crate::plan::PlannedCache;
use crate::state::StateLayout;
use crate::state::caches::{CacheLimits, StoredGeneration, evict_generations};

/// The caches of this host for the attempts of a run.
#[derive(Clone, Copy, Debug)]
pub struct CacheHost<'a> {
    /// The state folder.
    pub state: &'a StateLayout,
    /// The run.
    pub run_id: &'a RunId,
    /// The operator's limits.
    pub limits: CacheLimits,
}

/// The content of a cache after an attempt.
pub(super) type Left = (CacheEnd, Option<String>);

impl CacheHost<'_> {
    /// Removes old generations while the caches exceed the limits, after a new one was made.
    pub(super) fn keep_within_limits(&self, made: &StoredGeneration) -> Result<Left> {
        evict_generations(self.state, self.limits)?;
        if made.folder.is_there() {
            Ok((CacheEnd::Kept, None))
        } else {
            Ok(dropped("it exceeds the limits of all caches"))
        }
    }
}

/// Returns the reason for which a content isn't kept, after an attempt with this outcome.
pub(super) fn refusal(cache: &PlannedCache, outcome: Outcome) -> Option<Left> {
    let keeps =
        outcome == Outcome::Passed || cache.keeps_failures && matches!(outcome, Outcome::Failed | Outcome::TimedOut);
    if cache.read_only {
        Some(dropped("the run isn't trusted"))
    } else if keeps {
        None
    } else {
        Some(dropped("the job didn't pass"))
    }
}

/// Returns the end of a content that isn't kept.
pub(super) fn dropped(reason: impl Into<String>) -> Left {
    (CacheEnd::Dropped, Some(reason.into()))
}

/// Returns the use of a cache; an error means that the content isn't kept.
pub(super) fn cache_use(
    cache: &PlannedCache,
    start: CacheStart,
    reason: Option<String>,
    left: Result<Left>,
) -> CacheUse {
    let (left, left_reason) = left.unwrap_or_else(|error| dropped(format!("{error:#}")));
    CacheUse { cache: cache.name.clone(), got: start, got_reason: reason, left, left_reason }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{PlannedCache, refusal};
    use crate::event::Outcome;

    #[test]
    fn content_is_kept_after_a_pass_and_after_allowed_failures() {
        use Outcome::{Cancelled, Errored, Failed, Passed, TimedOut};

        let cache = |keeps_failures, read_only| PlannedCache {
            name: "c".to_owned(),
            path: "c".to_owned(),
            size_mib: 64,
            scope: String::new(),
            key: BTreeMap::new(),
            single_flight: true,
            keeps_failures,
            read_only,
            filled_by: None,
        };
        let kept = |cache: &PlannedCache| {
            [Passed, Failed, TimedOut, Errored, Cancelled]
                .into_iter()
                .filter(|one| refusal(cache, *one).is_none())
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(&cache(false, false)), [Passed]);
        assert_eq!(kept(&cache(true, false)), [Passed, Failed, TimedOut]);
        assert_eq!(kept(&cache(true, true)), []);
    }
}

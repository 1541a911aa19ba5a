//! The caches of this host, and the rules of keeping content.

use anyhow::{Context as _, Result};

use crate::event::{CacheEnd, CacheStart, CacheUse, Outcome};
use crate::id::{JobId, RunId};
use crate::plan::PlannedCache;
use crate::state::StateLayout;
use crate::state::caches::{
    CacheFolder, CacheLimits, DraftGeneration, OpenedCache, StoredGeneration, evict_generations,
};

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

/// A cache that is open for an attempt at a job.
pub(super) struct JobCache<'a> {
    host: CacheHost<'a>,
    job: &'a JobId,
    pub(super) planned: &'a PlannedCache,
    pub(super) opened: OpenedCache,
}

impl<'a> JobCache<'a> {
    /// Opens a cache of a job.
    pub(super) fn open(host: Option<CacheHost<'a>>, job: &'a JobId, planned: &'a PlannedCache) -> Result<Self> {
        let host = host.context("a job outside of a run has no caches")?;
        let opened = CacheFolder::of(host.state, planned).open(&planned.key)?;
        Ok(Self { host, job, planned, opened })
    }

    /// Makes an empty generation.
    pub(super) fn draft(&self) -> Result<DraftGeneration> {
        DraftGeneration::make(self.host.state, self.planned, self.host.run_id, self.job)
    }

    /// Commits a generation, and closes the cache before, so that the generation that it replaces can be removed.
    pub(super) fn commit(self, draft: DraftGeneration) -> Result<Left> {
        drop(self.opened);
        let made = draft.commit()?;
        self.host.keep_within_limits(&made)
    }
}

/// The content of a cache after an attempt.
pub(super) type Left = (CacheEnd, Option<String>);

impl CacheHost<'_> {
    /// Removes old generations while the caches exceed the limits, after a new one was made.
    fn keep_within_limits(&self, made: &StoredGeneration) -> Result<Left> {
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

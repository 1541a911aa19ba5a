//! Earlier results in a plan.

use std::collections::BTreeMap;

use super::record::RunPlanRecord;
use crate::id::{Digest, RunId};

/// Lets each job of a plan that takes earlier results take the one with its result key.
pub fn take_results(plan: &mut RunPlanRecord, results: &BTreeMap<Digest, RunId>) {
    for job in plan.jobs_mut().filter(|job| job.cache) {
        job.taken_from = job.result_key.as_ref().and_then(|key| results.get(&key.digest)).cloned();
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, keyed};
    use super::take_results;
    use crate::id::RunId;
    use crate::plan::record::{PlannedJob, Work};

    #[test]
    fn only_a_job_that_takes_results_takes_the_one_with_its_key() {
        let node = |job: PlannedJob| {
            let id = format!("execute:{}", job.job);
            fixture::node(&id, &[], Work::Execute { execute: Box::new(job) })
        };
        let [one, other] = [0, 1].map(|files| keyed(fixture::job("a"), &[], files, 0));
        let off = PlannedJob { cache: false, ..one.clone() };
        let results = [(one.result_key.as_ref().unwrap().digest.clone(), RunId::new("r"))].into();
        let mut plan = fixture::plan(vec![node(one), node(other), node(off)]);
        take_results(&mut plan, &results);
        let taken: Vec<Option<RunId>> = plan.jobs().map(|job| job.taken_from.clone()).collect();
        assert_eq!(taken, [Some(RunId::new("r")), None, None]);
    }
}

//! Earlier results in a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::record::RunPlanRecord;
use crate::id::{Digest, RunId};

/// Lets each job of a plan that takes earlier results take the one with its result key. A job with inputs does so only
/// together with the jobs that they come from, whose artifacts may differ after another run of the same command.
pub fn take_results(plan: &mut RunPlanRecord, results: &BTreeMap<Digest, RunId>) {
    let mut taken = BTreeSet::new();
    for job in plan.jobs_mut().filter(|job| job.cache) {
        if job.inputs.iter().all(|input| taken.contains(&input.job)) {
            job.taken_from = job.result_key.as_ref().and_then(|key| results.get(&key.digest)).cloned();
        }
        if job.taken_from.is_some() {
            taken.insert(job.job.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, keyed};
    use super::take_results;
    use crate::id::{JobId, RunId};
    use crate::plan::record::{PlannedInput, PlannedJob, Work};

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

    #[test]
    fn a_job_takes_a_result_only_together_with_its_inputs() {
        let with_input = |id: &str, from: &str| {
            let input = PlannedInput { name: from.to_owned(), job: JobId::new(from), to: String::new(), run: None };
            keyed(PlannedJob { inputs: vec![input], ..fixture::job(id) }, &[], 0, 0)
        };
        let node =
            |job: PlannedJob| fixture::node(job.job.as_str(), &[], Work::Execute { execute: Box::new(job.clone()) });
        let jobs =
            [keyed(fixture::job("a"), &[], 0, 0), with_input("b", "a"), with_input("c", "b"), with_input("d", "x")];
        let key = |job: &PlannedJob| (job.result_key.as_ref().unwrap().digest.clone(), RunId::new("r"));
        for (kept, expected) in [(&jobs[..], "a b c"), (&jobs[1..], ""), (&jobs[..1], "a")] {
            let mut plan = fixture::plan(jobs.iter().cloned().map(node).collect());
            take_results(&mut plan, &kept.iter().map(key).collect());
            let taken: Vec<&str> =
                plan.jobs().filter(|job| job.taken_from.is_some()).map(|job| job.job.as_str()).collect();
            assert_eq!(taken.join(" "), expected);
        }
    }
}

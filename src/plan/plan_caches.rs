//! Caches in a plan: those of a job, the jobs that fill them, and runs that may not change them.

use std::collections::BTreeMap;

use super::guest_base::guest_base;
use super::plan_input::PlanInput;
use super::planned_cache::PlannedCache;
use super::record::RunPlanRecord;
use crate::config::Job;
use crate::id::JobId;

/// Returns the caches of a job. Each base, guest and system has generations of its own, and so has root, whose files
/// other users can't change.
pub(super) fn planned_caches(job: &Job, input: &PlanInput<'_>) -> Vec<PlannedCache> {
    let base = guest_base(&input.config.guests[&job.guest], &input.facts.system).name();
    let user = if job.run_as_root { " as root" } else { "" };
    let scope = format!("{} {base} {}{user}", job.guest, input.facts.system);
    let cache = |name: &String| {
        let cache = &input.config.caches[name];
        let digest = |glob: &String| {
            let files = input.files.get(std::slice::from_ref(glob)).unwrap_or(input.tree);
            (glob.clone(), files.clone())
        };
        PlannedCache {
            name: name.clone(),
            path: cache.path.clone(),
            size_mib: cache.size_mib,
            scope: scope.clone(),
            key: cache.key.iter().map(digest).collect(),
            single_flight: cache.single_flight,
            keeps_failures: cache.keeps_failures,
            read_only: false,
            filled_by: None,
        }
    };
    job.caches.iter().map(cache).collect()
}

/// Lets of several jobs with a cache that has no content for them the first one fill it, and the others wait for the end
/// of that one. `is_warm` returns whether a cache has a generation for its key.
pub fn fill_caches(plan: &mut RunPlanRecord, is_warm: &dyn Fn(&PlannedCache) -> bool) {
    let mut filling: BTreeMap<(String, String, BTreeMap<_, _>), JobId> = BTreeMap::new();
    for job in plan.jobs_mut().filter(|job| job.taken_from.is_none()) {
        for cache in job.caches.iter_mut().filter(|cache| cache.single_flight && !cache.read_only) {
            let content = (cache.name.clone(), cache.scope.clone(), cache.key.clone());
            if let Some(first) = filling.get(&content) {
                cache.filled_by = Some(first.clone());
            } else if !is_warm(cache) {
                filling.insert(content, job.job.clone());
            }
        }
    }
}

/// Makes the jobs of a plan leave no content in caches.
pub fn protect_caches(plan: &mut RunPlanRecord) {
    for cache in plan.jobs_mut().flat_map(|job| &mut job.caches) {
        (cache.read_only, cache.filled_by) = (true, None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::{PlannedCache, fill_caches, protect_caches};
    use crate::id::{Digest, RunId};
    use crate::plan::record::{PlannedJob, Work};

    fn cache(name: &str, key: u8) -> PlannedCache {
        PlannedCache {
            name: name.to_owned(),
            path: "c".to_owned(),
            size_mib: 64,
            scope: "default host x".to_owned(),
            key: [("*.lock".to_owned(), Digest::of(&[key]))].into(),
            single_flight: true,
            keeps_failures: false,
            read_only: false,
            filled_by: None,
        }
    }

    #[test]
    fn the_first_job_with_a_cold_cache_fills_it() {
        let job = |id: &str, caches: Vec<PlannedCache>| PlannedJob { caches, ..fixture::job(id) };
        let every = PlannedCache { single_flight: false, ..cache("a", 1) };
        let taken = PlannedJob { taken_from: Some(RunId::new("r")), ..job("0", vec![cache("a", 1)]) };
        let jobs = [
            taken,
            job("1", vec![cache("a", 1), cache("warm", 1)]),
            job("2", vec![cache("b", 1), cache("a", 1), cache("warm", 1)]),
            job("3", vec![every, cache("b", 1)]),
            job("4", vec![cache("a", 2)]),
        ];
        let nodes =
            jobs.map(|job| fixture::node(job.job.as_str(), &[], Work::Execute { execute: Box::new(job.clone()) }));
        let mut plan = fixture::plan(nodes.to_vec());
        fill_caches(&mut plan, &|cache| cache.name == "warm");
        let filled = |plan: &crate::plan::RunPlanRecord| -> Vec<String> {
            let caches = plan.jobs().flat_map(|job| &job.caches);
            caches.map(|cache| cache.filled_by.as_ref().map_or("-", |job| job.as_str()).to_owned()).collect()
        };
        assert_eq!(filled(&plan).join(" "), "- - - - 1 - - 2 -");
        protect_caches(&mut plan);
        assert!(plan.jobs().flat_map(|job| &job.caches).all(|cache| cache.read_only && cache.filled_by.is_none()));
    }
}

//! The jobs that take earlier results, and those that have a result key.

use std::collections::BTreeSet;

use super::guest_base::guest_base;
use super::select::Selection;
use crate::config::{Base, Config, Job, Network, ResultCache};
use crate::guest::When;
use crate::id::JobId;

/// Returns the reason for which a job runs each time, or `None` if it takes earlier results.
#[must_use]
pub fn cache_refusal(config: &Config, job: &Job, system: &str) -> Option<&'static str> {
    let sources = job.inputs.values().flat_map(|input| &input.from);
    let runs_each_time = |source: &JobId| own_refusal(config, &config.jobs[source], system).is_some();
    own_refusal(config, job, system).or_else(|| {
        sources.into_iter().any(runs_each_time).then_some("a job of its `inputs` runs each time, with other artifacts")
    })
}

/// Returns the reason for which a job without inputs runs each time.
fn own_refusal(config: &Config, job: &Job, system: &str) -> Option<&'static str> {
    let guest = &config.guests[&job.guest];
    match job.cache {
        ResultCache::Off => Some("`cache` is off"),
        _ if job.when != When::Passed => Some("it also runs after failures"),
        ResultCache::On if guest_base(guest, system) == Base::None => {
            Some("it runs on this machine itself, which takes `cache = \"trust\"`")
        }
        ResultCache::On if job.network != Network::None => Some("it has a network, which takes `cache = \"trust\"`"),
        ResultCache::On if !guest.host_folders.is_empty() => {
            Some("it sees `hostFolders`, which takes `cache = \"trust\"`")
        }
        ResultCache::On | ResultCache::Trust => None,
    }
}

/// Returns the selected jobs that have a result key: those that take earlier results, and all jobs that they need. A job
/// that runs without a job that it needs has no result key.
#[must_use]
pub fn keyed_jobs<'a>(config: &'a Config, selection: &Selection, system: &str) -> BTreeSet<&'a JobId> {
    let mut keyed = BTreeSet::new();
    for (id, job) in &config.jobs {
        if selection.jobs.contains(id) && cache_refusal(config, job, system).is_none() {
            let (mut closure, mut open) = (BTreeSet::new(), vec![id]);
            while let Some(id) = open.pop() {
                if closure.insert(id) {
                    open.extend(&config.jobs[id].needs);
                }
            }
            if closure.iter().all(|id| selection.jobs.contains(*id)) {
                keyed.extend(closure);
            }
        }
    }
    keyed
}

#[cfg(test)]
mod tests {
    use super::super::SelectionRequest;
    use super::super::select::{Changes, select};
    use super::{cache_refusal, keyed_jobs};
    use crate::config;
    use crate::id::JobId;

    const CONFIG: &str = r#"{
      guests = { here.base = "none"; wide = { base = "host"; hostFolders = [ "/opt" ]; }; nix.base = "nix"; };
      defaults = { cache = true; guest = "nix"; };
      jobs = {
        off = { command = "x"; cache = false; artifacts = [ "x" ]; };
        on = { command = "x"; needs = [ "off" ]; };
        net = { command = "x"; network = true; };
        trusted = { command = "x"; network = true; cache = "trust"; };
        here = { command = "x"; guest = "here"; };
        wide = { command = "x"; guest = "wide"; };
        always = { command = "x"; when = "always"; cache = "trust"; };
        alone = { command = "x"; cache = false; };
        fed = { command = "x"; inputs.x.from = "off"; };
      };
    }"#;

    #[test]
    fn a_job_that_sees_more_than_its_key_covers_runs_each_time() {
        let config = config::read("pikaci.nix", CONFIG).unwrap();
        let takes = |job: &&JobId| cache_refusal(&config, &config.jobs[*job], "x86_64-linux").is_none();
        let taking: Vec<&str> = config.jobs.keys().filter(takes).map(JobId::as_str).collect();
        assert_eq!(taking, ["on", "trusted"]);
    }

    #[test]
    fn jobs_with_a_result_key_are_selected_with_all_jobs_that_they_need() {
        let config = config::read("pikaci.nix", CONFIG).unwrap();
        let keyed = |request: &SelectionRequest| {
            let selection = select(&config, request, &Changes::NotCompared(String::new())).unwrap();
            keyed_jobs(&config, &selection, "x86_64-linux").into_iter().map(JobId::as_str).collect::<Vec<_>>()
        };
        assert_eq!(keyed(&SelectionRequest::default()), ["off", "on", "trusted"]);
        let only = SelectionRequest { names: vec!["on".to_owned()], only: true, ..SelectionRequest::default() };
        assert_eq!(keyed(&only), Vec::<&str>::new());
    }
}

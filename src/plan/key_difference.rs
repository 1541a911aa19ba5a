//! The parts in which the result keys of a job in two plans differ.

use std::collections::BTreeSet;

use super::key_parts::{FILES, NEED, key_parts};
use super::record::PlannedJob;
use crate::id::JobId;

/// A part in which two result keys differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDifference {
    /// The files that the job depends on.
    Files,
    /// The result key of a job that it needs.
    Need(JobId),
    /// Another part.
    Part {
        /// Its name for people.
        name: String,
        /// The value before; `None` if the job had no such part.
        before: Option<String>,
        /// The value after; `None` if the job has no such part.
        after: Option<String>,
    },
}

/// Returns the parts in which the result keys of a job differ; none if one of them has no result key.
#[must_use]
pub fn key_differences(before: &PlannedJob, after: &PlannedJob) -> Vec<KeyDifference> {
    let parts = |job: &PlannedJob| job.result_key.as_ref().map(|key| key_parts(job, key));
    let Some((before, after)) = parts(before).zip(parts(after)) else { return Vec::new() };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let difference = |name: &String| match name.strip_prefix(NEED) {
        _ if name == FILES => KeyDifference::Files,
        Some(need) => KeyDifference::Need(JobId::new(need)),
        None => KeyDifference::Part {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
        },
    };
    names.into_iter().filter(differs).map(difference).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, keyed};
    use super::{KeyDifference, key_differences};
    use crate::config::Network;
    use crate::id::JobId;
    use crate::plan::record::{PlannedInput, PlannedJob};

    #[test]
    fn a_key_differs_exactly_where_the_input_does() {
        let job = || fixture::job("a");
        let input =
            |to: &str| PlannedInput { name: "i".to_owned(), job: JobId::new("b"), to: to.to_owned(), run: None };
        let base = keyed(job(), &["src"], 0, 0);
        let part = |name: &str, before: &str, after: &str| KeyDifference::Part {
            name: name.to_owned(),
            before: Some(before.to_owned()),
            after: Some(after.to_owned()),
        };
        let variable =
            KeyDifference::Part { name: "variable CC".to_owned(), before: None, after: Some("gcc".to_owned()) };
        for (changed, difference) in [
            (keyed(job(), &["src"], 1, 0), KeyDifference::Files),
            (keyed(job(), &["src"], 0, 1), KeyDifference::Need(JobId::new("need"))),
            (keyed(job(), &["doc"], 0, 0), part("paths", "[\"src\"]", "[\"doc\"]")),
            (
                keyed(PlannedJob { command: vec!["x".to_owned()], ..job() }, &["src"], 0, 0),
                part("command", "[]", "[\"x\"]"),
            ),
            (
                keyed(PlannedJob { inputs: vec![input("in")], ..job() }, &["src"], 0, 0),
                KeyDifference::Part { name: "input i of b".to_owned(), before: None, after: Some("in".to_owned()) },
            ),
            (keyed(PlannedJob { network: Network::None, ..job() }, &["src"], 0, 0), part("network", "true", "false")),
            (keyed(PlannedJob { memory_mib: 2, ..job() }, &["src"], 0, 0), part("MiB of memory", "1", "2")),
            (
                keyed(PlannedJob { env: [("CC".to_owned(), "gcc".to_owned())].into(), ..job() }, &["src"], 0, 0),
                variable,
            ),
        ] {
            assert_eq!(key_differences(&base, &changed), [difference]);
            assert_ne!(base.result_key, changed.result_key);
        }
        // Limits and retries don't change a result.
        let other = keyed(PlannedJob { timeout_secs: 9, retries: 3, stall_secs: Some(1), ..job() }, &["src"], 0, 0);
        assert_eq!((key_differences(&base, &other), &other.result_key), (vec![], &base.result_key));
    }
}

//! References: from jobs to jobs and guests, and from targets to jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::guest::DEFAULT_GUEST;
use super::reader::{JobReference, Reader};
use crate::config::eval::Attrs;
use crate::config::problem::{ByteRange, quoted};
use crate::id::JobId;

/// Returns the ids of the named jobs, each once, and records the references for [`check`]; `needed_by` is the job whose
/// `needs` the names are from.
pub(super) fn job_ids(
    reader: &mut Reader,
    names: &[(&Rc<str>, &ByteRange)],
    needed_by: Option<&Rc<str>>,
) -> Vec<JobId> {
    for (name, at) in names {
        let reference = JobReference { needed_by: needed_by.cloned(), name: Rc::clone(name), at: (*at).clone() };
        reader.job_references.push(reference);
    }
    let mut distinct = BTreeSet::new();
    names.iter().map(|(name, _)| &***name).filter(|name| distinct.insert(*name)).map(JobId::new).collect()
}

/// Refuses references to undefined names, names that are both a job and a target, and cycles of `needs`.
pub(super) fn check(reader: &mut Reader, jobs: &Attrs, guests: &Attrs, targets: &Attrs) {
    let references = std::mem::take(&mut reader.job_references);
    for JobReference { name, at, .. } in references.iter().filter(|reference| !jobs.contains_key(&reference.name)) {
        let fallback = if targets.contains_key(name) {
            "this is a target: write the names of jobs"
        } else {
            "define it in `jobs`"
        };
        let hint = reader.suggest(name, jobs.keys().map(|name| &**name), fallback);
        reader.refuse(at, format!("there is no job {}", quoted(name)), hint);
    }
    for (name, at) in std::mem::take(&mut reader.guest_references) {
        if &*name != DEFAULT_GUEST && !guests.contains_key(&name) {
            let valid = guests.keys().map(|name| &**name).chain([DEFAULT_GUEST]);
            let hint = reader.suggest(&name, valid, "define it in `guests`");
            reader.refuse(&at, format!("there is no guest {}", quoted(&name)), hint);
        }
    }
    for (name, attr) in targets.iter().filter(|(name, _)| jobs.contains_key(*name)) {
        let message = format!("{} is a job and a target", quoted(name));
        reader.refuse(&attr.name_at, message, "name one of them differently");
    }
    check_cycles(reader, &references);
}

/// Maximum number of reported cycles: the repair of these often removes the others.
const MAX_CYCLES: usize = 5;

/// A need: the name of the needed job, and the place of the name in the file.
type Need<'r> = (&'r str, &'r ByteRange);

fn check_cycles(reader: &mut Reader, references: &[JobReference]) {
    let mut needs: BTreeMap<&str, Vec<Need>> = BTreeMap::new();
    for JobReference { needed_by, name, at } in references {
        if let Some(job) = needed_by {
            needs.entry(job).or_default().push((name, at));
        }
    }
    for cycle in detect_cycles(&needs) {
        let Some((first, at)) = cycle.first().copied() else { continue };
        let names: Vec<_> = cycle.iter().map(|(name, _)| quoted(name)).collect();
        let message = if names.len() == 1 {
            format!("the job {} needs itself", quoted(first))
        } else if names.len() <= 10 {
            format!("jobs need each other in a cycle: {} → {}", names.join(" → "), names[0])
        } else {
            let count = names.len();
            format!("{count} jobs need each other in a cycle: {} → … → {}", names[..9].join(" → "), names[0])
        };
        reader.refuse(at, message, "remove one of the names from a `needs`");
    }
}

/// Returns at most [`MAX_CYCLES`] cycles, each as its jobs with the place of the name of the next job.
fn detect_cycles<'r>(needs: &BTreeMap<&'r str, Vec<Need<'r>>>) -> Vec<Vec<Need<'r>>> {
    let mut cycles = Vec::new();
    // For each visited job, the index of the next need to follow. All needs are done when the index is at the end.
    let mut next_need: BTreeMap<&str, usize> = BTreeMap::new();
    for start in needs.keys().copied() {
        if next_need.contains_key(start) {
            continue;
        }
        next_need.insert(start, 0);
        let mut path: Vec<&str> = vec![start];
        let mut on_path = BTreeMap::from([(start, 0)]);
        while let Some(job) = path.last().copied().filter(|_| cycles.len() < MAX_CYCLES) {
            let next = next_need.get_mut(job).and_then(|index| {
                let need = needs.get(job)?.get(*index);
                *index += 1;
                need
            });
            match next {
                None => {
                    path.pop();
                    on_path.remove(job);
                }
                Some((need, _)) => {
                    if let Some(position) = on_path.get(need) {
                        cycles.push(with_needs(needs, &next_need, &path[*position..]));
                    } else if !next_need.contains_key(need) {
                        next_need.insert(need, 0);
                        on_path.insert(need, path.len());
                        path.push(need);
                    }
                }
            }
        }
    }
    cycles
}

/// Pairs each job of a path with the place of the need that the path follows.
fn with_needs<'r>(
    needs: &BTreeMap<&'r str, Vec<Need<'r>>>,
    next_need: &BTreeMap<&'r str, usize>,
    path: &[&'r str],
) -> Vec<Need<'r>> {
    let with_need = |job: &&'r str| {
        let (_, at) = needs.get(job)?.get(next_need.get(job)?.checked_sub(1)?)?;
        Some((*job, *at))
    };
    path.iter().filter_map(with_need).collect()
}

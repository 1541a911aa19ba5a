//! References: from jobs to jobs and guests, and from targets to jobs.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{JobReference, Reader};
use crate::config::JobSelector;
use crate::config::eval::Attrs;
use crate::config::guest::DEFAULT_GUEST;
use crate::config::job::Job;
use crate::config::problem::{ByteRange, quoted};
use crate::id::JobId;

/// The needed jobs of each job, each with its place in the file.
pub(super) type Needs = BTreeMap<JobId, Vec<(JobId, ByteRange)>>;

/// The jobs of a file by the names that references use.
pub(super) struct JobNames<'c> {
    jobs: &'c Attrs,
    targets: &'c Attrs,
    /// For each name, the job or the legs of its matrix.
    legs: BTreeMap<&'c str, Vec<(&'c JobId, &'c Job)>>,
}

impl<'c> JobNames<'c> {
    /// Returns the names of the jobs in a file; `jobs` and `targets` are its sections.
    pub(super) fn new(read: &'c BTreeMap<JobId, Job>, jobs: &'c Attrs, targets: &'c Attrs) -> Self {
        let mut legs: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (id, job) in read {
            legs.entry(JobSelector::of_id(id).name).or_default().push((id, job));
        }
        Self { jobs, targets, legs }
    }

    /// Returns the jobs of a reference: a job, all legs of its matrix, or those with the named values.
    pub(super) fn resolve(&self, reader: &mut Reader, text: &str, at: &ByteRange) -> Vec<(&'c JobId, &'c Job)> {
        let selector = JobSelector::parse(text).filter(|selector| self.jobs.contains_key(selector.name));
        let Some(selector) = selector else {
            let fallback = match text {
                target if self.targets.contains_key(target) => "this is a target: write the names of jobs",
                _ if text.contains('[') => "write the name of a job, or `name[axis=value]` for legs of its matrix",
                _ => "define it in `jobs`",
            };
            let hint = reader.suggest(text, self.jobs.keys().map(|name| &**name), fallback);
            reader.refuse(at, format!("there is no job {}", quoted(text)), hint);
            return Vec::new();
        };
        // A job with an error has no legs here.
        let Some(legs) = self.legs.get(selector.name) else { return Vec::new() };
        let matching: Vec<_> =
            legs.iter().copied().filter(|(id, _)| selector.matches_axes(&JobSelector::of_id(id))).collect();
        if matching.is_empty() {
            let example = legs.first().map(|(id, _)| quoted(id.as_str())).unwrap_or_default();
            reader.refuse(
                at,
                format!("{} is no leg of that job", quoted(text)),
                format!("one of its legs is {example}"),
            );
        }
        matching
    }

    /// Returns the ids of the jobs of a target, each once.
    pub(super) fn target_jobs(&self, reader: &mut Reader, names: &[(&std::rc::Rc<str>, &ByteRange)]) -> Vec<JobId> {
        let mut distinct = BTreeSet::new();
        let ids = names.iter().flat_map(|(name, at)| self.resolve(reader, name, at)).map(|(id, _)| id);
        ids.filter(|id| distinct.insert(*id)).cloned().collect()
    }

    /// Returns the needs of all jobs, without legs that are skipped, and refuses cycles.
    pub(super) fn needs(&self, reader: &mut Reader) -> Needs {
        let mut needs = Needs::new();
        for JobReference { needed_by, name, at } in std::mem::take(&mut reader.job_references) {
            let of_job = needs.entry(needed_by).or_default();
            for (id, _) in self.resolve(reader, &name, &at).into_iter().filter(|(_, job)| job.skip.is_none()) {
                if of_job.iter().all(|(need, _)| need != id) {
                    of_job.push((id.clone(), at.clone()));
                }
            }
        }
        check_cycles(reader, &needs);
        needs
    }
}

/// Sections of a job file, each with its members by name.
pub(super) struct Sections<'v> {
    pub(super) jobs: &'v Attrs,
    pub(super) guests: &'v Attrs,
    pub(super) groups: &'v Attrs,
    pub(super) caches: &'v Attrs,
    pub(super) targets: &'v Attrs,
}

/// Refuses references to undefined guests, groups and caches, and names that are both a job and a target.
pub(super) fn check(reader: &mut Reader, sections: &Sections) {
    let Sections { jobs, guests, groups, caches, targets } = sections;
    for (name, at) in std::mem::take(&mut reader.guest_references) {
        if &*name != DEFAULT_GUEST && !guests.contains_key(&name) {
            let valid = guests.keys().map(|name| &**name).chain([DEFAULT_GUEST]);
            let hint = reader.suggest(&name, valid, "define it in `guests`");
            reader.refuse(&at, format!("there is no guest {}", quoted(&name)), hint);
        }
    }
    for (name, at) in std::mem::take(&mut reader.group_references) {
        if !groups.contains_key(&name) {
            let fallback = format!("define it: `groups.{name}.limit = 1;`");
            let hint = reader.suggest(&name, groups.keys().map(|name| &**name), &fallback);
            reader.refuse(&at, format!("there is no group {}", quoted(&name)), hint);
        }
    }
    for (name, at) in std::mem::take(&mut reader.cache_references) {
        if !caches.contains_key(&name) {
            let fallback = format!("define it: `caches.{name}.path = \"…\";`");
            let hint = reader.suggest(&name, caches.keys().map(|name| &**name), &fallback);
            reader.refuse(&at, format!("there is no cache {}", quoted(&name)), hint);
        }
    }
    for (name, attr) in targets.iter().filter(|(name, _)| jobs.contains_key(*name)) {
        let message = format!("{} is a job and a target", quoted(name));
        reader.refuse(&attr.name_at, message, "name one of them differently");
    }
}

/// Maximum number of reported cycles: the repair of these often removes the others.
const MAX_CYCLES: usize = 5;

/// A need: the name of the needed job, and the place of the name in the file.
type Need<'r> = (&'r str, &'r ByteRange);

fn check_cycles(reader: &mut Reader, all: &Needs) {
    let needs =
        all.iter().map(|(id, needs)| (id.as_str(), needs.iter().map(|(need, at)| (need.as_str(), at)).collect()));
    let needs: BTreeMap<&str, Vec<Need>> = needs.collect();
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

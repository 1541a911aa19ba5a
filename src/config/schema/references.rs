//! What refers to what: jobs to jobs and guests, targets to jobs.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::distinct;
use super::reader::{JobReference, Reader};
use crate::config::diagnostic::{Bytes, quoted};
use crate::config::eval::Attrs;
use crate::id::JobId;

/// Takes the names of jobs for what they are, each once, and notes that they have to exist.
pub(super) fn job_ids(reader: &mut Reader, names: &[(&Rc<str>, &Bytes)], by: Option<&Rc<str>>) -> Vec<JobId> {
    for (name, at) in names {
        let reference = JobReference { by: by.cloned(), name: Rc::clone(name), at: (*at).clone() };
        reader.job_references.push(reference);
    }
    distinct(names.iter().map(|(name, _)| &***name))
}

/// Refuses names of nothing, names of two things, and circles.
pub(super) fn check(reader: &mut Reader, jobs: &Attrs, guests: &Attrs, targets: &Attrs) {
    let references = std::mem::take(&mut reader.job_references);
    for JobReference { name, at, .. } in references.iter().filter(|one| !jobs.contains_key(&one.name)) {
        let otherwise = if targets.contains_key(name) { "name jobs: this is a target" } else { "define it in `jobs`" };
        let hint = reader.did_you_mean(name, jobs.keys().map(|name| &**name), otherwise);
        reader.refuse(at, format!("there is no job {}", quoted(name)), hint);
    }
    for (name, at) in std::mem::take(&mut reader.guest_references) {
        if &*name != super::job::DEFAULT_GUEST && !guests.contains_key(&name) {
            let known = guests.keys().map(|name| &**name).chain([super::job::DEFAULT_GUEST]);
            let hint = reader.did_you_mean(&name, known, "define it in `guests`");
            reader.refuse(&at, format!("there is no guest {}", quoted(&name)), hint);
        }
    }
    for (name, attr) in targets.iter().filter(|(name, _)| jobs.contains_key(*name)) {
        let message = format!("{} is a job and a target", quoted(name));
        reader.refuse(&attr.name_at, message, "name one of them differently");
    }
    check_circles(reader, &references);
}

/// Circles beyond these are rarely more to repair.
const MAX_CIRCLES: usize = 5;

/// A need: who is needed, and where that is written.
type Need<'r> = (&'r str, &'r Bytes);

fn check_circles(reader: &mut Reader, references: &[JobReference]) {
    let mut needs: BTreeMap<&str, Vec<Need>> = BTreeMap::new();
    for JobReference { by, name, at } in references {
        if let Some(by) = by {
            needs.entry(by).or_default().push((name, at));
        }
    }
    for circle in circles(&needs) {
        let Some((first, at)) = circle.first().copied() else { continue };
        let names: Vec<_> = circle.iter().map(|(name, _)| quoted(name)).collect();
        let message = if names.len() == 1 {
            format!("the job {} needs itself", quoted(first))
        } else if names.len() <= 10 {
            format!("jobs need each other in a circle: {} → {}", names.join(" → "), names[0])
        } else {
            let count = names.len();
            format!("{count} jobs need each other in a circle: {} → … → {}", names[..9].join(" → "), names[0])
        };
        reader.refuse(at, message, "take one of them out of a `needs`");
    }
}

/// Returns circles, at most [`MAX_CIRCLES`]: each as its jobs and where each names the next.
fn circles<'r>(needs: &BTreeMap<&'r str, Vec<Need<'r>>>) -> Vec<Vec<Need<'r>>> {
    let mut circles = Vec::new();
    // The next need to follow of each job that was come by; at the end of the list, all that it needs is done.
    let mut followed: BTreeMap<&str, usize> = BTreeMap::new();
    for start in needs.keys().copied() {
        if followed.contains_key(start) {
            continue;
        }
        followed.insert(start, 0);
        let mut path: Vec<&str> = vec![start];
        let mut on_path = BTreeMap::from([(start, 0)]);
        while let Some(job) = path.last().copied().filter(|_| circles.len() < MAX_CIRCLES) {
            let next = followed.get_mut(job).and_then(|index| {
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
                        circles.push(steps(needs, &followed, &path[*position..]));
                    } else if !followed.contains_key(need) {
                        followed.insert(need, 0);
                        on_path.insert(need, path.len());
                        path.push(need);
                    }
                }
            }
        }
    }
    circles
}

/// Pairs each job of a path with the place of the need that it was left by.
fn steps<'r>(
    needs: &BTreeMap<&'r str, Vec<Need<'r>>>,
    followed: &BTreeMap<&'r str, usize>,
    path: &[&'r str],
) -> Vec<Need<'r>> {
    let step = |job: &&'r str| {
        let (_, at) = needs.get(job)?.get(followed.get(job)?.checked_sub(1)?)?;
        Some((*job, *at))
    };
    path.iter().filter_map(step).collect()
}

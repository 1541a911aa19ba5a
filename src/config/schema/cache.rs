//! Caches, and the names of caches in jobs.

use std::collections::BTreeMap;

use super::guest::read_size;
use super::reader::{Field, Fields, Reader, attr_path};
use super::{cache_keys, globs};
use crate::config::eval::{Attr, Attrs};
use crate::config::problem::quoted;
use crate::config::{Base, Cache, Guest, Job};
use crate::guest::contract::MAX_CACHES;
use crate::id::JobId;

/// Size of a cache without the key `size`, in MiB.
const DEFAULT_MIB: u64 = 10 << 10;
const MIN_MIB: u64 = 64;
const MAX_MIB: u64 = 1 << 20;

/// Reads all caches of a job file.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs) -> BTreeMap<String, Cache> {
    let mut caches = BTreeMap::new();
    for (name, attr) in attrs {
        let path = attr_path("caches", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, cache_keys::CACHE_KEYS);
        if let Some(cache) = read(reader, &path, attr, &fields) {
            caches.insert(name.to_string(), cache);
        }
    }
    caches
}

fn read(reader: &mut Reader, at: &str, attr: &Attr, fields: &Fields) -> Option<Cache> {
    let key = fields.get("key").map(|field| globs::read(reader, &field)).unwrap_or_default();
    let size_mib = read_size(reader, fields, "size", MIN_MIB..=MAX_MIB).unwrap_or(DEFAULT_MIB);
    let single_flight = fields.get("singleFlight").and_then(|field| reader.boolean(&field)).unwrap_or(true);
    // A folder that its tools keep right on their own is right after a failure too.
    let is_safe = read_choice(reader, fields, "share", "safe");
    let keeps_failures = read_choice(reader, fields, "onFailure", "keep") || is_safe;
    let Some(field) = fields.get("path") else {
        if fields.is_missing("path") {
            reader.refuse(&attr.name_at, format!("`{at}` has no path"), "write `path = \"target\";`");
        }
        return None;
    };
    let path = read_path(reader, &field)?;
    Some(Cache { path, key, size_mib, single_flight, keeps_failures })
}

/// Reads a folder of the workspace or of the home.
fn read_path(reader: &mut Reader, field: &Field) -> Option<String> {
    let text = reader.string(field)?;
    let path = text.trim_end_matches('/');
    let below = path.strip_prefix("~/").unwrap_or(path);
    let is_plain = |part: &str| !["", ".", "..", "~"].contains(&part);
    if !below.split('/').all(is_plain) || path.len() > 4000 || path.contains(char::is_control) {
        let message = format!("`{}` can't be {}", field.path, quoted(text));
        let hint = "write a folder of the project, `path = \"target\";`, or of the job's home, `path = \"~/.cache\";`";
        reader.refuse(&field.value.at, message, hint);
    }
    Some(path.to_owned())
}

/// Returns whether a key has its only value.
fn read_choice(reader: &mut Reader, fields: &Fields, name: &str, choice: &str) -> bool {
    let Some(field) = fields.get(name) else { return false };
    let Some(text) = reader.string(&field) else { return false };
    if &**text != choice {
        reader.refuse(&field.value.at, format!("`{}` can't be {}", field.path, quoted(text)), field.hint());
    }
    true
}

/// Reads the names of the caches of a job.
pub(super) fn read_names(reader: &mut Reader, fields: &Fields) -> Option<Vec<String>> {
    let field = fields.get("caches")?;
    let names = reader.strings(&field)?;
    let mut distinct: Vec<String> = Vec::new();
    for (name, at) in names {
        reader.cache_references.push((name.clone(), at.clone()));
        if !distinct.contains(&name.to_string()) {
            distinct.push(name.to_string());
        }
    }
    if distinct.len() > MAX_CACHES {
        let message = format!("`{}` has more than {MAX_CACHES} caches", field.path);
        reader.refuse(&field.value.at, message, "make one cache of several folders");
    }
    Some(distinct)
}

/// Refuses caches of a job whose folders overlap, and caches in the home of a job that has no home of its own.
pub(super) fn check(
    reader: &mut Reader,
    attrs: &Attrs,
    jobs: &BTreeMap<JobId, Job>,
    guests: &BTreeMap<String, Guest>,
    caches: &BTreeMap<String, Cache>,
) {
    for (id, job) in jobs {
        let has_home = guests.get(&job.guest).is_none_or(|guest| guest.base != Some(Base::None));
        let used: Vec<(&String, &Cache)> = job.caches.iter().filter_map(|name| caches.get_key_value(name)).collect();
        for (index, (name, cache)) in used.iter().enumerate() {
            let Some(at) = attrs.get(name.as_str()).map(|attr| &attr.name_at) else { continue };
            let overlaps = |(_, other): &&(&String, &Cache)| {
                is_within(&cache.path, &other.path) || is_within(&other.path, &cache.path)
            };
            if let Some((other, _)) = used[..index].iter().find(overlaps) {
                let message = format!(
                    "the caches {} and {} of the job {} overlap",
                    quoted(other),
                    quoted(name),
                    quoted(id.as_str())
                );
                reader.refuse(at, message, "give each cache a folder of its own");
            }
            if cache.path.starts_with("~/") && !has_home {
                let message = format!(
                    "the job {} of base `none` can't have the cache {} in its home, which is yours",
                    quoted(id.as_str()),
                    quoted(name)
                );
                reader.refuse(at, message, "remove the cache from the job: what is in your home stays there");
            }
        }
    }
}

/// Returns whether a folder is another one or lies in it.
fn is_within(folder: &str, other: &str) -> bool {
    folder.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

//! Groups of jobs.

use std::collections::BTreeMap;

use super::file_keys;
use super::reader::{Reader, attr_path};
use crate::config::eval::Attrs;

/// Maximum number of jobs of a group that may run at the same time.
const MAX_LIMIT: u32 = 1000;

/// Reads the limits of all groups of a job file.
pub(super) fn read_all(reader: &mut Reader, attrs: &Attrs) -> BTreeMap<String, u32> {
    let mut groups = BTreeMap::new();
    for (name, attr) in attrs {
        let path = attr_path("groups", name);
        let Some(set) = reader.set(&path, &attr.value) else { continue };
        let fields = reader.fields(&path, set, file_keys::GROUP_KEYS);
        let Some(field) = fields.get("limit") else {
            if fields.is_missing("limit") {
                reader.refuse(&attr.name_at, format!("`{path}` has no limit"), "write `limit = 1;`");
            }
            continue;
        };
        let Some(number) = reader.integer(&field) else { continue };
        if let Some(limit) = u32::try_from(number).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)) {
            groups.insert(name.to_string(), limit);
        } else {
            let hint = format!("write a number from 1 to {MAX_LIMIT}");
            reader.refuse(&field.value.at, format!("`{}` can't be {number}", field.path), hint);
        }
    }
    groups
}

//! Jobs that check their guest themselves, and the content of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::support::project::Project;

/// The first part of each script of a job.
const CHECKS: &str = r#"
is() { [ "$2" = "$3" ] || printf 'BAD %s: <%s> instead of <%s>\n' "$1" "$2" "$3"; }
fails() { if "$@" 2>/dev/null; then echo "BAD it worked: $*"; fi; }
works() { "$@" || echo "BAD it failed: $*"; }
"#;

/// Returns a project with one job, which runs a script of checks.
pub fn checking(job: &str, script: &str) -> Project {
    Project::with_guests(&format!("{{ jobs.check = {{ {job} }}; }}"))
        .file("check.sh", &format!("{CHECKS}{script}\necho done\n"))
}

/// Asserts that every check of the last run passed.
#[track_caller]
pub fn assert_checked(project: &Project) {
    assert_eq!(project.output("check"), "done\n");
}

/// Returns the content of a folder: the fields of `lstat` that a change would change, and the content of files.
pub fn tree(folder: &Path) -> BTreeMap<String, (String, Option<String>)> {
    let mut entries = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(place) = open.pop() {
        let meta = fs::symlink_metadata(&place).unwrap();
        let stat = format!("{} {:o} {} {}", meta.ino(), meta.mode(), meta.ctime(), meta.ctime_nsec());
        let content = meta.is_file().then(|| String::from_utf8_lossy(&fs::read(&place).unwrap()).into_owned());
        entries.insert(place.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), (stat, content));
        if meta.is_dir() {
            open.extend(fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
    entries
}

//! The globs of a job file that add files to a snapshot, or leave files out.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::Error;
use super::tree_path::parents;
use crate::config::SnapshotGlobs;
use crate::glob::{Globs, fixed_start};

/// Compiled globs of the section `snapshot` of a job file.
pub(super) struct FileSelection {
    include: Globs,
    exclude: Globs,
    excluded_folders: Globs,
    /// The globs of `exclude`, each with whether it matched a path.
    excluded: Vec<(String, AtomicBool)>,
    starts: Vec<Vec<u8>>,
}

impl FileSelection {
    /// Compiles globs; returns `None` if there are none.
    pub(super) fn compile(globs: &SnapshotGlobs) -> Result<Option<Self>, Error> {
        if globs.is_empty() {
            return Ok(None);
        }
        let compile = |key, list: &[String]| {
            Globs::new(list.iter().map(String::as_str)).map_err(|source| Error::Globs { key, source })
        };
        let (include, exclude) = (compile("include", &globs.include)?, compile("exclude", &globs.exclude)?);
        let excluded_folders = Globs::of_whole_folders(globs.exclude.iter().map(String::as_str))
            .map_err(|source| Error::Globs { key: "exclude", source })?;
        let all: BTreeSet<Vec<u8>> = globs.include.iter().map(|glob| fixed_start(glob).into_bytes()).collect();
        let is_below = |start: &[u8]| {
            let above = parents(start).chain((!start.is_empty()).then_some(&[][..]));
            above.into_iter().any(|path| all.contains(path))
        };
        let starts = all.iter().filter(|start| !is_below(start)).cloned().collect();
        let excluded = globs.exclude.iter().map(|glob| (glob.clone(), AtomicBool::new(false))).collect();
        Ok(Some(Self { include, exclude, excluded_folders, excluded, starts }))
    }

    /// Returns the paths below which all included files are; none is below another one.
    pub(super) fn starts(&self) -> impl Iterator<Item = &[u8]> {
        self.starts.iter().map(Vec::as_slice)
    }

    /// Returns whether a path comes along although git ignores it.
    pub(super) fn includes(&self, path: &[u8]) -> bool {
        self.include.is_match(as_path(path))
    }

    /// Returns whether a path stays out.
    pub(super) fn excludes(&self, path: &[u8]) -> bool {
        self.matches(&self.exclude, path)
    }

    /// Returns whether everything in a folder stays out.
    pub(super) fn excludes_folder(&self, path: &[u8]) -> bool {
        self.matches(&self.excluded_folders, path)
    }

    fn matches(&self, globs: &Globs, path: &[u8]) -> bool {
        let path = as_path(path);
        let is_match = globs.is_match(path);
        if is_match {
            globs.matching_indices(path).for_each(|index| self.excluded[index].1.store(true, Ordering::Relaxed));
        }
        is_match
    }

    /// Returns the globs of `exclude` that have matched no path so far.
    pub(super) fn unmatched_excludes(&self) -> Vec<String> {
        let unmatched = self.excluded.iter().filter(|(_, is_matched)| !is_matched.load(Ordering::Relaxed));
        unmatched.map(|(glob, _)| glob.clone()).collect()
    }
}

fn as_path(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use super::FileSelection;
    use crate::config::SnapshotGlobs;

    #[test]
    fn only_folders_whose_whole_content_stays_out_are_excluded() {
        for (glob, folder, is_excluded) in [
            ("docs/", "docs", true),
            ("docs", "docs", true),
            ("docs/**", "docs", true),
            (r"docs\[1\]/", "docs[1]", true),
            ("{docs,x}/", "docs", true),
            ("**/node_modules/", "a/node_modules", true),
            ("docs/*", "docs", false),
            ("*", "docs", false),
            ("docs/*.md", "docs", false),
            ("docs/big", "docs", false),
            ("docs", "document", false),
        ] {
            let globs = SnapshotGlobs { exclude: vec![glob.to_owned()], include: Vec::new() };
            let selection = FileSelection::compile(&globs).unwrap().unwrap();
            assert_eq!(selection.excludes_folder(folder.as_bytes()), is_excluded, "{glob} {folder}");
            let inside = format!("{folder}/x");
            assert!(!is_excluded || selection.excludes(inside.as_bytes()), "{glob} {folder}");
        }
    }
}

//! Symbolic links among the artifacts of a job.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A symbolic link that a glob of a job matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactLink {
    /// Its path in the workspace.
    pub path: String,
    /// The text of the link.
    pub target: String,
    /// True if the link is in the artifacts' folder, because it leads to another artifact. Otherwise only this text is
    /// kept.
    pub kept: bool,
}

/// Returns the links, with their texts, of which those that lead to a file, to a folder with files or to another such link
/// are kept. No kept link leads out of the folder.
#[must_use]
pub fn artifact_links<'f>(files: impl Iterator<Item = &'f str>, links: BTreeMap<String, String>) -> Vec<ArtifactLink> {
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    for file in files {
        paths.insert(file);
        // The folders of the file, up to the first one that is there already.
        let ends = file.rmatch_indices('/').map(|(end, _)| &file[..end]);
        ends.take_while(|folder| paths.insert(folder)).for_each(drop);
    }
    let targets: BTreeMap<&str, Option<String>> =
        links.iter().map(|(path, target)| (path.as_str(), inner_target(path, target))).collect();
    let mut kept: BTreeMap<&str, bool> = BTreeMap::new();
    for start in targets.keys().copied() {
        // Each link has one target, so that its chain is a list; a cycle leads to no file.
        let (mut chain, mut at) = (Vec::new(), start);
        let is_kept = loop {
            if let Some(earlier) = kept.get(at) {
                break *earlier;
            }
            let Some(target) = targets.get(at) else { break paths.contains(at) };
            kept.insert(at, false);
            chain.push(at);
            match target {
                Some(target) => at = target,
                None => break false,
            }
        };
        kept.extend(chain.into_iter().map(|path| (path, is_kept)));
    }
    let kept: BTreeSet<String> =
        kept.into_iter().filter(|(_, is_kept)| *is_kept).map(|(path, _)| path.to_owned()).collect();
    let link = |(path, target)| ArtifactLink { kept: kept.contains(&path), path, target };
    links.into_iter().map(link).collect()
}

/// Returns the path to which a link leads, or `None` if it may lead out of the folder. After a name no `..` may follow: the
/// name may be that of another link.
fn inner_target(path: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    let mut has_name = false;
    if target.starts_with('/') {
        return None;
    }
    for part in target.split('/').filter(|part| !["", "."].contains(part)) {
        if part == ".." {
            parts.pop().filter(|_| !has_name)?;
        } else {
            has_name = true;
            parts.push(part);
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::artifact_links;

    #[test]
    fn only_links_to_other_artifacts_are_kept() {
        let files = ["a/b/file", "lib.so.1.2", "top"];
        for (path, target, kept) in [
            ("lib.so.1", "lib.so.1.2", true),
            ("lib.so", "./lib.so.1", true),
            ("a/up", "../top", true),
            ("a/folder", "b/", true),
            ("a/b/self", "..", true),
            ("a/out", "../../top", false),
            ("root", ".", false),
            ("absolute", "/top", false),
            ("empty", "", false),
            ("missing", "a/nothing", false),
            ("loop", "loop", false),
            ("loop-1", "loop-2", false),
            ("loop-2", "loop-1", false),
            ("to-loop", "loop-1", false),
            ("to-absolute", "absolute", false),
            // The folder may be a link, whose `..` is elsewhere.
            ("dots", "a/b/../b/file", false),
            ("through", "a/folder/file", false),
        ] {
            let all = [("lib.so.1", "lib.so.1.2"), ("loop-1", "loop-2"), ("loop-2", "loop-1"), ("absolute", "/top")];
            let links = all.into_iter().chain([("a/folder", "b"), (path, target)]);
            let links = links.map(|(path, target)| (path.to_owned(), target.to_owned())).collect();
            let marked = artifact_links(files.into_iter(), links);
            let link = marked.iter().find(|link| link.path == path).unwrap();
            assert_eq!((link.kept, link.target.as_str()), (kept, target), "{path} -> {target}");
        }
    }
}

//! The folders of a repository that git searches for untracked files, and the empty ones among them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;

use super::error::Error;
use super::tree_path::{join_bytes, parents};
use super::{git, walk};
use crate::foreign::{Beneath, FolderEntry};

/// Folders of a repository, relative to its top.
#[derive(Default)]
pub(super) struct Folders {
    /// All folders that git searches; the first is the top of the repository.
    pub(super) all: Vec<Vec<u8>>,
    /// Folders without any entry.
    pub(super) empty: Vec<Vec<u8>>,
    /// True if the repository has other repositories in it.
    pub(super) has_repositories: bool,
}

/// Returns the folders of a repository for which git lists the given paths.
pub(super) fn list_folders(repository: &Path, listed: &[&[u8]]) -> Result<Folders, Error> {
    let tracked: HashSet<&[u8]> = listed.iter().flat_map(|path| parents(path)).collect();
    // A folder that git lists itself is a submodule or another repository.
    let nested: HashSet<&[u8]> = listed.iter().copied().collect();
    let (mut folders, mut level) = (Folders::default(), vec![Vec::new()]);
    while !level.is_empty() {
        let (mut next, mut unlisted) = (Vec::new(), Vec::new());
        let contents: Vec<_> = level.par_iter().map(|folder| read_folder(repository, folder)).collect();
        for (folder, content) in level.into_iter().zip(contents) {
            let FolderContent { is_empty, is_repository, subfolders } = content?;
            if (is_repository && !folder.is_empty()) || nested.contains(folder.as_slice()) {
                folders.has_repositories = true;
                continue;
            }
            for path in subfolders {
                let is_listed = tracked.contains(path.as_slice()) || nested.contains(path.as_slice());
                if is_listed { next.push(path) } else { unlisted.push(path) }
            }
            if is_empty && !folder.is_empty() {
                folders.empty.push(folder.clone());
            }
            folders.all.push(folder);
        }
        // A folder without listed paths is either ignored as a whole or has nothing new in it.
        let ignored = git::ignored(repository, &unlisted)?;
        next.extend(unlisted.into_iter().filter(|path| !ignored.contains(path)));
        level = next;
    }
    Ok(folders)
}

/// The content of a folder.
struct FolderContent {
    is_empty: bool,
    is_repository: bool,
    subfolders: Vec<Vec<u8>>,
}

/// Reads a folder. Like git, treats a folder that may not be read or has disappeared as one without subfolders.
fn read_folder(repository: &Path, folder: &[u8]) -> Result<FolderContent, Error> {
    let full = Beneath::new(repository).join(OsStr::from_bytes(folder));
    let mut content = FolderContent { is_empty: false, is_repository: false, subfolders: Vec::new() };
    let entries = match full.entries() {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), PermissionDenied | NotFound | NotADirectory) => return Ok(content),
        Err(source) => return Err(Error::Read { path: Path::new(OsStr::from_bytes(folder)).to_owned(), source }),
    };
    content.is_empty = entries.is_empty();
    for FolderEntry { name, is_folder } in entries {
        content.is_repository |= name == ".git";
        if is_folder && !walk::is_excluded(name.as_bytes()) {
            content.subfolders.push(join_bytes(folder, name.as_bytes()));
        }
    }
    Ok(content)
}

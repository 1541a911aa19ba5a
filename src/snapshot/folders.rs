//! The folders of a repository that git looks into for untracked files, and those of them that hold nothing.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::error::Error;
use super::list::{join_bytes, parents};
use super::{git, walk};
use crate::foreign::{Beneath, Entry};

/// Folders, relative to their repository.
#[derive(Default)]
pub(super) struct Folders {
    /// All that git looks into; the first is the repository itself.
    pub(super) all: Vec<Vec<u8>>,
    /// Those in which there is nothing at all.
    pub(super) empty: Vec<Vec<u8>>,
    /// Whether there are other repositories among them.
    pub(super) has_repositories: bool,
}

/// Returns the folders of a repository in which git lists these paths.
pub(super) fn folders(repository: &Path, listed: &[&[u8]]) -> Result<Folders, Error> {
    let known: HashSet<&[u8]> = listed.iter().flat_map(|path| parents(path)).collect();
    // A folder that git lists itself is a submodule or another repository.
    let nested: HashSet<&[u8]> = listed.iter().copied().collect();
    let (mut folders, mut level) = (Folders::default(), vec![Vec::new()]);
    while !level.is_empty() {
        let (mut next, mut unknown) = (Vec::new(), Vec::new());
        for folder in level {
            let Inside { is_empty, is_repository, subfolders } = look_into(repository, &folder)?;
            if (is_repository && !folder.is_empty()) || nested.contains(folder.as_slice()) {
                folders.has_repositories = true;
                continue;
            }
            for path in subfolders {
                let is_listed = known.contains(path.as_slice()) || nested.contains(path.as_slice());
                if is_listed { next.push(path) } else { unknown.push(path) }
            }
            if is_empty && !folder.is_empty() {
                folders.empty.push(folder.clone());
            }
            folders.all.push(folder);
        }
        // What holds nothing that is listed is ignored as a whole, or something new in it would be listed.
        let ignored = git::ignored(repository, &unknown)?;
        next.extend(unknown.into_iter().filter(|path| !ignored.contains(path)));
        level = next;
    }
    Ok(folders)
}

/// What a folder holds.
struct Inside {
    is_empty: bool,
    is_repository: bool,
    subfolders: Vec<Vec<u8>>,
}

fn look_into(repository: &Path, folder: &[u8]) -> Result<Inside, Error> {
    let full = Beneath::new(repository).join(OsStr::from_bytes(folder));
    let mut inside = Inside { is_empty: true, is_repository: false, subfolders: Vec::new() };
    let read = |source| Error::Read { path: Path::new(OsStr::from_bytes(folder)).to_owned(), source };
    for Entry { name, is_folder } in full.entries().map_err(read)? {
        inside.is_empty = false;
        inside.is_repository |= name == ".git";
        if is_folder && !walk::is_left_out(name.as_bytes()) {
            inside.subfolders.push(join_bytes(folder, name.as_bytes()));
        }
    }
    Ok(inside)
}

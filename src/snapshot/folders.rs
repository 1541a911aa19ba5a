//! The folders of a repository that git looks into for untracked files, and those of them that hold nothing.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rayon::prelude::*;

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
    /// True if other repositories are among them.
    pub(super) has_repositories: bool,
}

/// Returns the folders of a repository in which git lists these paths.
pub(super) fn folders(repository: &Path, listed: &[&[u8]]) -> Result<Folders, Error> {
    let holding: HashSet<&[u8]> = listed.iter().flat_map(|path| parents(path)).collect();
    // A folder that git lists itself is a submodule or another repository.
    let nested: HashSet<&[u8]> = listed.iter().copied().collect();
    let (mut folders, mut level) = (Folders::default(), vec![Vec::new()]);
    while !level.is_empty() {
        let (mut next, mut unknown) = (Vec::new(), Vec::new());
        let inside: Vec<_> = level.par_iter().map(|folder| look_into(repository, folder)).collect();
        for (folder, inside) in level.into_iter().zip(inside) {
            let Inside { is_empty, is_repository, subfolders } = inside?;
            if (is_repository && !folder.is_empty()) || nested.contains(folder.as_slice()) {
                folders.has_repositories = true;
                continue;
            }
            for path in subfolders {
                let is_listed = holding.contains(path.as_slice()) || nested.contains(path.as_slice());
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

/// The content of a folder.
struct Inside {
    is_empty: bool,
    is_repository: bool,
    subfolders: Vec<Vec<u8>>,
}

/// Looks into a folder; of one that may not be read, or is gone, nothing is known, as git has it.
fn look_into(repository: &Path, folder: &[u8]) -> Result<Inside, Error> {
    let full = Beneath::new(repository).join(OsStr::from_bytes(folder));
    let mut inside = Inside { is_empty: false, is_repository: false, subfolders: Vec::new() };
    let entries = match full.entries() {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), PermissionDenied | NotFound | NotADirectory) => return Ok(inside),
        Err(source) => return Err(Error::Read { path: Path::new(OsStr::from_bytes(folder)).to_owned(), source }),
    };
    inside.is_empty = entries.is_empty();
    for Entry { name, is_folder } in entries {
        inside.is_repository |= name == ".git";
        if is_folder && !walk::is_left_out(name.as_bytes()) {
            inside.subfolders.push(join_bytes(folder, name.as_bytes()));
        }
    }
    Ok(inside)
}

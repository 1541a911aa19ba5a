//! The folders of the repository whose checkout is the source tree.
//!
//! A repository may come from somebody else. Its `.git` could lead to any folder of the host, whose files a job would then
//! read: the folders are taken only where the repository at the other end names this checkout too.
#![expect(clippy::disallowed_methods, reason = "resolves the paths of a repository")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use super::error::Error;
use super::git;
use super::repository::is_repository_top;
use crate::foreign::Beneath;

/// The longest file that names another folder, in bytes.
const LINK_LIMIT: u64 = 16 << 10;

/// The folders of a repository.
pub(super) struct GitFolders {
    /// The folder of this checkout, with its HEAD and its index.
    pub(super) own: Beneath,
    /// The folder that all checkouts of the repository share.
    pub(super) common: Beneath,
    /// The folder of the objects.
    pub(super) objects: PathBuf,
}

impl GitFolders {
    /// Locates the folders of the repository whose top is `root`.
    pub(super) fn locate(root: &Path) -> Result<Self, Error> {
        let refuse = |reason: &str, hint: &str| Error::no_guest_git(root, reason, hint);
        let root = root.canonicalize().map_err(|source| Error::Read { path: root.to_owned(), source })?;
        let place = Beneath::new(&root).join(".git");
        let kind = place.kind().ok().filter(|_| is_repository_top(&root));
        let (own, is_other) = match kind {
            Some(FileType::Directory) => (place, false),
            Some(FileType::RegularFile) => (linked_folder(&root, &place)?, true),
            Some(_) => return Err(refuse("its .git is a link", "clone the repository again")),
            None => {
                let hint = "give the top folder of a git repository the job file, or remove `git` from the job";
                return Err(refuse("it isn't the top folder of a git repository", hint));
            }
        };
        let common = match own.join("commondir").read(LINK_LIMIT) {
            Ok(text) if is_other => Beneath::new(resolved(&own, &text)?),
            Ok(_) => return Err(refuse("its .git borrows from another one", "clone the repository again")),
            Err(_) => own.clone(),
        };
        let objects = common.join("objects");
        if !objects.is_folder() {
            return Err(refuse("its .git has no folder of objects", "clone the repository again"));
        }
        if objects.join("info/alternates").is_there() {
            let hint = format!(
                "copy the objects: git -C {0} repack -a -d && rm {1}/info/alternates",
                root.display(),
                objects.display()
            );
            return Err(refuse("it borrows objects from another repository", &hint));
        }
        let objects = objects.to_path_buf();
        Ok(Self { own, common, objects })
    }
}

/// Returns the folder that a file `.git` names, if that folder names the checkout: a worktree in `gitdir`, a submodule in
/// its settings.
fn linked_folder(root: &Path, place: &Beneath) -> Result<Beneath, Error> {
    let text = place.read(LINK_LIMIT).map_err(|source| Error::Read { path: ".git".into(), source })?;
    let target = text.strip_prefix(b"gitdir: ").unwrap_or(&text);
    let own = Beneath::new(resolved(&Beneath::new(root), target)?);
    let worktree = own.join("gitdir").read(LINK_LIMIT).ok().and_then(|text| resolved(&own, &text).ok());
    let names_worktree = worktree.is_some_and(|path| path == *place.to_path_buf());
    let config = own.join("config");
    let args = ["config", "--file", &config.to_string_lossy(), "--type=path", "--get", "core.worktree"];
    let submodule = if names_worktree || !config.is_there() { None } else { git::line(root, &args)? };
    let names_submodule = submodule.is_some_and(|path| resolved(&own, path.as_bytes()).is_ok_and(|path| path == root));
    if names_worktree || names_submodule {
        return Ok(own);
    }
    let reason = format!("its .git leads to {}, which doesn't name this checkout", own.display());
    Err(Error::no_guest_git(root, &reason, "git worktree repair; or clone the repository again"))
}

/// Returns the path that a file of a repository contains, without links.
fn resolved(folder: &Beneath, text: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.to_path_buf().join(OsStr::from_bytes(text.trim_ascii_end()));
    fs::canonicalize(&path).map_err(|source| Error::Read { path, source })
}

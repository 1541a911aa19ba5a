//! Opening of a state folder.

#![expect(clippy::disallowed_methods, reason = "creates the state folder")]

#[cfg(test)]
mod tests;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use rustix::fs::FileType;

use super::open_error::{OpenError, VERSION};
use super::state_layout::StateLayout;
use super::temporary_name::is_temporary;
use super::write::write_atomic;
use crate::failpoint::Point;

/// Maximum size of the file `version`, in bytes.
const VERSION_LIMIT: u64 = 64;
/// Mode bits that let other users write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55
# This folder holds what pikaci can make again; see https://bford.info/cachedir/
";

/// Files of a new state folder. The file `version` follows them.
const FILES: [(&str, &str); 2] = [(".gitignore", "*\n"), ("CACHEDIR.TAG", CACHEDIR_TAG)];

/// Opens the state folder to write to it. Creates the folder if it is absent, with access for this user only.
///
/// # Errors
/// When it can't be created or written, contains files of another program, or has another version; and as
/// [`verify_ownership`].
pub fn open(root: &Path) -> Result<StateLayout, OpenError> {
    let unwritable = |source: anyhow::Error| OpenError::Unwritable { path: root.to_owned(), source };
    if has_version(root)? {
        return check_writable(root).map_err(unwritable);
    }
    create_folder(root).map_err(|err| unwritable(err.into()))?;
    refuse_foreign(root)?;
    // Other users may have access to a folder that existed before.
    fs::set_permissions(root, fs::Permissions::from_mode(0o700)).map_err(|err| unwritable(err.into()))?;
    let layout = StateLayout::new(root.to_owned());
    for (name, text) in FILES {
        write_atomic(Point::StateFile, &layout.folder().join(name), text.as_bytes()).map_err(unwritable)?;
    }
    let version = format!("{VERSION}\n");
    write_atomic(Point::StateVersion, &layout.version(), version.as_bytes()).map_err(unwritable)?;
    Ok(layout)
}

/// Refuses a state folder that another user may have created or can change. An absent folder is fine.
///
/// # Errors
/// When the folder or an entry of pikaci in it is a symbolic link, belongs to another user, or other users can write to
/// it.
pub fn verify_ownership(root: &Path) -> Result<(), OpenError> {
    let path = root.to_owned();
    let stat = match fs::symlink_metadata(root) {
        Ok(stat) => stat,
        Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(err) => return Err(OpenError::Unwritable { path, source: err.into() }),
    };
    if stat.is_symlink() {
        return Err(OpenError::Linked { path });
    }
    if !stat.is_dir() {
        return Err(OpenError::NoFolder { path });
    }
    if stat.uid() != rustix::process::geteuid().as_raw() {
        return Err(OpenError::Owner { path, owner: stat.uid() });
    }
    let layout = StateLayout::new(root.to_owned());
    let mode = stat.mode() & 0o7777;
    // A folder without a version is empty, or is refused because of its content.
    if mode & WRITABLE_BY_OTHERS != 0 && layout.version().is_there() {
        return Err(OpenError::Shared { path, mode });
    }
    let names = FILES.iter().map(|(name, _)| *name).chain(StateLayout::ENTRIES);
    let mut paths = names.map(|name| layout.folder().join(name)).chain([layout.version()]);
    match paths.find(|path| path.kind().is_ok_and(|kind| kind == FileType::Symlink)) {
        Some(path) => Err(OpenError::Linked { path: path.to_path_buf() }),
        None => Ok(()),
    }
}

/// Opens the state folder to read from it. An absent folder is fine, and stays absent.
///
/// # Errors
/// When the folder has another version; and as [`verify_ownership`].
pub fn open_read_only(root: &Path) -> Result<StateLayout, OpenError> {
    has_version(root)?;
    Ok(StateLayout::new(root.to_owned()))
}

/// Checks whether [`open`] would succeed, without creating anything.
///
/// # Errors
/// As [`open`].
pub fn check(root: &Path) -> Result<(), OpenError> {
    let unwritable = |source: anyhow::Error| OpenError::Unwritable { path: root.to_owned(), source };
    if !has_version(root)? {
        refuse_foreign(root)?;
    }
    let existing = root.ancestors().find(|folder| folder.exists()).unwrap_or(root);
    check_writable(existing).map_err(unwritable)?;
    Ok(())
}

/// Opens an existing state folder, or returns `None` if the folder is absent or empty. Creates nothing.
///
/// # Errors
/// When it contains files of another program, or has another version; and as [`verify_ownership`].
pub fn open_existing(root: &Path) -> Result<Option<StateLayout>, OpenError> {
    if has_version(root)? {
        return Ok(Some(StateLayout::new(root.to_owned())));
    }
    refuse_foreign(root).map(|()| None)
}

/// Returns whether a folder has the version of this pikaci. A folder without a version is new, or not a state folder.
fn has_version(root: &Path) -> Result<bool, OpenError> {
    verify_ownership(root)?;
    let path = root.to_owned();
    match StateLayout::new(path.clone()).version().read(VERSION_LIMIT) {
        Ok(text) if text.trim_ascii() == VERSION.to_string().as_bytes() => Ok(true),
        Ok(text) => {
            let version = String::from_utf8_lossy(text.trim_ascii()).into_owned();
            Err(OpenError::Version { path, version })
        }
        Err(err) if err.kind() == ErrorKind::NotFound => Ok(false),
        Err(err) => Err(OpenError::Unwritable { path, source: err.into() }),
    }
}

fn check_writable(root: &Path) -> anyhow::Result<StateLayout> {
    rustix::fs::access(root, rustix::fs::Access::WRITE_OK).with_context(|| format!("writing {}", root.display()))?;
    Ok(StateLayout::new(root.to_owned()))
}

fn create_folder(root: &Path) -> io::Result<()> {
    if let Some(parent) = root.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(root) {
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

fn refuse_foreign(root: &Path) -> Result<(), OpenError> {
    let path = root.to_owned();
    match foreign_entry(root) {
        // Another pikaci may have created the folder meanwhile: it writes the version before anything else.
        Ok(Some(_)) if has_version(root)? => Ok(()),
        Ok(Some(entry)) => Err(OpenError::Foreign { path, entry }),
        Err(err) if err.kind() != ErrorKind::NotFound => Err(OpenError::Unwritable { path, source: err.into() }),
        _ => Ok(()),
    }
}

/// Returns an entry of another program. Another pikaci may be creating the folder at the same time.
fn foreign_entry(root: &Path) -> io::Result<Option<String>> {
    let layout = StateLayout::new(root.to_owned());
    for entry in layout.folder().entries()? {
        let name = entry.name;
        let path = layout.folder().join(&name);
        let is_own = FILES.iter().any(|(file, _)| name == *file) || path == layout.version() || is_temporary(&name);
        if !is_own {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

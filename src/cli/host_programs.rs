//! Programs of this host, in the search path and in the usual folders of toolchains.

#![expect(clippy::disallowed_methods, reason = "searches folders of this host")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::HostProgram;

/// Folders of programs in the home folder, each with the folder that the programs need.
const HOME_FOLDERS: [(&str, &str); 5] = [
    (".cargo/bin", ".cargo/bin"),
    (".local/bin", ".local/bin"),
    ("go/bin", "go/bin"),
    (".pyenv/shims", ".pyenv"),
    (".volta/bin", ".volta"),
];

/// Returns the first folder that has a program, which isn't a path: in the home folder, `/opt` or the search path.
pub fn locate_program(name: &str) -> Option<HostProgram> {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = home.as_deref().map(toolchains).unwrap_or_default().into_iter().chain(with_parent(Path::new("/opt")));
    // A folder of the Nix store has no use in a guest: it lacks the libraries of its programs.
    let searched = env::split_paths(&path).filter(|folder| folder.is_absolute() && !folder.starts_with("/nix"));
    let mut folders = folders.chain(searched.map(|folder| (folder.clone(), folder)));
    let (folder, share) = folders.find(|(folder, _)| folder.join(name).is_file())?;
    let share = match home.and_then(|home| share.strip_prefix(home).ok().map(|below| below.display().to_string())) {
        Some(below) if !below.is_empty() => format!("~/{below}"),
        _ => share.display().to_string(),
    };
    Some(HostProgram { folder: folder.display().to_string(), share })
}

/// Returns the folders of programs in a home folder, each with the folder that the programs need.
fn toolchains(home: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut folders: Vec<_> =
        HOME_FOLDERS.iter().map(|(programs, share)| (home.join(programs), home.join(share))).collect();
    folders.extend(with_parent(&home.join(".nvm/versions/node")));
    folders
}

/// Returns the folder `bin` of each folder in `parent`, with its own folder.
fn with_parent(parent: &Path) -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| (entry.path().join("bin"), entry.path())).collect();
    folders.sort();
    folders
}

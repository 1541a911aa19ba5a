//! Programs of this host, in the search path and in the usual folders of toolchains.

#![expect(clippy::disallowed_methods, reason = "searches folders of this host")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::facts::HostProgram;

/// A folder of programs.
struct Toolchain {
    programs: PathBuf,
    /// The folders that the programs need.
    shares: Vec<PathBuf>,
    /// A variable with the folder that the programs would look for in the home folder.
    env: Option<(&'static str, PathBuf)>,
}

/// Folders of programs in the home folder, each with the folder that the programs need.
const HOME_FOLDERS: [(&str, &str); 4] =
    [(".local/bin", ".local/bin"), ("go/bin", "go/bin"), (".pyenv/shims", ".pyenv"), (".volta/bin", ".volta")];

/// Returns the first folder that has a program, which isn't a path: in the home folder, `/opt` or the search path.
pub fn locate_program(name: &str) -> Option<HostProgram> {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let path = env::var_os("PATH").unwrap_or_default();
    let usual = home.as_deref().map(toolchains).unwrap_or_default().into_iter().chain(with_parent(Path::new("/opt")));
    // A folder of the Nix store has no use in a guest: it lacks the libraries of its programs.
    let searched = env::split_paths(&path).filter(|folder| folder.is_absolute() && !folder.starts_with("/nix"));
    let mut usual = usual.chain(searched.map(|folder| Toolchain::new(folder.clone(), folder)));
    let Toolchain { programs, shares, env } = usual.find(|toolchain| toolchain.programs.join(name).is_file())?;
    let share = |share: &PathBuf| match home.as_ref().and_then(|home| share.strip_prefix(home).ok()) {
        Some(below) if below != Path::new("") => format!("~/{}", below.display()),
        _ => share.display().to_string(),
    };
    Some(HostProgram {
        folder: programs.display().to_string(),
        shares: shares.iter().map(share).collect(),
        env: env.map(|(name, folder)| (name, folder.display().to_string())),
    })
}

impl Toolchain {
    fn new(programs: PathBuf, share: PathBuf) -> Self {
        Self { programs, shares: vec![share], env: None }
    }
}

/// Returns the folders of programs in a home folder.
fn toolchains(home: &Path) -> Vec<Toolchain> {
    let mut cargo = Toolchain::new(home.join(".cargo/bin"), home.join(".cargo/bin"));
    // The programs of rustup start those of a toolchain.
    let rustup = home.join(".rustup");
    if rustup.is_dir() {
        cargo.shares.push(rustup.clone());
        cargo.env = Some(("RUSTUP_HOME", rustup));
    }
    let others = HOME_FOLDERS.iter().map(|(programs, share)| Toolchain::new(home.join(programs), home.join(share)));
    [cargo].into_iter().chain(others).chain(with_parent(&home.join(".nvm/versions/node"))).collect()
}

/// Returns the folder `bin` of each folder in `parent`, which its programs need as a whole.
fn with_parent(parent: &Path) -> Vec<Toolchain> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    folders.sort();
    folders.into_iter().map(|folder| Toolchain::new(folder.join("bin"), folder)).collect()
}

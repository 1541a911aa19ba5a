//! The options that name the project and its state folder.

use std::path::PathBuf;

use clap::Args;

/// The options that name the project and its state folder.
#[derive(Clone, Debug, Args)]
pub struct ProjectArgs {
    /// Look for pikaci.nix in this folder or above it, instead of in the current one
    #[arg(short = 'C', long = "directory", global = true, value_name = "DIR", env = "PIKACI_DIRECTORY")]
    pub directory: Option<PathBuf>,
    /// Keep runs, snapshots and runners in this folder, instead of in .pikaci beside pikaci.nix
    #[arg(long, global = true, value_name = "DIR", env = "PIKACI_STATE_ROOT")]
    pub state_root: Option<PathBuf>,
}

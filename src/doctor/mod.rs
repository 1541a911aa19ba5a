//! Checks of this machine, as functions from probe results to findings. `pikaci doctor` reports every finding;
//! `pikaci run` reports those that keep every job from running.

mod acceleration;
#[cfg(test)]
mod fixture;
mod installed_nix;
mod installed_program;
mod isolation;
mod machine;
mod nix_settings;
mod probe_results;

pub use acceleration::Acceleration;
pub use installed_nix::{InstalledNix, NixAnswers};
pub use installed_program::{InstalledProgram, check_program};
pub use isolation::check_isolation;
pub use machine::{Disk, DiskUse};
pub use nix_settings::NixSettings;
pub use probe_results::{ProbeResults, diagnose};

//! Runner flakes as values: rendered from templates, checked, and named by a digest of their files. Pure.

mod agent_files;
mod digest;
mod flake_error;
mod local_input;
mod nix_config;
mod nix_guest;
mod nix_string;
mod project_files;
mod project_lock;
mod render_host;
mod render_nix;
mod rendered_flake;
mod syntax;

pub use digest::{digest, digest_files};
pub use flake_error::FlakeError;
pub use local_input::{LOCAL_INPUT_HINT, LocalInput};
pub use nix_guest::{NixGuest, StoreSource};
pub use nix_string::NixString;
pub use project_files::ProjectFiles;
pub use project_lock::ProjectLock;
pub use render_host::render_host;
pub use render_nix::{render_nix, render_nixos};
pub use rendered_flake::{FlakeContent, FlakeFile, RenderedFlake};

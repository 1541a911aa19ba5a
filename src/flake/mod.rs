//! Runner flakes as values: rendered from templates, checked, named by what they hold. Pure.

mod check;
mod digest;
mod escape;
mod local;
mod lock;
mod nix_config;
mod render;
mod render_nix;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use digest::{digest, digest_files};
pub use escape::NixString;
pub use local::LocalInput;
pub use lock::ProjectLock;
pub use render::render_host;
pub use render_nix::{NixGuest, ProjectFiles, Store, render_nix, render_nixos};

use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// The remedy for an input that lies on this machine.
pub const LOCAL_INPUT: &str =
    "have flake.nix name an address on another machine, or if you trust the project: --allow-local-inputs";

/// A file on the host that goes into a flake by content.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlobRef {
    /// Where the file is.
    pub path: PathBuf,
    /// How the content is got out of the file.
    pub encoding: Encoding,
    /// Length of the content, in bytes.
    pub len: u64,
    /// Digest of the content.
    pub sha256: Digest,
}

/// How a blob's content lies in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The file is the content.
    Plain,
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// The ELF kernel in the payload of an x86 bzImage
    /// (`Documentation/arch/x86/boot.rst`, `payload_offset`).
    BzImagePayload,
}

/// A runner flake: files by their path in the flake's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedFlake {
    /// The files; every path is relative, without `.` or `..`.
    pub files: BTreeMap<String, FlakeFile>,
}

/// One file of a rendered flake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlakeFile {
    /// Whether the file may be executed.
    pub executable: bool,
    /// What is in it.
    pub content: FlakeContent,
}

/// The content of a flake's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlakeContent {
    /// The bytes themselves.
    Inline(Vec<u8>),
    /// A file of the host, copied when the flake is written.
    Blob(BlobRef),
}

/// Why a flake can't be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlakeError {
    /// A text has a NUL character, which no Nix string can hold.
    #[error("rendering {name}: a text has a NUL character, which no Nix string can hold")]
    Nul {
        /// The file of the flake.
        name: &'static str,
    },
    /// What a template became isn't Nix: an error of pikaci.
    #[error("rendering {name}: the result isn't Nix, which is an error of pikaci: {message}")]
    Syntax {
        /// The file of the flake.
        name: String,
        /// What the parser says.
        message: String,
    },
    /// The data of a flake can't be written: an error of pikaci.
    #[error("rendering guest.json, which is an error of pikaci: {message}")]
    Json {
        /// What the writer says.
        message: String,
    },
    /// The project's flake.lock can't be used.
    #[error("{message}")]
    Lock {
        /// What is wrong with it.
        message: String,
    },
    /// An input of the project lies on this machine.
    #[error(
        "the project's flake.lock has an input on this machine: node {node:?} is {reference}, which would be copied \
         into the Nix store, where everybody can read it"
    )]
    Local {
        /// The node of the lock.
        node: String,
        /// The input.
        reference: String,
    },
    /// An input of the project is a folder, outside of it or without a flake.
    #[error(
        "the project's flake.lock: node {node:?} is the folder {path:?}; a guest can have the flakes of folders in the \
         project, and no others"
    )]
    Folder {
        /// The node of the lock.
        node: String,
        /// The folder, relative to the project.
        path: String,
    },
    /// A guest names a file that the project hasn't got.
    #[error("the guest names {name:?}, which the project hasn't got")]
    NoFile {
        /// The file, relative to the project.
        name: String,
    },
    /// A module is there twice, or its name can't be that of a file.
    #[error("rendering the modules: {name:?} is there twice or can't be the name of a module's file")]
    Module {
        /// The name.
        name: String,
    },
}

//! Errors of rendering.

/// Error of a flake that can't be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlakeError {
    /// A text has a NUL character, which no Nix string can hold.
    #[error("rendering {name}: a text has a NUL character, which no Nix string can hold")]
    Nul {
        /// File of the flake.
        name: &'static str,
    },
    /// The output of a template isn't Nix: a bug of pikaci.
    #[error("rendering {name}: the result isn't Nix, which is a bug of pikaci: {message}")]
    Syntax {
        /// File of the flake.
        name: String,
        /// Message of the parser.
        message: String,
    },
    /// Writing the data of a flake as JSON failed: a bug of pikaci.
    #[error("rendering guest.json, which is a bug of pikaci: {message}")]
    Json {
        /// Message of the serializer.
        message: String,
    },
    /// The project's flake.lock is unusable.
    #[error("{message}")]
    Lock {
        /// Description of the error.
        message: String,
    },
    /// An input of the project lies on this machine.
    #[error(
        "the project's flake.lock has an input on this machine: node {node:?} is {reference}, which would be copied \
         into the Nix store, where everybody can read it"
    )]
    Local {
        /// Node of the lock.
        node: String,
        /// Flake reference of the input.
        reference: String,
    },
    /// An input of the project is a folder outside of the project or without a flake.
    #[error(
        "the project's flake.lock: node {node:?} is the folder {path:?}; a guest can have the flakes of folders in the \
         project, and no others"
    )]
    Folder {
        /// Node of the lock.
        node: String,
        /// Folder, relative to the project.
        path: String,
    },
    /// A guest names a file that the project doesn't have.
    #[error("the guest names {name:?}, which the project doesn't have")]
    NoFile {
        /// File, relative to the project.
        name: String,
    },
    /// The name of a kernel module occurs twice or is no valid file name.
    #[error("rendering the modules: {name:?} occurs twice or isn't a valid name of a module file")]
    Module {
        /// Name of the module.
        name: String,
    },
}

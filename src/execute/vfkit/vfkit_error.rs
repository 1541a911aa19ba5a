//! Values that vfkit doesn't accept, and its limits.

use std::ffi::OsString;

use crate::execute::runtime_folder::MAX_SOCKET_PATH;

/// Maximum length of a share's tag, in bytes (`VZVirtioFileSystemDeviceConfiguration`, `validateTag`).
pub const MAX_TAG: usize = 36;

/// A value that vfkit doesn't accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VfkitError {
    /// A path has a comma. vfkit splits the options of a device at commas, quoted or not.
    #[error("vfkit doesn't accept the path {0:?}, which has a comma")]
    Comma(OsString),
    /// A tag is empty, too long, or has a comma.
    #[error("vfkit can't share a folder under the tag {0:?}: a tag has 1 to {MAX_TAG} bytes and no comma")]
    Tag(String),
    /// A socket's path is too long.
    #[error("vfkit can't listen at {0:?}: a socket's path may have {MAX_SOCKET_PATH} bytes on macOS")]
    Socket(OsString),
    /// A socket's path has characters with a special meaning in a URI.
    #[error("vfkit can't listen at {0:?}: the path has characters with a special meaning in a URI")]
    Uri(OsString),
    /// A path or the kernel's command line has a character with a special meaning in `--bootloader`.
    #[error("vfkit doesn't accept {0:?} in --bootloader: it has a comma or a quote")]
    Boot(OsString),
    /// An arm64 kernel is compressed.
    #[error("vfkit can't boot {0:?}, which isn't an uncompressed arm64 kernel")]
    Compressed(OsString),
}

//! The values that vfkit refuses, and its limits.

use std::ffi::OsString;

/// The longest tag of a share, in bytes (`VZVirtioFileSystemDeviceConfiguration`, `validateTag`).
pub const LONGEST_TAG: usize = 36;
/// The longest path of a Unix socket on macOS, in bytes (`sun_path` without the zero at its end).
pub const LONGEST_SOCKET: usize = 103;
/// What vfkit can't be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VfkitError {
    /// A path has a comma, at which vfkit splits a device's options, quoted or not.
    #[error("vfkit can't be given {0:?}, which has a comma")]
    Comma(OsString),
    /// A tag is too long, or has a character that isn't plain.
    #[error("vfkit can't share a folder under the tag {0:?}: it takes 1 to {LONGEST_TAG} bytes without a comma")]
    Tag(String),
    /// A socket's path is too long.
    #[error("vfkit can't listen at {0:?}: a socket's path may have {LONGEST_SOCKET} bytes on macOS")]
    Socket(OsString),
    /// A socket's path isn't one in a URI as it is.
    #[error("vfkit can't listen at {0:?}: such a path means something else in a URI")]
    Uri(OsString),
    /// A path or the kernel's command line has a character that means something in `--bootloader`.
    #[error("vfkit can't be given {0:?}: a comma or a quote means something else there")]
    Boot(OsString),
    /// An arm64 kernel is compressed.
    #[error("vfkit can't boot {0:?}, which isn't an uncompressed arm64 kernel")]
    Compressed(OsString),
}

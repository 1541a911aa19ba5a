//! Limits of artifacts, for guests and for jobs without one.

/// The size of the disk that artifacts come on, in bytes; it is sparse on the host.
pub(super) const DISK_BYTES: u64 = 1 << 30;
/// The most files, and the most folders, that one job may bring back.
pub(super) const MAX_FILES: u64 = 100_000;
/// The longest name of a file, in bytes (`PATH_MAX`).
pub(super) const MAX_NAME: u64 = 4096;
/// How many bytes the names of all files may have, since they are kept in memory and in the manifest.
pub(super) const MAX_NAMES: u64 = 32 << 20;
/// The most names in the path of a file, its own among them.
pub(super) const MAX_DEPTH: usize = 100;

/// Returns whether the owner of a file with this mode may execute it.
pub(super) fn is_executable(mode: u32) -> bool {
    mode & 0o100 != 0
}

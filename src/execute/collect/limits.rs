//! Limits of artifacts, for guests and for jobs without one.

/// Maximum length of a file's name, in bytes (`PATH_MAX`).
pub(super) const MAX_NAME: u64 = 4096;
/// Maximum length of all names together, in bytes: they are kept in memory and in the manifest.
pub(super) const MAX_NAMES: u64 = 32 << 20;

/// Returns true if the owner of a file with this mode may execute it.
pub(super) fn is_executable(mode: u32) -> bool {
    mode & 0o100 != 0
}

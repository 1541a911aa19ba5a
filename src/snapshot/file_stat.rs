//! The metadata by which a changed file is recognised.

use rustix::fs::Stat;

/// Metadata that changes whenever a file changes. The device is left out: some file systems get another number at every
/// boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStat {
    /// Inode number.
    pub inode: u64,
    /// Length in bytes.
    pub len: u64,
    /// Time of the last change of the content, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Time of the last change of content or attributes, in nanoseconds since 1970.
    pub ctime_ns: i64,
}

impl From<&Stat> for FileStat {
    fn from(stat: &Stat) -> Self {
        // Linux and macOS have different types for the fraction.
        fn nanos(secs: i64, nanos: impl TryInto<i64>) -> i64 {
            secs.saturating_mul(1_000_000_000).saturating_add(nanos.try_into().unwrap_or_default())
        }
        Self {
            inode: stat.st_ino,
            len: stat.st_size.try_into().unwrap_or_default(),
            mtime_ns: nanos(stat.st_mtime, stat.st_mtime_nsec),
            ctime_ns: nanos(stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

//! Copies a file and verifies the copy.
#![expect(clippy::disallowed_types, reason = "copies files into a snapshot")]

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{Timespec, Timestamps, futimens};
use sha2::{Digest as _, Sha256};

use super::copy_content::copy_content;

/// The length in bytes below which a file is copied with one read and one write, without sharing blocks.
const SMALL: usize = 128 * 1024;
/// Nanoseconds of a second.
const SECOND_NS: i64 = 1_000_000_000;

/// The required properties of a copy.
pub(super) struct CopySpec<'a> {
    pub(super) executable: bool,
    /// SHA-256 of the content.
    pub(super) content: &'a [u8; 32],
    /// Time of the last change of the content, in nanoseconds since 1970.
    pub(super) mtime_ns: i64,
}

/// Copies a file to a new path, and returns whether the copy has the required content.
pub(super) fn copy_file(mut source: File, to: &Path, spec: &CopySpec<'_>) -> io::Result<bool> {
    let mut copy = OpenOptions::new().read(true).write(true).create_new(true).open(to)?;
    let mut start = Vec::with_capacity(SMALL);
    (&mut source).take(SMALL as u64).read_to_end(&mut start)?;
    let content = if start.len() < SMALL {
        copy.write_all(&start)?;
        Sha256::digest(&start)
    } else {
        source.rewind()?;
        copy_content(&mut source, &mut copy)?;
        copy.rewind()?;
        digest(&mut copy)?
    };
    copy.set_permissions(Permissions::from_mode(if spec.executable { 0o755 } else { 0o644 }))?;
    let time = Timespec { tv_sec: spec.mtime_ns.div_euclid(SECOND_NS), tv_nsec: spec.mtime_ns.rem_euclid(SECOND_NS) };
    futimens(&copy, &Timestamps { last_access: time, last_modification: time })?;
    Ok(content.as_slice() == spec.content)
}

fn digest(file: &mut File) -> io::Result<sha2::digest::Output<Sha256>> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; SMALL];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "makes the files to copy")]

    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt as _;

    use sha2::{Digest as _, Sha256};

    use super::{CopySpec, SMALL, copy_file};

    #[test]
    fn files_of_all_sizes_are_copied_whole() {
        for len in [0, 1, SMALL - 1, SMALL, SMALL + 1, 5 * SMALL] {
            let folder = tempfile::tempdir().unwrap();
            let (from, to) = (folder.path().join("from"), folder.path().join("to"));
            let bytes: Vec<u8> = (0..=250).cycle().take(len).collect();
            fs::write(&from, &bytes).unwrap();
            let (content, executable) = (Sha256::digest(&bytes).into(), len == 1);
            assert!(
                copy_file(File::open(&from).unwrap(), &to, &CopySpec { executable, content: &content, mtime_ns: -1 })
                    .unwrap()
            );
            assert!(fs::read(&to).unwrap() == bytes, "{len}");
            let meta = fs::metadata(&to).unwrap();
            assert_eq!(meta.mode() & 0o777, if executable { 0o755 } else { 0o644 });
            assert_eq!((meta.mtime(), meta.mtime_nsec()), (-1, 999_999_999));
        }
    }

    #[test]
    fn a_copy_with_other_content_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("from");
        fs::write(&from, "now").unwrap();
        let content = Sha256::digest("before").into();
        let spec = CopySpec { executable: false, content: &content, mtime_ns: 0 };
        assert!(!copy_file(File::open(&from).unwrap(), &folder.path().join("to"), &spec).unwrap());
    }
}

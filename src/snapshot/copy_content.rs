//! Copies the content of files on Linux.
#![expect(clippy::disallowed_types, reason = "copies files")]

use std::fs::File;
use std::io::{self, Read as _};

use rustix::fs::{SeekFrom, ioctl_ficlone, seek};
use rustix::io::Errno;

/// Copies the content of a file into a new, empty file. The files share their blocks where the file system supports it,
/// and holes stay holes.
///
/// # Errors
/// When the source can't be read or the copy can't be written.
pub fn copy_content(source: &mut File, copy: &mut File) -> io::Result<()> {
    if ioctl_ficlone(&*copy, &*source).is_ok() { Ok(()) } else { copy_data(source, copy) }
}

fn copy_data(source: &mut File, copy: &mut File) -> io::Result<()> {
    let len = source.metadata()?.len();
    let mut hole = 0;
    while hole < len {
        let data = match seek(&*source, SeekFrom::Data(hole)) {
            Ok(data) => data,
            // The rest of the file is a hole.
            Err(Errno::NXIO) => return copy.set_len(len),
            Err(errno) => return Err(errno.into()),
        };
        hole = seek(&*source, SeekFrom::Hole(data))?;
        seek(&*source, SeekFrom::Start(data))?;
        seek(&*copy, SeekFrom::Start(data))?;
        io::copy(&mut source.take(hole - data), copy)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};

    use super::copy_content;

    #[test]
    fn holes_stay_holes() {
        let (mut source, mut copy) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        source.write_all_at(b"middle", 32 << 20).unwrap();
        source.set_len(64 << 20).unwrap();
        copy_content(&mut source, &mut copy).unwrap();
        let blocks = copy.metadata().unwrap().blocks();
        assert!(blocks * 512 < 1 << 20, "{blocks} blocks");
        let [source, copy] = [source, copy].map(|mut file| {
            let mut content = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut content).unwrap();
            content
        });
        assert!(source == copy && copy[32 << 20..].starts_with(b"middle"));
    }
}

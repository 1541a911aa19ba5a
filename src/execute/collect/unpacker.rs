//! A new folder of artifacts, filled as far as the run's budget goes, and removed where that fails.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes artifacts")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::limits::MAX_NAMES;
use crate::quota::Quota;
use crate::record::{Artifact, Manifest};
use crate::state::remove;

/// The unit of the budget, in bytes: each file and folder costs one besides its content, and one of zeros becomes a hole.
const BLOCK: usize = 4096;
/// A block that becomes a hole.
const HOLE: [u8; BLOCK] = [0; BLOCK];
/// Size of the read buffer, in bytes.
const BUFFER: usize = 16 * BLOCK;

/// A folder that is being filled, and how much is in it.
pub(super) struct Unpacker<'a> {
    folder: &'a Path,
    most: u64,
    folders: u64,
    names: u64,
    /// The lengths of the files, by path.
    files: BTreeMap<String, u64>,
    quota: &'a Quota,
    taken: u64,
}

impl<'a> Unpacker<'a> {
    /// Makes a new folder of at most so many files and folders, has it filled, and returns its files; where that fails
    /// nothing of it stays.
    pub(super) fn fill(
        most: u64,
        folder: &'a Path,
        quota: &'a Quota,
        fill: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Manifest> {
        fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
        let mut unpacker = Self { folder, most, folders: 0, names: 0, files: BTreeMap::new(), quota, taken: 0 };
        if let Err(error) = fill(&mut unpacker) {
            return Err(match remove(folder) {
                Ok(()) => {
                    quota.give_back(unpacker.taken);
                    error
                }
                Err(left) => error.context(format!("{left:#}")),
            });
        }
        Ok(Manifest::new(unpacker.files.into_iter().map(|(path, len)| Artifact { path, len }).collect()))
    }

    /// Adds a file with its folders.
    pub(super) fn add(&mut self, place: &Path, executable: bool, content: &mut impl io::Read) -> Result<()> {
        let place = self.make_place(place)?;
        let len = self.write(content, &self.folder.join(&place), executable)?;
        self.files.insert(place, len);
        Ok(())
    }

    /// Adds another name, with its folders, for a file that was added before.
    pub(super) fn link(&mut self, place: &Path, first: &Path) -> Result<()> {
        let first = utf8(first);
        let Some(&len) = self.files.get(&first) else {
            bail!("artifact {} links to {first}, which didn't come before it", place.display());
        };
        let place = self.make_place(place)?;
        let (from, to) = (self.folder.join(first), self.folder.join(&place));
        fs::hard_link(&from, &to).with_context(|| format!("linking {} to {}", to.display(), from.display()))?;
        self.files.insert(place, len);
        Ok(())
    }

    /// Counts a file, makes the folders that it lies in, and returns its path.
    fn make_place(&mut self, place: &Path) -> Result<String> {
        self.names += place.as_os_str().len() as u64;
        if self.files.len() as u64 == self.most || self.names > MAX_NAMES {
            bail!("the job brought back more than {} artifacts, or names of more than {MAX_NAMES} bytes", self.most);
        }
        let place = utf8(place);
        if let Some(parent) = Path::new(&place).parent() {
            self.make_folders(parent)?;
        }
        Ok(place)
    }

    fn make_folders(&mut self, inner: &Path) -> Result<()> {
        if self.folder.join(inner).is_dir() {
            return Ok(());
        }
        let mut folder = self.folder.to_owned();
        for part in inner {
            folder.push(part);
            match fs::create_dir(&folder) {
                Ok(()) => {
                    self.folders += 1;
                    self.take(BLOCK)?;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", folder.display())),
            }
            if self.folders > self.most {
                bail!("the job brought back more than {} folders", self.most);
            }
        }
        Ok(())
    }

    /// Writes a new file, in which blocks of zeros are holes, and returns its length.
    fn write(&mut self, content: &mut impl io::Read, place: &Path, executable: bool) -> Result<u64> {
        // The folder is new and holds no symbolic links, as nothing here makes any.
        let mode = if executable { 0o755 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(place);
        let mut file = file.with_context(|| format!("making {}", place.display()))?;
        self.take(BLOCK)?;
        let writing = || format!("writing {}", place.display());
        let mut buffer = vec![0; BUFFER];
        let mut len = 0;
        loop {
            let filled = fill(content, &mut buffer).with_context(writing)?;
            for block in buffer[..filled].chunks(BLOCK) {
                if *block == HOLE[..block.len()] {
                    skip(&mut file, block.len()).with_context(writing)?;
                } else {
                    self.take(BLOCK)?;
                    file.write_all(block).with_context(writing)?;
                }
            }
            len += filled as u64;
            if filled < BUFFER {
                file.set_len(len).with_context(writing)?;
                return Ok(len);
            }
        }
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        let taken = self.quota.take(bytes as u64);
        self.taken += taken;
        if taken < bytes as u64 {
            bail!("the run used up its disk budget of {} bytes", self.quota.total());
        }
        Ok(())
    }
}

/// Spells a path in UTF-8, which records and the file systems of macOS need: other bytes as `%E9` is.
fn utf8(path: &Path) -> String {
    let chunks = path.as_os_str().as_bytes().utf8_chunks();
    chunks.fold(String::new(), |text, chunk| {
        let invalid = chunk.invalid().iter().map(|byte| format!("%{byte:02X}"));
        invalid.fold(text + chunk.valid(), |text, byte| text + &byte)
    })
}

fn skip(file: &mut File, bytes: usize) -> io::Result<u64> {
    file.seek(SeekFrom::Current(i64::try_from(bytes).map_err(io::Error::other)?))
}

/// Reads until the buffer is full or nothing more comes, and returns how much came.
fn fill(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

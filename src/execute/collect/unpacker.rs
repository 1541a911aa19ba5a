//! Fills a new folder with artifacts within the run's quota, and removes the folder after a failure.

#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "writes artifacts")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use super::limits::MAX_NAMES;
use crate::id::Digest;
use crate::quota::Quota;
use crate::record::{Artifact, ArtifactLink, Manifest, artifact_links};
use crate::state::remove_tree;

/// The unit of the quota, in bytes. Each file and folder costs one block besides its content; a block of zeros becomes
/// a hole and costs nothing.
const BLOCK: usize = 4096;
/// A block that becomes a hole.
const HOLE: [u8; BLOCK] = [0; BLOCK];
/// Size of the read buffer, in bytes.
const BUFFER: usize = 16 * BLOCK;

/// A folder that is being filled, with counts of its content.
pub(super) struct Unpacker<'a> {
    folder: &'a Path,
    max_files: u64,
    folders: u64,
    names: u64,
    /// The files, by path.
    files: BTreeMap<String, Artifact>,
    /// The texts of the symbolic links, by path.
    links: BTreeMap<String, String>,
    quota: &'a Quota,
    taken: u64,
}

impl<'a> Unpacker<'a> {
    /// Creates a folder, calls `fill` for it and returns the list of its files. Removes the folder after a failure. The
    /// folder may have at most `max_files` files and as many folders.
    pub(super) fn fill(
        max_files: u64,
        folder: &'a Path,
        quota: &'a Quota,
        fill: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Manifest> {
        fs::create_dir(folder).with_context(|| format!("making {}", folder.display()))?;
        let mut unpacker = Self {
            folder,
            max_files,
            folders: 0,
            names: 0,
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            quota,
            taken: 0,
        };
        match fill(&mut unpacker).and_then(|()| unpacker.make_links()) {
            Ok(links) => Ok(Manifest { links, ..Manifest::new(unpacker.files.into_values().collect()) }),
            Err(error) => Err(match remove_tree(folder) {
                Ok(()) => {
                    quota.give_back(unpacker.taken);
                    error
                }
                Err(remove_error) => error.context(format!("{remove_error:#}")),
            }),
        }
    }

    /// Adds a file and its parent folders.
    pub(super) fn add(&mut self, path: &Path, executable: bool, content: &mut impl io::Read) -> Result<()> {
        let path = self.prepare_path(path)?;
        let (len, digest) = self.write(content, &self.folder.join(&path), executable)?;
        let mode = Some(if executable { "755" } else { "644" }.to_owned());
        self.files.insert(path.clone(), Artifact { path, len, mode, sha256: Some(digest) });
        Ok(())
    }

    /// Adds another name for a file that was added before, and the parent folders of that name.
    pub(super) fn link(&mut self, path: &Path, first: &Path) -> Result<()> {
        let first = utf8(first);
        if let Some(target) = self.links.get(&first).cloned() {
            return self.add_link(path, Path::new(&target));
        }
        let Some(artifact) = self.files.get(&first).cloned() else {
            bail!("artifact {} links to {first}, which isn't among the files before it", path.display());
        };
        let path = self.prepare_path(path)?;
        let (from, to) = (self.folder.join(first), self.folder.join(&path));
        fs::hard_link(&from, &to).with_context(|| format!("linking {} to {}", to.display(), from.display()))?;
        self.files.insert(path.clone(), Artifact { path, ..artifact });
        Ok(())
    }

    /// Adds a symbolic link and its parent folders. The link is made after all files, so that no path leads through it.
    pub(super) fn add_link(&mut self, path: &Path, target: &Path) -> Result<()> {
        let path = self.prepare_path(path)?;
        self.names += target.as_os_str().len() as u64;
        self.take(BLOCK)?;
        self.links.insert(path, utf8(target));
        Ok(())
    }

    /// Makes the links that lead to other artifacts, and returns all links.
    fn make_links(&mut self) -> Result<Vec<ArtifactLink>> {
        let links = artifact_links(self.files.keys().map(String::as_str), std::mem::take(&mut self.links));
        for link in links.iter().filter(|link| link.kept) {
            let path = self.folder.join(&link.path);
            symlink(&link.target, &path).with_context(|| format!("making {}", path.display()))?;
        }
        Ok(links)
    }

    /// Counts a file, creates its parent folders, and returns its path in UTF-8.
    fn prepare_path(&mut self, path: &Path) -> Result<String> {
        self.names += path.as_os_str().len() as u64;
        if (self.files.len() + self.links.len()) as u64 == self.max_files || self.names > MAX_NAMES {
            bail!(
                "the job has more than {} artifacts, or their names have more than {MAX_NAMES} bytes",
                self.max_files
            );
        }
        let path = utf8(path);
        if let Some(parent) = Path::new(&path).parent() {
            self.make_folders(parent)?;
        }
        Ok(path)
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
            if self.folders > self.max_files {
                bail!("the job's artifacts have more than {} folders", self.max_files);
            }
        }
        Ok(())
    }

    /// Writes a new file with holes for blocks of zeros, and returns its length and its digest.
    fn write(&mut self, content: &mut impl io::Read, path: &Path, executable: bool) -> Result<(u64, Digest)> {
        // The folder is new, and symbolic links come last.
        let mode = if executable { 0o755 } else { 0o644 };
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        let mut file = file.with_context(|| format!("making {}", path.display()))?;
        self.take(BLOCK)?;
        let writing = || format!("writing {}", path.display());
        let mut buffer = vec![0; BUFFER];
        let (mut len, mut hasher) = (0, Sha256::new());
        loop {
            let filled = fill(content, &mut buffer).with_context(writing)?;
            hasher.update(&buffer[..filled]);
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
                return Ok((len, Digest::from_hasher(hasher)));
            }
        }
    }

    /// Takes bytes from the quota.
    fn take(&mut self, bytes: usize) -> Result<()> {
        let taken = self.quota.take(bytes as u64);
        self.taken += taken;
        if taken < bytes as u64 {
            bail!("the run used up its disk quota of {} bytes", self.quota.total());
        }
        Ok(())
    }
}

/// Returns a path in UTF-8, as records and the file systems of macOS require. Other bytes are percent-encoded, as
/// `%E9`.
fn utf8(path: &Path) -> String {
    let chunks = path.as_os_str().as_bytes().utf8_chunks();
    chunks.fold(String::new(), |text, chunk| {
        let invalid = chunk.invalid().iter().map(|byte| format!("%{byte:02X}"));
        invalid.fold(text + chunk.valid(), |text, byte| text + &byte)
    })
}

/// Moves past a hole in a file.
fn skip(file: &mut File, bytes: usize) -> io::Result<u64> {
    file.seek(SeekFrom::Current(i64::try_from(bytes).map_err(io::Error::other)?))
}

/// Reads until the buffer is full or the stream ends, and returns the number of bytes.
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

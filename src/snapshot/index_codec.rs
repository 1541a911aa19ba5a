//! Reads and writes the file of an index. Parsing JSON would take longer than reading the metadata of all files.

use anyhow::{Context as _, Result};
use flate2::Crc;

use super::file_stat::FileStat;
use super::index::{Index, IndexedFile};
use super::witness::Witness;
use crate::failpoint::Point;
use crate::foreign::Beneath;
use crate::id::Digest;
use crate::state::write_atomic;

const MAGIC: &[u8] = b"pikaci index 2\n";
/// The longest index that is read, in bytes; enough for millions of files.
const LIMIT: u64 = 1 << 30;

impl Index {
    /// Reads an index; `None` when the file is missing or damaged.
    #[must_use]
    pub fn load(path: &Beneath) -> Option<Self> {
        Self::decode(&path.read(LIMIT).ok()?)
    }

    /// Writes the index.
    pub(super) fn save(&self, path: &Beneath) -> Result<()> {
        if let Some(folder) = path.parent() {
            folder.make_folders().with_context(|| format!("making {}", folder.display()))?;
        }
        write_atomic(Point::Index, path, &self.encode())
    }

    /// Encodes the index.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&self.started_ns.to_le_bytes());
        bytes.extend_from_slice(self.snapshot.as_str().as_bytes());
        put(&mut bytes, &self.environment);
        put_len(&mut bytes, self.witnesses.len());
        for witness in &self.witnesses {
            put(&mut bytes, &witness.path);
            bytes.push(u8::from(witness.stat.is_some()));
            put_stat(&mut bytes, &witness.stat.unwrap_or_default());
        }
        put_len(&mut bytes, self.others.len());
        for path in &self.others {
            put(&mut bytes, path);
        }
        put_len(&mut bytes, self.files.len());
        for file in &self.files {
            put(&mut bytes, &file.path);
            bytes.push(u8::from(file.executable));
            put_stat(&mut bytes, &file.stat);
            bytes.extend_from_slice(&file.content);
        }
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Decodes an index; `None` when the bytes are damaged.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        let mut rest = body.strip_prefix(MAGIC)?;
        if checksum(body) != *sum {
            return None;
        }
        let rest = &mut rest;
        let index = Self {
            started_ns: i64::from_le_bytes(take(rest)?),
            snapshot: Digest::try_from(String::from_utf8(take::<64>(rest)?.to_vec()).ok()?).ok()?,
            environment: take_bytes(rest)?,
            witnesses: take_all(rest, |rest| {
                let (path, exists) = (take_bytes(rest)?, take::<1>(rest)? == [1]);
                let stat = take_stat(rest)?;
                Some(Witness { path, stat: exists.then_some(stat) })
            })?,
            others: take_all(rest, take_bytes)?,
            files: take_all(rest, |rest| {
                let (path, executable) = (take_bytes(rest)?, take::<1>(rest)? == [1]);
                Some(IndexedFile { path, executable, stat: take_stat(rest)?, content: take(rest)? })
            })?,
        };
        rest.is_empty().then_some(index)
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

fn put_len(bytes: &mut Vec<u8>, len: usize) {
    bytes.extend_from_slice(&(len as u64).to_le_bytes());
}

fn put(bytes: &mut Vec<u8>, text: &[u8]) {
    put_len(bytes, text.len());
    bytes.extend_from_slice(text);
}

fn put_stat(bytes: &mut Vec<u8>, stat: &FileStat) {
    bytes.extend_from_slice(&stat.inode.to_le_bytes());
    bytes.extend_from_slice(&stat.len.to_le_bytes());
    bytes.extend_from_slice(&stat.mtime_ns.to_le_bytes());
    bytes.extend_from_slice(&stat.ctime_ns.to_le_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn take_len(rest: &mut &[u8]) -> Option<usize> {
    // Every counted item takes at least a byte.
    usize::try_from(u64::from_le_bytes(take(rest)?)).ok().filter(|len| *len <= rest.len())
}

fn take_bytes(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let len = take_len(rest)?;
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken.to_vec())
}

fn take_stat(rest: &mut &[u8]) -> Option<FileStat> {
    Some(FileStat {
        inode: u64::from_le_bytes(take(rest)?),
        len: u64::from_le_bytes(take(rest)?),
        mtime_ns: i64::from_le_bytes(take(rest)?),
        ctime_ns: i64::from_le_bytes(take(rest)?),
    })
}

fn take_all<T>(rest: &mut &[u8], one: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let len = take_len(rest)?;
    // Without a capacity: a damaged length would reserve memory for entries that don't exist.
    let mut all = Vec::new();
    for _ in 0..len {
        all.push(one(rest)?);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::{FileStat, Index, IndexedFile, Witness};
    use crate::id::Digest;

    fn index() -> Index {
        let stat = FileStat { inode: 7, len: 8, mtime_ns: 9, ctime_ns: 10 };
        let file = |path: &[u8]| IndexedFile { path: path.to_vec(), executable: true, stat, content: [3; 32] };
        Index {
            started_ns: 11,
            snapshot: Digest::of(b""),
            environment: b"HOME=/".to_vec(),
            witnesses: vec![
                Witness { path: b"/x".to_vec(), stat: Some(stat) },
                Witness { path: b"/y".to_vec(), stat: None },
            ],
            others: vec![b"link".to_vec()],
            files: vec![file(b"a"), file(b"b\xff")],
        }
    }

    #[test]
    fn an_index_survives_encoding_and_decoding() {
        assert_eq!(Index::decode(&index().encode()), Some(index()));
    }

    #[test]
    fn a_damaged_index_is_not_decoded() {
        let bytes = index().encode();
        for len in 0..bytes.len() {
            assert_eq!(Index::decode(&bytes[..len]), None, "{len}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!(Index::decode(&damaged), None, "{at}");
        }
        assert_eq!(Index::decode(&[bytes.as_slice(), b"x"].concat()), None);
    }
}

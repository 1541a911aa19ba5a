//! Decodes, hashes and copies the content of the host's files.
#![expect(clippy::disallowed_types, reason = "opens the host's files")]

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use flate2::read::GzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest as _, Sha256};

use super::bzimage::{self, BzImage};
use super::cached_file::ContentDigest;
use super::file_stamp::FileStamp;
use super::hash_cache::HashCache;
use crate::facts::{BlobRef, Encoding};
use crate::foreign::Beneath;
use crate::id::Digest;

/// The longest content that is read, in bytes.
const LIMIT: u64 = 512 << 20;
/// Memory limit of a decoder, in KiB.
const DECODER_KIB: u32 = 512 << 10;

/// Writes the decoded content of a blob, and compares it with the planned one.
///
/// # Errors
///
/// When the file can't be read, the content can't be written, or it isn't the planned content. A part of the content may
/// have been written by then.
pub fn decode(blob: &BlobRef, writer: impl Write) -> anyhow::Result<()> {
    let path = blob.path.display();
    let reader = open(&blob.path, blob.encoding)?;
    let content = copy(reader, writer, blob.len).with_context(|| format!("copying {path}"))?;
    let is_planned = content.is_some_and(|content| content.len == blob.len && content.sha256 == blob.sha256);
    ensure!(is_planned, "{path} changed since it was planned");
    Ok(())
}

/// Describes a file of the host as a blob.
pub(super) fn blob_ref(path: &Path, encoding: Encoding, cache: &HashCache) -> anyhow::Result<BlobRef> {
    let stamp = FileStamp::read(path).with_context(|| format!("reading {}", path.display()))?;
    let cached = cache.get(path, stamp, |file| file.contents.get(&encoding).cloned());
    let content = if let Some(content) = cached {
        content
    } else {
        let content = read_content(path, encoding, io::sink())?;
        cache.update(path, stamp, |file| drop(file.contents.insert(encoding, content.clone())));
        content
    };
    Ok(BlobRef { path: path.to_owned(), encoding, len: content.len, sha256: content.sha256 })
}

/// Writes the decoded content of a file, and returns its length and digest.
pub(super) fn read_content(path: &Path, encoding: Encoding, writer: impl Write) -> anyhow::Result<ContentDigest> {
    let content = copy(open(path, encoding)?, writer, LIMIT).with_context(|| format!("reading {}", path.display()))?;
    content.with_context(|| format!("{} holds more than {} MiB", path.display(), LIMIT >> 20))
}

/// Reads at most `len` bytes from the start of a file.
pub(super) fn read_start(path: &Path, len: usize) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("reading {}", path.display());
    let mut bytes = Vec::new();
    let file = Beneath::resolved(path).and_then(|file| file.open()).with_context(reading)?;
    file.take(len as u64).read_to_end(&mut bytes).with_context(reading)?;
    Ok(bytes)
}

/// Copies a content, and returns its length and digest; `None` when it is longer than the limit.
fn copy(mut reader: impl Read, mut writer: impl Write, limit: u64) -> anyhow::Result<Option<ContentDigest>> {
    let mut hasher = Sha256::new();
    let mut len = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(Some(ContentDigest { len, sha256: Digest::from_hasher(hasher) })),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).context("decoding the content"),
        };
        len += count as u64;
        if len > limit {
            return Ok(None);
        }
        hasher.update(&buffer[..count]);
        writer.write_all(&buffer[..count]).context("writing the content")?;
    }
}

fn open(path: &Path, encoding: Encoding) -> anyhow::Result<Box<dyn Read>> {
    let file = Beneath::resolved(path).and_then(|file| file.open());
    let file = file.with_context(|| format!("reading {}", path.display()))?;
    let decoder = match encoding {
        Encoding::BzImagePayload => payload(file),
        encoding => decoder(BufReader::new(file), encoding),
    };
    decoder.with_context(|| format!("decoding {}", path.display()))
}

fn decoder(file: impl io::BufRead + 'static, encoding: Encoding) -> anyhow::Result<Box<dyn Read>> {
    Ok(match encoding {
        Encoding::Plain | Encoding::BzImagePayload => Box::new(file),
        Encoding::Gzip => Box::new(GzDecoder::new(file)),
        Encoding::Xz => Box::new(XzReader::new_mem_limit(file, false, DECODER_KIB)),
        Encoding::Zstd => Box::new(StreamingDecoder::new(file)?),
    })
}

fn payload(mut image: File) -> anyhow::Result<Box<dyn Read>> {
    let mut start = Vec::new();
    Read::by_ref(&mut image).take(bzimage::HEADER_LEN as u64).read_to_end(&mut start)?;
    let (offset, len) =
        BzImage::parse(&start).and_then(|header| header.payload).context("the image has no compressed kernel")?;
    let mut magic = [0; 6];
    image.seek(SeekFrom::Start(offset))?;
    image.read_exact(&mut magic)?;
    image.seek(SeekFrom::Start(offset))?;
    // Payloads other than gzip end with four bytes that hold the length of the kernel.
    let stream_len = len.saturating_sub(4);
    match magic {
        [0x1f, 0x8b, ..] => decoder(BufReader::new(image.take(len)), Encoding::Gzip),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => decoder(BufReader::new(image.take(stream_len)), Encoding::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => decoder(BufReader::new(image.take(stream_len)), Encoding::Zstd),
        [0x02, 0x21, 0x4c, 0x18, ..] => Ok(Box::new(lz4_flex::frame::FrameDecoder::new(image.take(stream_len)))),
        _ => bail!("the kernel is compressed in an unknown way"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "makes the file to decode")]

    use super::{Encoding, read_content};

    /// Output of `xz --check=crc32 --x86 --lzma2=preset=6` of XZ Utils 5.4.1 for [`calls`]. The options are those that
    /// kernels are built with.
    const CALLS: [u8; 88] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x01, 0x04, 0x00, 0x21, 0x01,
        0x16, 0x00, 0x0d, 0x86, 0x35, 0x1f, 0xe0, 0x03, 0xff, 0x00, 0x1b, 0x5d, 0x00, 0x2a, 0x92, 0x0d, 0xa4, 0xe4,
        0xbe, 0x54, 0x0e, 0xe7, 0x31, 0x47, 0x6f, 0xe8, 0x41, 0xf6, 0x5b, 0x85, 0x6a, 0xf3, 0x4b, 0x81, 0x43, 0x3f,
        0xde, 0x42, 0x51, 0x00, 0x00, 0x00, 0xb4, 0x89, 0xd0, 0x75, 0x00, 0x01, 0x33, 0x80, 0x08, 0x00, 0x00, 0x00,
        0xa3, 0x39, 0xe9, 0x35, 0x3e, 0x30, 0x0d, 0x8b, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
    ];

    /// Returns functions that all call the same function, which is the code that xz's filter for x86 transforms.
    fn calls() -> Vec<u8> {
        let function = |at: i32| {
            let target = (0x1000 - 16 * at).to_le_bytes();
            [&[0x55, 0x48, 0x89, 0xe5, 0xe8], target.as_slice(), &[0x90, 0x90, 0x5d, 0xc3, 0xcc, 0xcc, 0xcc]].concat()
        };
        (0..64).flat_map(function).collect()
    }

    fn decoded(xz: &[u8]) -> anyhow::Result<Vec<u8>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), xz).unwrap();
        let mut content = Vec::new();
        read_content(file.path(), Encoding::Xz, &mut content).map(|_| content)
    }

    #[test]
    fn the_output_of_xz_utils_is_decoded() {
        assert_eq!(decoded(&CALLS).unwrap(), calls());
    }

    #[test]
    fn damaged_xz_is_an_error() {
        for at in 0..CALLS.len() {
            let mut damaged = CALLS;
            damaged[at] ^= 0x10;
            assert!(decoded(&damaged).is_err(), "byte {at}");
            assert!(decoded(&CALLS[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn xz_that_needs_too_much_memory_is_an_error() {
        // A dictionary of 1 GiB, with a valid checksum.
        let mut huge = CALLS;
        huge[18] = 0x24;
        huge[20..24].copy_from_slice(&[0x7c, 0xd2, 0x45, 0xf2]);
        let error = format!("{:#}", decoded(&huge).unwrap_err());
        assert!(error.contains("memory"), "{error}");
    }
}

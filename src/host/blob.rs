//! The content of the host's files: decoded, hashed, copied.
#![expect(clippy::disallowed_types, reason = "opens the host's files")]

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use flate2::read::GzDecoder;
use liblzma::read::XzDecoder;
use liblzma::stream::Stream;
use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest as _, Sha256};

use super::bzimage::{self, BzImage};
use super::cache::{Content, HashCache, Stamp};
use crate::flake::{BlobRef, Encoding};
use crate::id::Digest;

/// The most that a content may have, and a decoder may use.
pub(super) const LIMIT: u64 = 512 << 20;

/// Writes the content of a blob, decoded, and checks it on the way.
///
/// # Errors
///
/// When the file can't be read or the content not be written, and when the content isn't the one that was planned; part
/// of it may be written by then.
pub fn decode(blob: &BlobRef, writer: impl Write) -> anyhow::Result<()> {
    let path = blob.path.display();
    let reader = open(&blob.path, blob.encoding)?;
    let content = copy(reader, writer, blob.len).with_context(|| format!("copying {path}"))?;
    let same = content.is_some_and(|content| content.len == blob.len && content.sha256 == blob.sha256);
    ensure!(same, "{path} changed since it was planned");
    Ok(())
}

/// Returns a file of the host as a blob.
pub(super) fn blob(path: &Path, encoding: Encoding, cache: &HashCache) -> anyhow::Result<BlobRef> {
    let stamp = Stamp::of(path).with_context(|| format!("reading {}", path.display()))?;
    let known = cache.recall(path, stamp, |known| known.contents.get(&encoding).cloned());
    let content = if let Some(content) = known {
        content
    } else {
        let content = read(path, encoding, io::sink())?;
        cache.learn(path, stamp, |known| drop(known.contents.insert(encoding, content.clone())));
        content
    };
    Ok(BlobRef { path: path.to_owned(), encoding, len: content.len, sha256: content.sha256 })
}

/// Reads the content of a file into a writer and returns what it is.
pub(super) fn read(path: &Path, encoding: Encoding, writer: impl Write) -> anyhow::Result<Content> {
    let content = copy(open(path, encoding)?, writer, LIMIT).with_context(|| format!("reading {}", path.display()))?;
    content.with_context(|| format!("{} holds more than {} MiB", path.display(), LIMIT >> 20))
}

/// Returns the first bytes of a file.
pub(super) fn start(path: &Path, len: usize) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("reading {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(reading)?.take(len as u64).read_to_end(&mut bytes).with_context(reading)?;
    Ok(bytes)
}

/// Copies a content and returns what it was, or `None` when it is longer than the limit.
fn copy(mut reader: impl Read, mut writer: impl Write, limit: u64) -> anyhow::Result<Option<Content>> {
    let mut hasher = Sha256::new();
    let mut len = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(Some(Content { len, sha256: Digest::finish(hasher) })),
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
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
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
        Encoding::Xz => Box::new(XzDecoder::new_stream(file, Stream::new_stream_decoder(LIMIT, 0)?)),
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
    // All but gzip are followed by four bytes that hold the size of the kernel.
    let sized = len.saturating_sub(4);
    match magic {
        [0x1f, 0x8b, ..] => decoder(BufReader::new(image.take(len)), Encoding::Gzip),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => decoder(BufReader::new(image.take(sized)), Encoding::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => decoder(BufReader::new(image.take(sized)), Encoding::Zstd),
        [0x02, 0x21, 0x4c, 0x18, ..] => Ok(Box::new(lz4_flex::frame::FrameDecoder::new(image.take(sized)))),
        _ => bail!("the kernel is compressed in an unknown way"),
    }
}

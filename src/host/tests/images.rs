//! Made-up kernel images and programs, and encoders for their content.

use std::io::Write as _;

use lzma_rust2::{XzOptions, XzWriter};

use crate::host::elf::{PHYS32_ENTRY, PT_NOTE};

/// Makes an x86 kernel image with a release and a payload.
pub(in crate::host) fn bzimage(release: &str, payload: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 0x400];
    image[0x1f1] = 1;
    image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
    image[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    image[0x248..0x24c].copy_from_slice(&16_u32.to_le_bytes());
    image[0x24c..0x250].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    let version = format!("{release} (builder) #1 SMP\0");
    image[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
    image.extend([0x90; 16]);
    image.extend(payload);
    image.extend(b"trailer");
    image
}

/// Makes an x86-64 ELF file with segments of the given types and contents.
pub(in crate::host) fn elf(segments: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    file.resize(32, 0);
    file.extend(64_u64.to_le_bytes());
    file.resize(54, 0);
    file.extend(56_u16.to_le_bytes());
    file.extend(u16::try_from(segments.len()).unwrap().to_le_bytes());
    file.resize(64, 0);
    let mut offset = 64 + 56 * segments.len() as u64;
    for (kind, content) in segments {
        let len = content.len() as u64;
        file.extend(kind.to_le_bytes());
        file.extend([0; 4]);
        for field in [offset, 0, 0, len, len, 4] {
            file.extend(field.to_le_bytes());
        }
        offset += len;
    }
    file.extend(segments.iter().flat_map(|(_, content)| content));
    file
}

/// Makes a note of an ELF file.
pub(in crate::host) fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    for field in [u32::try_from(name.len()).unwrap(), u32::try_from(description.len()).unwrap(), kind] {
        note.extend(field.to_le_bytes());
    }
    for part in [name, description] {
        note.extend(part);
        note.resize(note.len().next_multiple_of(4), 0);
    }
    note
}

/// Makes a kernel that has a PVH entry after another note.
pub(in crate::host) fn pvh_kernel() -> Vec<u8> {
    let notes = [note(b"GNU\0", 3, b"build"), note(b"Xen\0", PHYS32_ENTRY, &[1, 0, 0, 1, 0, 0, 0, 0])].concat();
    elf(&[(1, b"code".to_vec()), (PT_NOTE, notes)])
}

pub(super) fn lz4(content: &[u8]) -> Vec<u8> {
    let block = lz4_flex::block::compress(content);
    let len = u32::try_from(block.len()).unwrap();
    sized([&0x184c_2102_u32.to_le_bytes(), &len.to_le_bytes(), block.as_slice()].concat(), content)
}

/// Appends the length of the content, as kernel images have it after most payloads.
pub(super) fn sized(mut payload: Vec<u8>, content: &[u8]) -> Vec<u8> {
    payload.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    payload
}

pub(super) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn xz(content: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

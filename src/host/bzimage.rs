//! Parses the header of an x86 kernel image, as Linux's boot protocol defines it. Pure.

use super::bytes::{u16_at, u32_at};
use super::release::is_release;

/// Number of bytes at the start of an image that [`BzImage::parse`] may read: the first sector and at most 255 more.
pub(super) const HEADER_LEN: usize = 256 * SECTOR;
const SECTOR: usize = 512;
/// Boot protocol 2.08, the first one with the fields of a payload.
const PAYLOAD_PROTOCOL: u16 = 0x0208;

/// The parsed header of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BzImage {
    /// Release of the kernel, if the header has one.
    pub(super) release: Option<String>,
    /// Offset and length of the compressed kernel, in bytes from the start of the file.
    pub(super) payload: Option<(u64, u64)>,
}

impl BzImage {
    /// Parses the start of an image; `None` when it isn't an image.
    pub(super) fn parse(start: &[u8]) -> Option<Self> {
        (u16_at(start, 0x1fe)? == 0xaa55 && start.get(0x202..0x206)? == b"HdrS").then_some(())?;
        Some(Self { release: release(start), payload: payload(start) })
    }
}

fn release(start: &[u8]) -> Option<String> {
    let text = start.get(usize::from(u16_at(start, 0x20e).filter(|pointer| *pointer > 0)?) + SECTOR..)?;
    let end = text.iter().position(|byte| *byte <= b' ')?;
    let release = std::str::from_utf8(&text[..end]).ok()?;
    is_release(release).then(|| release.to_owned())
}

fn payload(start: &[u8]) -> Option<(u64, u64)> {
    (u16_at(start, 0x206)? >= PAYLOAD_PROTOCOL).then_some(())?;
    let sectors = match start.get(0x1f1)? {
        0 => 4,
        count => u64::from(*count),
    };
    let offset = (sectors + 1) * SECTOR as u64 + u64::from(u32_at(start, 0x248)?);
    let len = u64::from(u32_at(start, 0x24c)?);
    (len > 0).then_some((offset, len))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BzImage, is_release};
    use crate::host::tests::images::bzimage;

    #[test]
    fn a_header_has_the_release_and_the_payload() {
        let parsed = BzImage::parse(&bzimage("6.1.0-9-cloud-amd64", b"content")).unwrap();
        assert_eq!(parsed.release.as_deref(), Some("6.1.0-9-cloud-amd64"));
        assert_eq!(parsed.payload, Some((0x410, 7)));
    }

    #[test]
    fn a_missing_field_of_the_header_is_none() {
        assert_eq!(BzImage::parse(b"MZ"), None);
        assert_eq!(BzImage::parse(&vec![0; 0x1000]), None);
        assert_eq!(BzImage::parse(&bzimage("../../etc", b"x")).unwrap().release, None);
        let mut old = bzimage("2.6.20", b"x");
        old[0x206..0x208].copy_from_slice(&0x0207_u16.to_le_bytes());
        assert_eq!(BzImage::parse(&old).unwrap().payload, None);
    }

    proptest! {
        #[test]
        fn hostile_headers_never_panic(
            len in 0_usize..0x500,
            changes in proptest::collection::vec((0x1f1_usize..0x250, any::<u8>()), 0..20),
        ) {
            let mut image = bzimage("6.1.0", b"payload");
            for (at, byte) in changes {
                image[at] = byte;
            }
            image.truncate(len);
            if let Some(release) = BzImage::parse(&image).and_then(|parsed| parsed.release) {
                prop_assert!(is_release(&release));
            }
        }
    }
}

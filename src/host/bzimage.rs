//! The header of an x86 kernel image, as the boot protocol lays it out. Pure.

use super::elf::{u16_at, u32_at};

/// The bytes at the start of an image that hold all that [`BzImage::parse`] reads: 255 sectors and the first one.
pub(super) const HEADER_LEN: usize = 256 * SECTOR;
const SECTOR: usize = 512;
/// Boot protocol 2.08, the first with a payload.
const PAYLOAD_PROTOCOL: u16 = 0x0208;

/// What the header of an image says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BzImage {
    /// The release of the kernel, where the header names it.
    pub(super) release: Option<String>,
    /// Where the compressed kernel lies, from the start of the file: offset and length.
    pub(super) payload: Option<(u64, u64)>,
}

impl BzImage {
    /// Returns what the start of an image says, if it is one.
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

/// Returns whether a text can be a kernel's release, and so the name of one folder.
pub(super) fn is_release(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte);
    !text.is_empty() && text.len() < 128 && text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(allowed)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::{BzImage, is_release};

    /// Makes an image with this release and payload.
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

    #[test]
    fn header_names_release_and_payload() {
        let parsed = BzImage::parse(&bzimage("6.1.0-9-cloud-amd64", b"content")).unwrap();
        assert_eq!(parsed.release.as_deref(), Some("6.1.0-9-cloud-amd64"));
        assert_eq!(parsed.payload, Some((0x410, 7)));
    }

    #[test]
    fn what_the_header_lacks_is_none() {
        assert_eq!(BzImage::parse(b"MZ"), None);
        assert_eq!(BzImage::parse(&vec![0; 0x1000]), None);
        assert_eq!(BzImage::parse(&bzimage("../../etc", b"x")).unwrap().release, None);
        let mut old = bzimage("2.6.20", b"x");
        old[0x206..0x208].copy_from_slice(&0x0207_u16.to_le_bytes());
        assert_eq!(BzImage::parse(&old).unwrap().payload, None);
    }

    #[test]
    fn releases_name_one_folder() {
        for good in ["6.1.0-56-cloud-amd64", "6.12.9+bpo-amd64", "5.15.0_1", "6.1~rc1"] {
            assert!(is_release(good), "{good}");
        }
        for bad in ["", ".", "..", "6.1/..", "6.1 x", "6.1\n", "é", "vmlinuz"] {
            assert!(!is_release(bad), "{bad}");
        }
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

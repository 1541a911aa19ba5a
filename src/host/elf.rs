//! What an ELF file says of itself: the machine it is for, its interpreter, the PVH entry of a kernel. Pure.

const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PROGRAM_HEADER_LEN: usize = 56;
/// `XEN_ELFNOTE_PHYS32_ENTRY` of Xen's `elfnote.h`.
const PHYS32_ENTRY: u32 = 18;

/// A 64-bit little-endian ELF file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elf<'a> {
    bytes: &'a [u8],
}

impl<'a> Elf<'a> {
    /// Returns the file behind these bytes, if they begin like one.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        bytes.starts_with(b"\x7fELF\x02\x01").then_some(Self { bytes })
    }

    /// Returns whether the file is a program for that machine that needs no dynamic linker.
    pub(super) fn is_static_program(self, arch: &str) -> bool {
        let program = u16_at(self.bytes, 16).is_some_and(|kind| kind == ET_EXEC || kind == ET_DYN);
        let machine = u16_at(self.bytes, 18);
        let headers = self.program_headers();
        program
            && machine.is_some()
            && machine == machine_of(arch)
            && !headers.is_empty()
            && headers.iter().all(|header| header.kind != PT_INTERP)
    }

    /// Returns whether a note offers the entry that boots an uncompressed kernel directly.
    pub(super) fn has_pvh_entry(self) -> bool {
        let notes = self.program_headers().into_iter().filter(|header| header.kind == PT_NOTE);
        notes.filter_map(|header| slice(self.bytes, header.offset, header.len)).any(holds_pvh_entry)
    }

    fn program_headers(self) -> Vec<ProgramHeader> {
        let table = || {
            let start = usize::try_from(u64_at(self.bytes, 32)?).ok()?;
            let size = usize::from(u16_at(self.bytes, 54)?);
            let count = usize::from(u16_at(self.bytes, 56)?);
            (size == PROGRAM_HEADER_LEN).then_some(())?;
            self.bytes.get(start..start.checked_add(size * count)?)
        };
        table().unwrap_or_default().chunks_exact(PROGRAM_HEADER_LEN).filter_map(ProgramHeader::parse).collect()
    }
}

#[derive(Clone, Copy)]
struct ProgramHeader {
    kind: u32,
    offset: u64,
    len: u64,
}

impl ProgramHeader {
    fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self { kind: u32_at(bytes, 0)?, offset: u64_at(bytes, 8)?, len: u64_at(bytes, 32)? })
    }
}

fn machine_of(arch: &str) -> Option<u16> {
    match arch {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "riscv64" => Some(243),
        _ => None,
    }
}

fn holds_pvh_entry(mut notes: &[u8]) -> bool {
    let next = |notes: &mut &[u8]| -> Option<bool> {
        let name_len = u64::from(u32_at(notes, 0)?);
        let description_len = u64::from(u32_at(notes, 4)?);
        let kind = u32_at(notes, 8)?;
        let name = slice(notes, 12, name_len)?;
        let len = 12 + name_len.next_multiple_of(4) + description_len.next_multiple_of(4);
        *notes = notes.get(usize::try_from(len).ok()?..).unwrap_or_default();
        Some(kind == PHYS32_ENTRY && name == b"Xen\0")
    };
    while let Some(found) = next(&mut notes) {
        if found {
            return true;
        }
    }
    false
}

fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    array(bytes, offset).map(u64::from_le_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::{Elf, PHYS32_ENTRY, PT_INTERP, PT_NOTE};

    /// Makes an x86-64 ELF file whose program headers have these kinds and contents.
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

    fn note(name: &[u8], kind: u32, description: &[u8]) -> Vec<u8> {
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

    /// Makes a kernel with a PVH entry, behind another note.
    pub(in crate::host) fn pvh_kernel() -> Vec<u8> {
        let notes = [note(b"GNU\0", 3, b"build"), note(b"Xen\0", PHYS32_ENTRY, &[1, 0, 0, 1, 0, 0, 0, 0])].concat();
        elf(&[(1, b"code".to_vec()), (PT_NOTE, notes)])
    }

    #[test]
    fn pvh_entry_is_the_xen_note_of_its_type_alone() {
        let has = |notes: &[Vec<u8>]| Elf::parse(&elf(&[(PT_NOTE, notes.concat())])).unwrap().has_pvh_entry();
        assert!(Elf::parse(&pvh_kernel()).unwrap().has_pvh_entry());
        assert!(!has(&[]));
        assert!(!has(&[note(b"GNU\0", PHYS32_ENTRY, b"")]));
        assert!(!has(&[note(b"Xen\0", 17, b"1234")]));
        assert!(has(&[note(b"Xen\0", 17, b"12345"), note(b"Xen\0", PHYS32_ENTRY, b"")]));
    }

    #[test]
    fn static_programs_have_no_interpreter_and_the_right_machine() {
        let alone = elf(&[(1, vec![0; 8])]);
        let linked = elf(&[(PT_INTERP, b"/lib64/ld.so\0".to_vec()), (1, vec![0; 8])]);
        assert!(Elf::parse(&alone).unwrap().is_static_program("x86_64"));
        assert!(!Elf::parse(&alone).unwrap().is_static_program("aarch64"));
        assert!(!Elf::parse(&alone).unwrap().is_static_program("vax"));
        assert!(!Elf::parse(&linked).unwrap().is_static_program("x86_64"));
        assert!(Elf::parse(b"#!/bin/sh\n").is_none());
    }

    proptest! {
        #[test]
        fn hostile_files_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..300)) {
            let file = [b"\x7fELF\x02\x01".to_vec(), tail].concat();
            let parsed = Elf::parse(&file).unwrap();
            let _: (bool, bool) = (parsed.has_pvh_entry(), parsed.is_static_program("x86_64"));
        }

        #[test]
        fn cut_or_changed_kernels_never_panic(len in 0_usize..400, at in 0_usize..400, byte: u8) {
            let mut file = pvh_kernel();
            if let Some(old) = file.get_mut(at) {
                *old = byte;
            }
            file.truncate(len);
            if let Some(elf) = Elf::parse(&file) {
                let _: (bool, bool) = (elf.has_pvh_entry(), elf.is_static_program("x86_64"));
            }
        }
    }
}

//! Parses the headers of an ELF file: its machine, its interpreter and the PVH entry of a kernel. Pure.

use super::bytes::{slice, u16_at, u32_at, u64_at};

const PT_INTERP: u32 = 3;
pub(super) const PT_NOTE: u32 = 4;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PROGRAM_HEADER_LEN: usize = 56;
/// The type of the note with the PVH entry: `XEN_ELFNOTE_PHYS32_ENTRY` of Xen's `elfnote.h`.
pub(super) const PHYS32_ENTRY: u32 = 18;

/// A 64-bit little-endian ELF file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elf<'a> {
    bytes: &'a [u8],
}

impl<'a> Elf<'a> {
    /// Parses a file; `None` when the bytes don't begin like one.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        bytes.starts_with(b"\x7fELF\x02\x01").then_some(Self { bytes })
    }

    /// Returns whether the file is a program for the architecture that needs no dynamic linker.
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

    /// Returns whether the file has a PVH entry, at which a hypervisor can boot an uncompressed kernel.
    pub(super) fn has_pvh_entry(self) -> bool {
        let notes = self.program_headers().into_iter().filter(|header| header.kind == PT_NOTE);
        notes.filter_map(|header| slice(self.bytes, header.offset, header.len)).any(has_pvh_note)
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

fn has_pvh_note(mut notes: &[u8]) -> bool {
    let next = |notes: &mut &[u8]| -> Option<bool> {
        let name_len = u64::from(u32_at(notes, 0)?);
        let description_len = u64::from(u32_at(notes, 4)?);
        let kind = u32_at(notes, 8)?;
        let name = slice(notes, 12, name_len)?;
        let len = 12 + name_len.next_multiple_of(4) + description_len.next_multiple_of(4);
        *notes = notes.get(usize::try_from(len).ok()?..).unwrap_or_default();
        Some(kind == PHYS32_ENTRY && name == b"Xen\0")
    };
    while let Some(is_entry) = next(&mut notes) {
        if is_entry {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Elf, PHYS32_ENTRY, PT_INTERP, PT_NOTE};
    use crate::host::tests::images::{elf, note, pvh_kernel};

    #[test]
    fn only_xen_s_note_of_the_right_type_is_a_pvh_entry() {
        let has = |notes: &[Vec<u8>]| Elf::parse(&elf(&[(PT_NOTE, notes.concat())])).unwrap().has_pvh_entry();
        assert!(Elf::parse(&pvh_kernel()).unwrap().has_pvh_entry());
        assert!(!has(&[]));
        assert!(!has(&[note(b"GNU\0", PHYS32_ENTRY, b"")]));
        assert!(!has(&[note(b"Xen\0", 17, b"1234")]));
        assert!(has(&[note(b"Xen\0", 17, b"12345"), note(b"Xen\0", PHYS32_ENTRY, b"")]));
    }

    #[test]
    fn a_static_program_has_no_interpreter_and_the_right_machine() {
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

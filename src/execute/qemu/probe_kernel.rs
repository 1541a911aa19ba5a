//! A kernel of a few instructions for the probe of KVM. It prints a word on the serial console and resets the machine.

/// The word that the kernel prints.
pub const PROBE_OUTPUT: &[u8] = b"started";

/// Load address and entry of the kernel.
const ENTRY: u32 = 0x10_0000;
/// Lengths of the headers of a 32-bit ELF file, in bytes.
const HEADER: u32 = 52;
const PROGRAM_HEADER: u32 = 32;
/// Length of the note that holds the entry, in bytes.
const NOTE: u32 = 20;

/// Returns the kernel: a 32-bit ELF file with a PVH entry, which QEMU starts like the kernel of a guest.
pub fn probe_kernel() -> Vec<u8> {
    let code = code();
    let length = u32::try_from(code.len()).unwrap_or(u32::MAX);
    let note_offset = HEADER + 2 * PROGRAM_HEADER;
    let code_offset = note_offset + NOTE;
    // An executable for the 80386, with two program headers and no sections.
    let mut elf = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x03\0".to_vec();
    let mut words = vec![1, ENTRY, HEADER, 0, 0, HEADER | PROGRAM_HEADER << 16, 2, 0];
    // PT_LOAD, readable and executable, and PT_NOTE.
    words.extend([1, code_offset, ENTRY, ENTRY, length, length, 5, 1]);
    words.extend([4, note_offset, 0, 0, NOTE, NOTE, 4, 4]);
    // XEN_ELFNOTE_PHYS32_ENTRY of "Xen".
    words.extend([4, 4, 18, u32::from_le_bytes(*b"Xen\0"), ENTRY]);
    elf.extend(words.into_iter().flat_map(u32::to_le_bytes));
    elf.extend(code);
    elf
}

/// Returns the machine code.
fn code() -> Vec<u8> {
    const OUT_DX_AL: u8 = 0xee;
    let mov_dx = |port: u16| [&[0x66, 0xba], port.to_le_bytes().as_slice()].concat();
    let mov_al = |byte: u8| [0xb0, byte];
    // The first serial port.
    let mut code = mov_dx(0x3f8);
    for byte in PROBE_OUTPUT {
        code.extend(mov_al(*byte));
        code.push(OUT_DX_AL);
    }
    // Resets the machine by the chipset, which ends QEMU, and halts until then.
    code.extend(mov_dx(0xcf9));
    code.extend(mov_al(6));
    code.push(OUT_DX_AL);
    code.extend([0xf4, 0xeb, 0xfd]);
    code
}

//! An empty ext4 file system as bytes: a pure function. The layout is that of the kernel's
//! `Documentation/filesystems/ext4`. The host makes the file system because then every guest and every host can have
//! one, without a program; nothing that a guest wrote is ever read as one.

/// Bytes of a block.
const BLOCK: u64 = 4096;
/// Blocks of a group: the bits of its bitmap.
const GROUP_BLOCKS: u32 = 8 * 4096;
/// Bytes of a group; a file system consists of whole ones.
const GROUP: u64 = BLOCK * GROUP_BLOCKS as u64;
/// Inodes of a group: one for 8 KiB.
const GROUP_INODES: u32 = 16_384;
const INODE_SIZE: u16 = 256;
const TABLE_BLOCKS: u32 = GROUP_INODES * INODE_SIZE as u32 / 4096;
const DESCRIPTOR_SIZE: usize = 32;
/// Number of descriptors in a block.
const BLOCK_DESCRIPTORS: u32 = 128;
/// Number of the root folder's inode.
const ROOT: u32 = 2;
/// Number of the first inode that isn't reserved.
const FIRST_INODE: u32 = 11;
/// Size of the fields of an inode beyond the first 128 bytes.
const EXTRA_SIZE: u16 = 32;

/// Extended attributes, indexed folders, and no copies of the superblock, whose place the last of these features names.
const COMPATIBLE: u32 = 0x8 | 0x20 | 0x200;
/// Kinds of files in folders, extents.
const INCOMPATIBLE: u32 = 0x2 | 0x40;
/// Large and huge files, folders with any number of links, inodes with extra fields.
const READ_ONLY_COMPATIBLE: u32 = 0x2 | 0x8 | 0x20 | 0x40;

/// Returns the size of a file system with at least this many MiB, in bytes.
#[must_use]
pub fn ext4_size(mib: u64) -> u64 {
    (mib << 20).next_multiple_of(GROUP)
}

/// Returns the bytes of an empty file system of [`ext4_size`] bytes that aren't zero, each part after its place. It has
/// no journal, since it ends with its guest.
pub fn empty_ext4(mib: u64) -> impl Iterator<Item = (u64, Vec<u8>)> {
    // The sizes of the job file are far below 2^32 groups.
    let groups = u32::try_from(ext4_size(mib) / GROUP).unwrap_or(u32::MAX);
    // The superblock and the descriptors precede the first group's own blocks.
    let first = 1 + groups.div_ceil(BLOCK_DESCRIPTORS);
    let place = |block: u32| u64::from(block) * BLOCK;
    let head = [
        (1024, superblock(groups, first)),
        (BLOCK, descriptors(groups, first)),
        (place(first + 2) + u64::from(ROOT - 1) * u64::from(INODE_SIZE), root_inode(root_block(first))),
        (place(root_block(first)), root_folder()),
    ];
    // All groups but the first are equal.
    let [first_bitmaps, bitmaps] = [0, 1].map(|group| bitmaps(group, first));
    let rest = (1..groups).map(move |group| (place(bitmap_block(group, first)), bitmaps.clone()));
    head.into_iter().chain([(place(first), first_bitmaps)]).chain(rest)
}

/// Returns the block of the root folder: after the inodes of the first group.
fn root_block(first: u32) -> u32 {
    first + 2 + TABLE_BLOCKS
}

/// Returns the block of a group's bitmaps, of blocks and then of inodes; the inodes follow.
fn bitmap_block(group: u32, first: u32) -> u32 {
    group * GROUP_BLOCKS + if group == 0 { first } else { 0 }
}

/// Returns the number of used blocks, all at the beginning of the group.
fn used_blocks(group: u32, first: u32) -> u32 {
    if group == 0 { root_block(first) + 1 } else { 2 + TABLE_BLOCKS }
}

fn superblock(groups: u32, first: u32) -> Vec<u8> {
    let blocks = groups * GROUP_BLOCKS;
    let used: u32 = (0..groups).map(|group| used_blocks(group, first)).sum();
    let inodes = groups * GROUP_INODES;
    let mut bytes = vec![0; 1024];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    for (at, number) in [
        (0x0, inodes),
        (0x4, blocks),
        (0xc, blocks - used),
        (0x10, inodes - (FIRST_INODE - 1)),
        (0x18, 2), // The size of a block, as a power of two in KiB.
        (0x1c, 2),
        (0x20, GROUP_BLOCKS),
        (0x24, GROUP_BLOCKS),
        (0x28, GROUP_INODES),
        (0x4c, 1), // The revision with features.
        (0x54, FIRST_INODE),
        (0x5c, COMPATIBLE),
        (0x60, INCOMPATIBLE),
        (0x64, READ_ONLY_COMPATIBLE),
        (0x160, 1), // Names are hashed as signed characters.
    ] {
        put(at, &u32::to_le_bytes(number));
    }
    for (at, number) in [
        (0x36, u16::MAX), // No check after some mounts.
        (0x38, 0xef53),   // Magic.
        (0x3a, 1),        // Clean.
        (0x3c, 1),        // Errors change nothing: the agent looks for them.
        (0x58, INODE_SIZE),
        (0x15c, EXTRA_SIZE),
        (0x15e, EXTRA_SIZE),
    ] {
        put(at, &number.to_le_bytes());
    }
    put(0x68, b"pikaci's scratch");
    put(0xfc, &[1]); // Names are hashed by half MD4.
    bytes
}

fn descriptors(groups: u32, first: u32) -> Vec<u8> {
    let descriptor = |group: u32| {
        let bitmaps = bitmap_block(group, first);
        let (folders, inodes) = if group == 0 { (1, FIRST_INODE - 1) } else { (0, 0) };
        let mut bytes = [0; DESCRIPTOR_SIZE];
        for (at, block) in [(0x0, bitmaps), (0x4, bitmaps + 1), (0x8, bitmaps + 2)] {
            bytes[at..at + 4].copy_from_slice(&block.to_le_bytes());
        }
        let free = [GROUP_BLOCKS - used_blocks(group, first), GROUP_INODES - inodes, folders];
        for (at, number) in (0xc..).step_by(2).zip(free) {
            bytes[at..at + 2].copy_from_slice(&number.to_le_bytes()[..2]);
        }
        bytes
    };
    (0..groups).flat_map(descriptor).collect()
}

/// Returns the two blocks of a group's bitmaps.
fn bitmaps(group: u32, first: u32) -> Vec<u8> {
    let inodes = if group == 0 { FIRST_INODE - 1 } else { 0 };
    [bitmap(used_blocks(group, first), GROUP_BLOCKS), bitmap(inodes, GROUP_INODES)].concat()
}

/// Returns the block of a bitmap whose first `used` bits are set; its bits beyond `all` have to be set, too.
fn bitmap(used: u32, all: u32) -> Vec<u8> {
    let is_set = |bit: u32| bit < used || bit >= all;
    let byte = |byte: u32| (0..8).filter(|bit| is_set(byte * 8 + bit)).fold(0, |bits, bit| bits | 1 << bit);
    (0..GROUP_BLOCKS / 8).map(byte).collect()
}

/// Returns the inode of the root folder, which only root may enter and which has one block.
fn root_inode(block: u32) -> Vec<u8> {
    let mut inode = vec![0; usize::from(INODE_SIZE)];
    let mut put = |at: usize, field: &[u8]| inode[at..at + field.len()].copy_from_slice(field);
    put(0x0, &0o40700_u16.to_le_bytes());
    put(0x4, &4096_u32.to_le_bytes());
    put(0x1a, &2_u16.to_le_bytes()); // Links.
    put(0x1c, &8_u32.to_le_bytes()); // Sectors.
    put(0x20, &0x8_0000_u32.to_le_bytes()); // It has extents.
    // One extent in the inode itself, of a maximum of four: the block 0 of the folder.
    for (at, number) in (0x28..).step_by(2).zip([0xf30a_u16, 1, 4, 0]) {
        put(at, &number.to_le_bytes());
    }
    put(0x38, &1_u16.to_le_bytes());
    put(0x3c, &block.to_le_bytes());
    put(0x80, &EXTRA_SIZE.to_le_bytes());
    inode
}

/// Returns the block of the root folder: the entries `.` and `..`.
fn root_folder() -> Vec<u8> {
    let mut block = vec![0; 4096];
    for (at, length, name) in [(0, 12_u16, *b"\x01\x02.\0"), (12, 4096 - 12, *b"\x02\x02..")] {
        block[at..at + 4].copy_from_slice(&ROOT.to_le_bytes());
        block[at + 4..at + 6].copy_from_slice(&length.to_le_bytes());
        // The length of the name, the kind (a folder), the name.
        block[at + 6..at + 10].copy_from_slice(&name);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, GROUP, empty_ext4, ext4_size};

    /// Returns the bytes of a file system from its start to a place.
    fn start(mib: u64, end: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(end).unwrap()];
        for (place, part) in empty_ext4(mib).filter(|(place, _)| *place < end) {
            let place = usize::try_from(place).unwrap();
            bytes[place..place + part.len()].copy_from_slice(&part);
        }
        bytes
    }

    #[test]
    fn a_size_is_rounded_up_to_whole_groups() {
        assert_eq!([1, 128, 129, 20 << 10].map(ext4_size), [GROUP, GROUP, 2 * GROUP, 160 * GROUP]);
    }

    #[test]
    fn the_parts_lie_apart_and_within_the_file_system() {
        for mib in [64, 128, 2048, 1 << 20] {
            let mut parts: Vec<(u64, u64)> =
                empty_ext4(mib).map(|(place, part)| (place, place + part.len() as u64)).collect();
            parts.sort_unstable();
            assert!(parts.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{mib}: {parts:?}");
            assert!(parts.last().unwrap().1 <= ext4_size(mib), "{mib}");
            assert_eq!(parts.len() as u64, 4 + ext4_size(mib) / GROUP, "{mib}");
        }
    }

    #[test]
    fn the_sums_of_the_groups_are_those_of_the_superblock() {
        let bytes = start(2048, GROUP);
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let short = |at: usize| u32::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        assert_eq!((number(1024), number(1024 + 4)), (16 * 16_384, 16 * 32_768));
        let descriptors = (0..16).map(|group| usize::try_from(BLOCK).unwrap() + 32 * group);
        let free = descriptors.fold((0, 0), |sum, at| (sum.0 + short(at + 0xc), sum.1 + short(at + 0xe)));
        assert_eq!((number(1024 + 0xc), number(1024 + 0x10)), free);
        // The set bits of the first bitmap are the used blocks of the first group.
        let bitmap = usize::try_from(u64::from(number(4096)) * BLOCK).unwrap();
        let used: u32 = bytes[bitmap..bitmap + 4096].iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(used + short(4096 + 0xc), 32_768);
    }
}

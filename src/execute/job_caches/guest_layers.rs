//! The layers of a generation for a guest: a function of values.

use crate::guest::contract::MAX_CACHE_LAYERS;

/// Bytes by which the layers above the first one may exceed that one.
const SPARE: u64 = 64 << 20;

/// Returns whether a guest copies the layers into one instead of stacking another one on them. `sizes` are those of the
/// layers in bytes, the newest one first. Upper layers that are larger than the first one hide most of its files, or will
/// soon; and each layer is a disk of the guest.
pub(super) fn needs_merge(sizes: &[u64], limit: u64) -> bool {
    let Some((first, upper)) = sizes.split_last() else { return false };
    let upper: u64 = upper.iter().sum();
    sizes.len() >= MAX_CACHE_LAYERS || upper > first + SPARE || first + upper > limit
}

#[cfg(test)]
mod tests {
    use super::needs_merge;

    #[test]
    fn deep_and_wasteful_stacks_are_merged() {
        const MIB: u64 = 1 << 20;
        for (sizes, merges) in [
            (&[][..], false),
            (&[900], false),
            (&[1, 1, 1, 1, 1, 900], false),
            (&[1, 1, 1, 1, 1, 1, 900], true),
            (&[64, 1], false),
            (&[65, 1], false),
            (&[66, 1], true),
            (&[600, 601], true),
            (&[1200], true),
        ] {
            let sizes: Vec<u64> = sizes.iter().map(|mib| mib * MIB).collect();
            assert_eq!(needs_merge(&sizes, 1000 * MIB), merges, "{sizes:?}");
        }
    }
}

//! Numbers of bytes, for people.

/// Returns a number of bytes, rounded down: `999 B`, `1.2 KiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // A forged manifest may hold a number that overflows 64 bits here.
    let mut tenths = u128::from(bytes) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_down() {
        let mib = 1 << 20;
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1023.9 KiB"),
            (mib, "1.0 MiB"),
            (1500 * mib, "1.4 GiB"),
            (5000 * 1024 * mib, "4.8 TiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}

//! Durations and amounts of memory.

/// Reads `90s`, `10m`, `1h30m`, `2d` as seconds.
#[must_use]
pub fn seconds(text: &str) -> Option<u64> {
    let mut units = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit, after) = number(rest)?;
        // Each unit comes once, the larger ones first.
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// Reads `512M` and `2G` as MiB.
#[must_use]
pub fn mebibytes(text: &str) -> Option<u64> {
    match number(text)? {
        (number, 'M', "") => Some(number),
        (number, 'G', "") => number.checked_mul(1024),
        _ => None,
    }
}

fn number(text: &str) -> Option<(u64, char, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].chars().next()?;
    Some((text[..digits].parse().ok()?, unit, &text[digits + unit.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::{mebibytes, seconds};

    #[test]
    fn durations() {
        for (text, expected) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1d1s", 86_401), ("0s", 0), ("007m", 420)]
        {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "10",
            "m",
            "10 m",
            "30m1h",
            "1m1m",
            "-1s",
            "1.5h",
            "1ms",
            "1é",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn memory() {
        assert_eq!((mebibytes("512M"), mebibytes("2G")), (Some(512), Some(2048)));
        for text in ["", "512", "G", "2GB", "2 G", "2g", "-1M", "1.5G", "18446744073709551615G"] {
            assert_eq!(mebibytes(text), None, "{text}");
        }
    }
}

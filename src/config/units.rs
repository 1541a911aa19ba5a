//! Durations and amounts of memory, as a job file spells them.

/// Parses a duration such as `90s`, `10m`, `1h30m` or `2d` and returns its seconds.
#[must_use]
pub fn parse_seconds(text: &str) -> Option<u64> {
    let mut units = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)].into_iter();
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, unit, after) = parse_number(rest)?;
        // The iterator is consumed, so each unit occurs at most once, and larger units come first.
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// Parses an amount of memory such as `512M` or `2G` and returns its MiB.
#[must_use]
pub fn parse_mebibytes(text: &str) -> Option<u64> {
    match parse_number(text)? {
        (number, 'M', "") => Some(number),
        (number, 'G', "") => number.checked_mul(1024),
        _ => None,
    }
}

/// Splits a text into its leading number, the unit after the number, and the rest.
fn parse_number(text: &str) -> Option<(u64, char, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = text[digits..].chars().next()?;
    Some((text[..digits].parse().ok()?, unit, &text[digits + unit.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::{parse_mebibytes, parse_seconds};

    #[test]
    fn durations_have_units_in_descending_order() {
        for (text, expected) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1d1s", 86_401), ("0s", 0), ("007m", 420)]
        {
            assert_eq!(parse_seconds(text), Some(expected), "{text}");
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
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn memory_is_in_whole_mebibytes_or_gibibytes() {
        assert_eq!((parse_mebibytes("512M"), parse_mebibytes("2G")), (Some(512), Some(2048)));
        for text in ["", "512", "G", "2GB", "2 G", "2g", "-1M", "1.5G", "18446744073709551615G"] {
            assert_eq!(parse_mebibytes(text), None, "{text}");
        }
    }
}

//! The order of kernel releases. Pure.

/// What releases are compared by: numbers first, cloud kernels before others of the same numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReleaseOrder {
    numbers: Vec<u64>,
    cloud: bool,
    rest: String,
}

impl ReleaseOrder {
    /// Returns the place of a release in the order; newer is greater.
    pub(super) fn of(release: &str) -> Self {
        let mut numbers = Vec::new();
        let mut rest = release;
        loop {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                break;
            }
            numbers.push(rest[..digits].parse().unwrap_or(u64::MAX));
            rest = &rest[digits..];
            match rest.strip_prefix(['.', '-']) {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
                _ => break,
            }
        }
        Self { numbers, cloud: release.split('-').any(|part| part == "cloud"), rest: rest.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ReleaseOrder;

    #[test]
    fn releases_are_ordered_as_their_makers_mean() {
        let ordered = [
            "5.10.0-9-amd64",
            "5.10.0-10-amd64",
            "6.1.0-9-cloud-amd64",
            "6.1.0-56-amd64",
            "6.1.0-56-cloud-amd64",
            "6.8.0-31-generic",
            "6.12.9+deb13-amd64",
            "6.12.9+deb13-cloud-amd64",
            "6.12.10+deb13-amd64",
        ];
        assert!(ordered.iter().map(|release| ReleaseOrder::of(release)).is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn any_text_has_a_place(text in "\\PC*") {
            prop_assert_eq!(ReleaseOrder::of(&text), ReleaseOrder::of(&text));
        }
    }
}

//! Releases of kernels, and their order. Pure.

/// The key by which releases are sorted: by number, then cloud kernels after others of the same numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ReleaseOrder {
    numbers: Vec<u64>,
    cloud: bool,
    rest: String,
}

impl ReleaseOrder {
    /// Returns the key of a release. A newer release has a greater key.
    pub(super) fn new(release: &str) -> Self {
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

/// Returns whether a text has the form of a kernel's release, which makes it the name of one folder.
pub(super) fn is_release(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-+_~".contains(&byte);
    !text.is_empty() && text.len() < 128 && text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ReleaseOrder, is_release};

    #[test]
    fn releases_are_sorted_by_number_and_cloud_kernels_come_last() {
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
        assert!(ordered.iter().map(|release| ReleaseOrder::new(release)).is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_release_is_the_name_of_one_folder() {
        for good in ["6.1.0-56-cloud-amd64", "6.12.9+bpo-amd64", "5.15.0_1", "6.1~rc1"] {
            assert!(is_release(good), "{good}");
        }
        for bad in ["", ".", "..", "6.1/..", "6.1 x", "6.1\n", "é", "vmlinuz"] {
            assert!(!is_release(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_key(text in "\\PC*") {
            prop_assert_eq!(ReleaseOrder::new(&text), ReleaseOrder::new(&text));
        }
    }
}

//! Versions, as programs tell them.

/// A version: its first three numbers.
pub type Version = (u32, u32, u32);

/// Reads the version in the first line of what a program says, with its words: `7.2.22`, `v0.6.1`.
pub fn of_program(said: &str) -> Option<(Version, &str)> {
    let mut words = said.lines().next()?.split_whitespace().map(|word| word.strip_prefix('v').unwrap_or(word));
    words.find_map(|word| Some((numbers(word)?, word)))
}

/// Reads `nix (Nix) 2.26.3`; other implementations put other words, and numbers, before the number.
#[must_use]
pub fn of_nix(said: &str) -> Option<(u32, u32)> {
    let word = said.split_whitespace().rev().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    numbers(word).map(|(major, minor, _)| (major, minor))
}

fn numbers(word: &str) -> Option<Version> {
    let mut parts = word.split(|c: char| !c.is_ascii_digit());
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((major, minor, parts.next().and_then(|patch| patch.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::{of_nix, of_program};

    #[test]
    fn reads_the_versions_of_all_implementations_of_nix() {
        for (said, version) in [
            ("nix (Nix) 2.26.3\n", Some((2, 26))),
            ("nix (Nix) 2.30pre20250101_abc\n", Some((2, 30))),
            ("nix (Lix, like Nix) 2.93.0\n", Some((2, 93))),
            ("nix (Determinate Nix 3.6.2) 2.29.0\n", Some((2, 29))),
            ("what?", None),
        ] {
            assert_eq!(of_nix(said), version, "{said}");
        }
    }

    #[test]
    fn reads_the_versions_of_other_programs() {
        for (said, version) in [
            ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright", Some(((7, 2, 22), "7.2.22"))),
            ("bubblewrap 0.8.0\n", Some(((0, 8, 0), "0.8.0"))),
            ("virtiofsd 1.14.0", Some(((1, 14, 0), "1.14.0"))),
            ("vfkit version: v0.6.1\n", Some(((0, 6, 1), "0.6.1"))),
            ("vfkit version: v0.6.2-3-gabc\n", Some(((0, 6, 2), "0.6.2-3-gabc"))),
            ("vfkit version: unknown\n", None),
            ("virtiofsd next", None),
            ("", None),
        ] {
            assert_eq!(of_program(said), version, "{said}");
        }
    }
}

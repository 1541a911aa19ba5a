//! Versions of programs.

/// First three numbers of a version.
pub type Version = (u32, u32, u32);

/// Returns the first version in the first line of a program's output, as numbers and as text without a leading `v`.
#[must_use]
pub fn parse_version(output: &str) -> Option<(Version, &str)> {
    let mut words = output.lines().next()?.split_whitespace().map(|word| word.strip_prefix('v').unwrap_or(word));
    words.find_map(|word| Some((parse_numbers(word)?, word)))
}

/// Parses a word that begins with at least two numbers; a missing third number is 0.
pub(super) fn parse_numbers(word: &str) -> Option<Version> {
    let mut parts = word.split(|c: char| !c.is_ascii_digit());
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((major, minor, parts.next().and_then(|patch| patch.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::parse_version;

    #[test]
    fn the_first_version_in_the_first_line_is_parsed() {
        for (output, version) in [
            ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright", Some(((7, 2, 22), "7.2.22"))),
            ("bubblewrap 0.8.0\n", Some(((0, 8, 0), "0.8.0"))),
            ("virtiofsd 1.14.0", Some(((1, 14, 0), "1.14.0"))),
            ("vfkit version: v0.6.1\n", Some(((0, 6, 1), "0.6.1"))),
            ("vfkit version: v0.6.2-3-gabc\n", Some(((0, 6, 2), "0.6.2-3-gabc"))),
            ("vfkit version: unknown\n", None),
            ("virtiofsd next", None),
            ("", None),
        ] {
            assert_eq!(parse_version(output), version, "{output}");
        }
    }
}

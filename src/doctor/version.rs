//! Versions, as programs tell them.

use std::fmt::{self, Display, Formatter};

use crate::plan::hypervisor::OLDEST_NIX;

/// A version: its first three numbers.
pub type Version = (u32, u32, u32);

/// Reads the version in the first line of what a program says, with its words: `7.2.22`, `v0.6.1`.
pub fn of_program(said: &str) -> Option<(Version, &str)> {
    let mut words = said.lines().next()?.split_whitespace().map(|word| word.strip_prefix('v').unwrap_or(word));
    words.find_map(|word| Some((numbers(word)?, word)))
}

/// A program that is called `nix`; each counts its versions by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// Nix itself.
    Nix,
    /// Lix.
    Lix,
    /// Determinate Nix.
    Determinate,
}

impl Implementation {
    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nix => "Nix",
            Self::Lix => "Lix",
            Self::Determinate => "Determinate Nix",
        }
    }

    /// Returns the oldest version that pikaci works with.
    #[must_use]
    pub fn oldest(self) -> (u32, u32) {
        match self {
            Self::Nix => OLDEST_NIX,
            // It has `nix config show` (its release notes).
            Self::Lix => (2, 91),
            // The first, made from Nix 2.26.
            Self::Determinate => (3, 0),
        }
    }

    /// Returns where to get it.
    #[must_use]
    pub fn download(self) -> &'static str {
        match self {
            Self::Nix => "https://nixos.org/download",
            Self::Lix => "https://lix.systems/install",
            Self::Determinate => "https://docs.determinate.systems",
        }
    }
}

/// An implementation of Nix with its own version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NixVersion {
    /// The implementation.
    pub implementation: Implementation,
    /// The first two numbers of its version.
    pub number: (u32, u32),
}

impl Display for NixVersion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.implementation.name(), self.number.0, self.number.1)
    }
}

/// Reads `nix (Nix) 2.26.3`, `nix (Lix, like Nix) 2.93.0` or `nix (Determinate Nix 3.6.2) 2.29.0`, where the last number is
/// that of the Nix it was made from. Lix says more in further lines.
#[must_use]
pub fn of_nix(said: &str) -> Option<NixVersion> {
    let line = said.lines().next()?;
    let (implementation, said) = match line.split_once("(Determinate Nix ") {
        Some((_, rest)) => (Implementation::Determinate, rest.split(')').next()?),
        None if line.contains("(Lix") => (Implementation::Lix, line),
        None => (Implementation::Nix, line),
    };
    let word = said.split_whitespace().rev().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let (major, minor, _) = numbers(word)?;
    Some(NixVersion { implementation, number: (major, minor) })
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
            ("nix (Nix) 2.26.3\n", Some("Nix 2.26")),
            ("nix (Nix) 2.30pre20250101_abc\n", Some("Nix 2.30")),
            ("nix (Lix, like Nix) 2.93.0\nSystem type: x86_64-linux\nData directory: 3.0\n", Some("Lix 2.93")),
            ("nix (Determinate Nix 3.6.2) 2.29.0\n", Some("Determinate Nix 3.6")),
            ("what?", None),
        ] {
            assert_eq!(of_nix(said).map(|version| version.to_string()).as_deref(), version, "{said}");
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

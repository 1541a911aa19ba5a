//! Versions of Nix and of its other implementations.

use std::fmt::{self, Display, Formatter};

use super::version::parse_numbers;

/// Oldest version of Nix itself that pikaci works with.
pub(super) const OLDEST_NIX: (u32, u32) = (2, 26);

/// Implementation of the `nix` program. Each implementation has version numbers of its own.
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
    /// Returns the name, for people.
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
            // The first with `nix config show` (release notes of Lix).
            Self::Lix => (2, 91),
            // The first version, made from Nix 2.26.
            Self::Determinate => (3, 0),
        }
    }

    /// Returns the URL of the installation instructions.
    #[must_use]
    pub fn download(self) -> &'static str {
        match self {
            Self::Nix => "https://nixos.org/download",
            Self::Lix => "https://lix.systems/install",
            Self::Determinate => "https://docs.determinate.systems",
        }
    }
}

/// Version of an implementation of Nix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NixVersion {
    /// Implementation.
    pub implementation: Implementation,
    /// Major and minor number, as the implementation counts.
    pub number: (u32, u32),
}

impl Display for NixVersion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.{}", self.implementation.name(), self.number.0, self.number.1)
    }
}

impl NixVersion {
    /// Parses the output of `nix --version`, or returns `None` if its first line has no version.
    ///
    /// The line is `nix (Nix) 2.26.3`, `nix (Lix, like Nix) 2.93.0` or `nix (Determinate Nix 3.6.2) 2.29.0`. The last
    /// number of Determinate Nix is the version of Nix that it is made from. Lix prints more lines.
    #[must_use]
    pub fn parse(output: &str) -> Option<Self> {
        let line = output.lines().next()?;
        let (implementation, rest) = match line.split_once("(Determinate Nix ") {
            Some((_, rest)) => (Implementation::Determinate, rest.split(')').next()?),
            None if line.contains("(Lix") => (Implementation::Lix, line),
            None => (Implementation::Nix, line),
        };
        let word = rest.split_whitespace().rev().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let (major, minor, _) = parse_numbers(word)?;
        Some(Self { implementation, number: (major, minor) })
    }
}

#[cfg(test)]
mod tests {
    use super::NixVersion;

    #[test]
    fn the_version_of_every_implementation_is_parsed() {
        for (output, version) in [
            ("nix (Nix) 2.26.3\n", Some("Nix 2.26")),
            ("nix (Nix) 2.30pre20250101_abc\n", Some("Nix 2.30")),
            ("nix (Lix, like Nix) 2.93.0\nSystem type: x86_64-linux\nData directory: 3.0\n", Some("Lix 2.93")),
            ("nix (Determinate Nix 3.6.2) 2.29.0\n", Some("Determinate Nix 3.6")),
            ("what?", None),
        ] {
            assert_eq!(NixVersion::parse(output).map(|version| version.to_string()).as_deref(), version, "{output}");
        }
    }
}

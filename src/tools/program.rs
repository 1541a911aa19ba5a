//! The programs that pikaci runs.

use super::nix_version::OLDEST_NIX;

/// A program that pikaci needs to build or run guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Name; a name that ends in `-` is continued by the guest's architecture.
    pub name: &'static str,
    /// Major and minor number of the oldest version with every feature that pikaci uses.
    pub oldest: Option<(u32, u32)>,
    /// Instruction for the installation.
    pub install: &'static str,
}

/// Nix, which builds guests.
pub const NIX: Program = Program {
    name: "nix",
    oldest: Some(OLDEST_NIX),
    install: "see https://nixos.org/download, or on Debian 13: sudo apt-get install nix-bin",
};

impl Program {
    /// Returns the name of the program for guests of an architecture.
    #[must_use]
    pub fn name(&self, arch: &str) -> String {
        if self.name.ends_with('-') { format!("{}{arch}", self.name) } else { self.name.to_owned() }
    }

    /// Returns the name with the oldest version that will do, for people.
    #[must_use]
    pub fn requirement(&self, arch: &str) -> String {
        match self.oldest {
            Some((major, minor)) => format!("{} {major}.{minor} or newer", self.name(arch)),
            None => self.name(arch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn a_requirement_has_the_architecture_and_the_oldest_version() {
        let program = |name, oldest| Program { name, oldest, install: "" }.requirement("aarch64");
        assert_eq!(program("qemu-system-", None), "qemu-system-aarch64");
        assert_eq!(program("vfkit", Some((0, 6))), "vfkit 0.6 or newer");
    }
}

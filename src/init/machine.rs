//! The machine on which a job file is made.

use crate::facts::HostProgram;

/// Maximum length of the path of a folder, in bytes.
const MAX_PATH: usize = 200;

/// A machine, as far as guests see its programs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// True for Linux, whose `/usr` guests of base `host` see.
    pub is_linux: bool,
    /// True if the operator's policy allows guests to see folders of the machine.
    pub allows_folders: bool,
    /// The programs of the builds that `/usr` doesn't have.
    pub toolchains: Vec<Toolchain>,
}

/// A program of a build that isn't in the `/usr` of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Name of the program.
    pub program: String,
    /// Its place on the machine.
    pub located: Option<HostProgram>,
}

impl Machine {
    /// Returns the programs that guests see if they see folders of the machine.
    pub fn shared(&self) -> impl Iterator<Item = (&str, &HostProgram)> {
        self.toolchains.iter().filter_map(|toolchain| Some((toolchain.program.as_str(), self.share(toolchain)?)))
    }

    /// Returns the programs that guests don't see.
    pub fn missing(&self) -> impl Iterator<Item = &Toolchain> {
        self.toolchains.iter().filter(|toolchain| self.share(toolchain).is_none())
    }

    fn share<'a>(&self, toolchain: &'a Toolchain) -> Option<&'a HostProgram> {
        toolchain.located.as_ref().filter(|program| self.allows_folders && is_plain(program))
    }
}

/// Returns whether a job file can name the folders of a program as they are.
fn is_plain(program: &HostProgram) -> bool {
    let is_plain = |path: &String| {
        let below = path.strip_prefix("~/").or_else(|| path.strip_prefix('/')).unwrap_or_default();
        let is_part = |part: &str| !["", ".", ".."].contains(&part);
        let is_character = |c: char| c.is_ascii_alphanumeric() || "-_./+@".contains(c);
        path.len() <= MAX_PATH && below.split('/').all(is_part) && below.chars().all(is_character)
    };
    [&program.folder].into_iter().chain(&program.shares).chain(program.env.iter().map(|(_, value)| value)).all(is_plain)
}

//! The two forms of vfkit's arguments for a kernel.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use super::vfkit_error::VfkitError;
use crate::execute::machine_spec::MachineSpec;

/// A form of vfkit's arguments for a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootForm {
    /// `--kernel`, `--initrd` and `--kernel-cmdline`, which accept every character (`pkg/cmdline/cmdline.go`) but are
    /// deprecated.
    Flags,
    /// `--bootloader linux,kernel=…,initrd=…,cmdline="…"`.
    Bootloader,
}

impl BootForm {
    /// Returns the form that a vfkit supports, given the output of its `--help`; [`BootForm::Flags`] for no output.
    #[must_use]
    pub fn of_help(help: &str) -> Self {
        let has = |flag: &str| help.split(|c: char| c.is_whitespace() || c == ',').any(|word| word == flag);
        if has("--bootloader") && !has("--kernel") { Self::Bootloader } else { Self::Flags }
    }

    /// Returns the arguments for a machine and its kernel's command line.
    ///
    /// # Errors
    /// When a character has a special meaning in this form.
    pub(super) fn args(self, machine: &MachineSpec<'_>, cmdline: &str) -> Result<Vec<OsString>, VfkitError> {
        let (kernel, initrd) = (machine.kernel, machine.initrd);
        if self == Self::Flags {
            let pairs =
                [("--kernel", kernel.into()), ("--initrd", initrd.into()), ("--kernel-cmdline", cmdline.into())];
            return Ok(pairs.into_iter().flat_map(|(name, value): (_, OsString)| [name.into(), value]).collect());
        }
        for path in [kernel, initrd] {
            if path.as_os_str().as_bytes().iter().any(|byte| b",\"".contains(byte)) {
                return Err(VfkitError::Boot(path.into()));
            }
        }
        if cmdline.contains('"') {
            return Err(VfkitError::Boot(cmdline.into()));
        }
        let mut value = OsString::from("linux,kernel=");
        value.push(kernel);
        value.push(",initrd=");
        value.push(initrd);
        value.push(format!(",cmdline=\"{cmdline}\""));
        Ok(vec!["--bootloader".into(), value])
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{BootForm, MachineSpec, VfkitError};
    use crate::config::Network;

    #[test]
    fn the_bootloader_form_refuses_commas_and_quotes() {
        let args = |kernel: &str, cmdline: &str| {
            let (kernel, initrd) = (Path::new(kernel), Path::new("/k/initrd"));
            let (disks, network) = (&[][..], Network::None);
            let machine =
                MachineSpec { arch: "aarch64", vcpu: 1, memory_mib: 512, kernel, initrd, cmdline: "", disks, network };
            let words = BootForm::Bootloader.args(&machine, cmdline)?;
            Ok(words.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" "))
        };
        let plain = r#"--bootloader linux,kernel=/k/Image,initrd=/k/initrd,cmdline="quiet a=b,c""#;
        assert_eq!(args("/k/Image", "quiet a=b,c"), Ok(plain.to_owned()));
        for (kernel, cmdline, wrong) in [("/k,/Image", "", "/k,/Image"), ("/k/Image", "a=\"b\"", "a=\"b\"")] {
            assert_eq!(args(kernel, cmdline), Err(VfkitError::Boot(wrong.into())));
        }
    }

    #[test]
    fn the_form_follows_from_the_help_of_vfkit() {
        let both = "Flags:\n  -b, --bootloader strings\n  -k, --kernel string   path\n  -C, --kernel-cmdline string\n";
        assert_eq!(BootForm::of_help(both), BootForm::Flags);
        assert_eq!(BootForm::of_help(""), BootForm::Flags);
        let without = "Flags:\n  -b, --bootloader strings\n      --kernel-args string\n  -m, --memory uint\n";
        assert_eq!(BootForm::of_help(without), BootForm::Bootloader);
    }
}

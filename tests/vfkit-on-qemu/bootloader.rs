//! The bootloader of the guest: `--bootloader`, or the three flags of a kernel.

use anyhow::{Result, bail};
use serde::Serialize;

use crate::options::Options;
use crate::parts;

/// The bootloader; its JSON is that of vfkit, except for the kind of the last variant, which vfkit doesn't write.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Bootloader {
    /// A kernel.
    #[serde(rename = "linuxBootloader")]
    Linux {
        /// Path of the kernel.
        vmlinuz_path: String,
        /// Command line of the kernel.
        kernel_cmd_line: String,
        /// Path of the initial RAM disk.
        initrd_path: String,
    },
    /// A firmware.
    #[serde(rename = "efiBootloader")]
    Efi {
        /// Path of the firmware's variables.
        efi_variable_store_path: String,
        /// True to create that file.
        create_variable_store: bool,
    },
    /// A bootloader of macOS.
    #[serde(rename = "macosBootloader")]
    MacOs {
        /// Path of the machine's identifier.
        machine_identifier_path: String,
        /// Path of the hardware model.
        hardware_model_path: String,
        /// Path of the NVRAM.
        aux_image_path: String,
    },
}

impl Bootloader {
    /// Reads the options; `--bootloader` counts if all three flags of a kernel are empty.
    pub fn read(options: &Options) -> Result<Self> {
        let Options { kernel, kernel_cmdline, initrd, bootloader, .. } = options;
        if [kernel, kernel_cmdline, initrd].iter().any(|value| !value.is_empty()) {
            return Ok(Self::Linux {
                vmlinuz_path: kernel.clone(),
                kernel_cmd_line: kernel_cmdline.clone(),
                initrd_path: initrd.clone(),
            });
        }
        let Some((kind, options)) = bootloader.split_first() else {
            bail!("empty option list in --bootloader command line argument")
        };
        let mut bootloader = match kind.as_str() {
            "linux" => {
                Self::Linux { vmlinuz_path: String::new(), kernel_cmd_line: String::new(), initrd_path: String::new() }
            }
            "efi" => Self::Efi { efi_variable_store_path: String::new(), create_variable_store: false },
            "macos" => Self::MacOs {
                machine_identifier_path: String::new(),
                hardware_model_path: String::new(),
                aux_image_path: String::new(),
            },
            other => bail!("unknown bootloader type: {other}"),
        };
        for (key, value) in parts::pairs(options.iter().map(String::as_str)) {
            bootloader.set(key, value)?;
        }
        Ok(bootloader)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let text = match (self, key) {
            (Self::Linux { vmlinuz_path, .. }, "kernel") => vmlinuz_path,
            (Self::Linux { initrd_path, .. }, "initrd") => initrd_path,
            (Self::Linux { kernel_cmd_line, .. }, "cmdline") => {
                // Quotes are trimmed once more: those around the whole part are gone already.
                parts::trim_quotes(value).clone_into(kernel_cmd_line);
                return Ok(());
            }
            (Self::Linux { .. }, _) => bail!("unknown option for Linux bootloaders: {key}"),
            (Self::Efi { efi_variable_store_path, .. }, "variable-store") => efi_variable_store_path,
            (Self::Efi { create_variable_store, .. }, "create") => {
                if !value.is_empty() {
                    bail!("unexpected value for EFI bootloader 'create' option: {value}");
                }
                *create_variable_store = true;
                return Ok(());
            }
            (Self::Efi { .. }, _) => bail!("unknown option for EFI bootloaders: {key}"),
            (Self::MacOs { machine_identifier_path, .. }, "machineIdentifierPath") => machine_identifier_path,
            (Self::MacOs { hardware_model_path, .. }, "hardwareModelPath") => hardware_model_path,
            (Self::MacOs { aux_image_path, .. }, "auxImagePath") => aux_image_path,
            (Self::MacOs { .. }, _) => bail!("unknown option for macOS bootloaders: {key}"),
        };
        value.clone_into(text);
        Ok(())
    }
}

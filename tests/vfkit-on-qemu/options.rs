//! The flags of vfkit and their values, as cobra 1.10.2 passes them to vfkit.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::flags::{self, Flag};
use crate::{number, parts};

const fn flag(name: &'static str, shorthand: Option<char>, value: Option<&'static str>, help: &'static str) -> Flag {
    Flag { name, shorthand, value, help }
}

/// Every flag, in the order of their names.
const FLAGS: [Flag; 17] = [
    flag("bootloader", Some('b'), Some("strings"), "what boots the guest: linux, efi or macos, and its options"),
    flag("cloud-init", None, Some("strings"), "files for cloud-init in the guest"),
    flag("cpus", Some('c'), Some("uint"), "virtual CPUs (default 1)"),
    flag("device", Some('d'), Some("stringArray"), "a device and its options; may be given several times"),
    flag("gui", None, None, "show the guest in a window"),
    flag("help", Some('h'), None, "show this"),
    flag("ignition", None, Some("string"), "a file for Ignition in the guest"),
    flag("initrd", Some('i'), Some("string"), "initial RAM disk; goes with --kernel"),
    flag("kernel", Some('k'), Some("string"), "Linux kernel"),
    flag("kernel-cmdline", Some('C'), Some("string"), "command line of the kernel; goes with --kernel"),
    flag("log-level", None, Some("string"), "how much to say: debug, info or error"),
    flag("memory", Some('m'), Some("uint"), "memory in MiB (default 512)"),
    flag("nested", Some('n'), None, "let the guest virtualise, too"),
    flag("pidfile", None, Some("string"), "where to write the process id"),
    flag("restful-uri", None, Some("string"), "where to take REST calls (default none://)"),
    flag("timesync", Some('t'), Some("string"), "set the guest's clock after the host has slept"),
    flag("version", Some('v'), None, "show the version"),
];

/// The flags of a kernel without a bootloader: all or none of them, and not with `--bootloader`. In the order of vfkit.
const KERNEL: [&str; 3] = ["kernel", "initrd", "kernel-cmdline"];

/// The request of a command line.
#[derive(Debug)]
pub enum Request {
    /// A request for the usage.
    Help,
    /// A request for the version.
    Version,
    /// A request to start a guest.
    Start(Box<Options>),
}

/// The value of each flag.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a field for each flag: FLAGS describes them")]
pub struct Options {
    pub bootloader: Vec<String>,
    pub cloud_init: Vec<String>,
    pub cpus: u64,
    pub devices: Vec<String>,
    pub gui: bool,
    help: bool,
    pub ignition: String,
    pub initrd: String,
    pub kernel: String,
    pub kernel_cmdline: String,
    pub log_level: String,
    pub memory: u64,
    pub nested: bool,
    pub pidfile: String,
    pub restful_uri: String,
    pub timesync: String,
    version: bool,
}

impl Options {
    fn new() -> Self {
        Self {
            bootloader: Vec::new(),
            cloud_init: Vec::new(),
            cpus: 1,
            devices: Vec::new(),
            gui: false,
            help: false,
            ignition: String::new(),
            initrd: String::new(),
            kernel: String::new(),
            kernel_cmdline: String::new(),
            log_level: String::new(),
            memory: 512,
            nested: false,
            pidfile: String::new(),
            restful_uri: crate::restful::NONE.to_owned(),
            timesync: String::new(),
            version: false,
        }
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), String> {
        let text = match flag.name {
            "bootloader" => return parts::quoted(value).map(|parts| self.bootloader.extend(parts)),
            "cloud-init" => return parts::quoted(value).map(|parts| self.cloud_init.extend(parts)),
            "cpus" => return number::with_base(value).map(|number| self.cpus = number),
            "memory" => return number::with_base(value).map(|number| self.memory = number),
            "gui" => return number::truth(value).map(|truth| self.gui = truth),
            "help" => return number::truth(value).map(|truth| self.help = truth),
            "nested" => return number::truth(value).map(|truth| self.nested = truth),
            "version" => return number::truth(value).map(|truth| self.version = truth),
            "device" => {
                self.devices.push(value.to_owned());
                return Ok(());
            }
            "ignition" => &mut self.ignition,
            "initrd" => &mut self.initrd,
            "kernel" => &mut self.kernel,
            "kernel-cmdline" => &mut self.kernel_cmdline,
            "log-level" => &mut self.log_level,
            "pidfile" => &mut self.pidfile,
            "restful-uri" => &mut self.restful_uri,
            "timesync" => &mut self.timesync,
            name => return Err(format!("the stand-in doesn't know what --{name} sets")),
        };
        value.clone_into(text);
        Ok(())
    }
}

/// Parses a command line, without the name of the program.
pub fn read(args: &[String]) -> Result<Request> {
    let mut options = Options::new();
    let mut given = BTreeSet::new();
    let others = flags::parse(&FLAGS, args, &mut |flag, value| {
        given.insert(flag.name);
        options.set(flag, value)
    })?;
    if let Some(word @ ("completion" | "__complete" | "__completeNoDesc")) = others.first().map(String::as_str) {
        bail!("the stand-in has no completions for shells: {word}");
    }
    if options.help {
        return Ok(Request::Help);
    }
    if options.version {
        return Ok(Request::Version);
    }
    check_groups(&given)?;
    Ok(Request::Start(Box::new(options)))
}

fn check_groups(given: &BTreeSet<&str>) -> Result<()> {
    let mut missing: Vec<&str> = KERNEL.into_iter().filter(|name| !given.contains(name)).collect();
    if !missing.is_empty() && missing.len() < KERNEL.len() {
        missing.sort_unstable();
        let (group, missing) = (KERNEL.join(" "), missing.join(" "));
        bail!("if any flags in the group [{group}] are set they must all be set; missing [{missing}]");
    }
    if given.contains("bootloader")
        && let Some(name) = KERNEL.into_iter().filter(|name| given.contains(name)).min()
    {
        let mut both = [name, "bootloader"];
        both.sort_unstable();
        let both = both.join(" ");
        bail!("if any flags in the group [{name} bootloader] are set none of the others can be; [{both}] were all set");
    }
    Ok(())
}

/// Returns the usage.
pub fn usage() -> String {
    let mut text = "Usage:\n  vfkit [flags]\n\nFlags (of vfkit-on-qemu, a stand-in for vfkit):\n".to_owned();
    for flag in FLAGS {
        let short = flag.shorthand.map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
        let long = format!("--{} {}", flag.name, flag.value.unwrap_or_default());
        // Writing to a string can't fail.
        writeln!(text, "  {short} {long:<26} {}", flag.help).ok();
    }
    text
}

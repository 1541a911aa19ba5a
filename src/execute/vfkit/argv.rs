//! vfkit's command line: a pure function. The options and limits are from vfkit's sources at v0.6.4.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::boot_form::BootForm;
use super::vfkit_error::{MAX_TAG, VfkitError};
use crate::config::Network;
use crate::execute::machine_spec::{DiskImage, MachineSpec};
use crate::execute::runtime_folder::MAX_SOCKET_PATH;
use crate::guest::contract::{CACHE_DISK, CONSOLE_TTY};

/// Offset and value of the magic number in an arm64 kernel image (`Documentation/arch/arm64/booting.rst`).
const ARM64_MAGIC: (usize, &[u8]) = (0x38, b"ARM\x64");
/// Length of the kernel's start that [`check_kernel`] needs, in bytes.
pub const KERNEL_HEADER: usize = 0x40;

/// Log files of a guest's serial ports, in the order of the ports: hvc0, hvc1, hvc2.
#[derive(Clone, Copy, Debug)]
pub struct Ports<'a> {
    /// The kernel's console.
    pub console: &'a Path,
    /// The job's output.
    pub output: &'a Path,
    /// The agent's control lines.
    pub control: &'a Path,
}

/// Returns vfkit's arguments for a machine with shares (tag and folder), a socket for the REST service, and the MAC
/// address of a network card.
///
/// # Errors
/// When vfkit doesn't accept a value.
pub fn argv(
    machine: &MachineSpec<'_>,
    ports: Ports<'_>,
    shares: &[(&str, &Path)],
    socket: &Path,
    mac: Option<&str>,
    boot: BootForm,
) -> Result<Vec<OsString>, VfkitError> {
    let mut args = Args::default();
    args.pair("--cpus", machine.vcpu.to_string());
    args.pair("--memory", machine.memory_mib.to_string());
    // A panic stops the guest: after a reset it would start again in place.
    args.0.extend(boot.args(machine, &format!("{} console={CONSOLE_TTY} panic=0", machine.cmdline))?);
    args.pair("--restful-uri", rest_uri(socket)?);
    for log in [ports.console, ports.output, ports.control] {
        args.device("virtio-serial,logFilePath=", log, "")?;
    }
    for DiskImage { serial, path, read_only, .. } in machine.disks {
        let read_only = if *read_only { ",readonly" } else { "" };
        // Disks of caches have no fixed places, so that the guest needs their serials.
        let serial = if serial.starts_with(CACHE_DISK) { format!(",deviceId={serial}") } else { String::new() };
        args.device("virtio-blk,path=", path, &format!("{read_only}{serial}"))?;
    }
    for (tag, folder) in shares {
        if !(1..=MAX_TAG).contains(&tag.len()) || tag.contains(',') {
            return Err(VfkitError::Tag((*tag).to_owned()));
        }
        args.device("virtio-fs,sharedDir=", folder, &format!(",mountTag={tag}"))?;
    }
    if let Some(mac) = mac.filter(|_| machine.network != Network::None) {
        args.pair("--device", format!("virtio-net,nat,mac={mac}"));
    }
    args.pair("--device", "virtio-rng");
    Ok(args.0)
}

/// Returns the URI of the REST service's socket.
fn rest_uri(socket: &Path) -> Result<OsString, VfkitError> {
    let bytes = socket.as_os_str().as_bytes();
    if bytes.len() > MAX_SOCKET_PATH {
        return Err(VfkitError::Socket(socket.into()));
    }
    if !bytes.starts_with(b"/") || !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte)) {
        return Err(VfkitError::Uri(socket.into()));
    }
    let mut uri = OsString::from("unix://");
    uri.push(socket);
    Ok(uri)
}

/// Returns true if vfkit doesn't accept the path, so that a link has to stand for it.
#[must_use]
pub fn needs_link(path: &Path) -> bool {
    path.as_os_str().as_bytes().contains(&b',')
}

/// Refuses an arm64 kernel that isn't uncompressed, given its first [`KERNEL_HEADER`] bytes.
///
/// # Errors
/// When the file is compressed or not a kernel.
pub fn check_kernel(arch: &str, path: &Path, header: &[u8]) -> Result<(), VfkitError> {
    let (offset, magic) = ARM64_MAGIC;
    if arch != "aarch64" || header.get(offset..).is_some_and(|bytes| bytes.starts_with(magic)) {
        return Ok(());
    }
    Err(VfkitError::Compressed(path.into()))
}

/// Returns the MAC address for a user's job slot. It never changes: macOS has about 253 DHCP leases a day, one for each
/// MAC address.
#[must_use]
pub fn mac(uid: u32, slot: u8) -> String {
    let [.., user] = uid.to_be_bytes();
    // Locally administered, unicast.
    format!("5a:70:69:6b:{user:02x}:{slot:02x}")
}

#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn pair(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.0.extend([OsString::from(name), value.as_ref().to_owned()]);
    }

    fn device(&mut self, before: &str, path: &Path, after: &str) -> Result<(), VfkitError> {
        if needs_link(path) {
            return Err(VfkitError::Comma(path.into()));
        }
        let mut device = OsString::from(before);
        device.push(path);
        device.push(after);
        self.pair("--device", device);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{BootForm, DiskImage, MachineSpec, Network, Ports, VfkitError, argv, check_kernel, mac};

    const SOCKET: &str = "/tmp/pikaci-a1/rest";

    fn ports() -> Ports<'static> {
        let path = |path| Path::new(path);
        Ports { console: path("/run/console"), output: path("/run/output"), control: path("/run/control") }
    }

    fn machine() -> MachineSpec<'static> {
        MachineSpec {
            arch: "aarch64",
            vcpu: 2,
            memory_mib: 1024,
            kernel: Path::new("/nix/store/k, \"1\"/Image"),
            initrd: Path::new("/nix/store/k/initrd"),
            cmdline: "quiet a=\"b,c\" d=''",
            disks: &[],
            network: Network::None,
        }
    }

    fn arguments(machine: &MachineSpec<'_>, shares: &[(&str, &Path)], mac: Option<&str>) -> Result<String, VfkitError> {
        let args = argv(machine, ports(), shares, Path::new(SOCKET), mac, BootForm::Flags)?;
        let args: Vec<_> = args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
        Ok(args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n"))
    }

    #[test]
    fn a_machine_with_everything() {
        let disk = |serial, path, read_only| DiskImage { serial, path: Path::new(path), memory: None, read_only };
        let disks = &[
            disk("pikaci-request", "/run/a b=c/request", true),
            disk("pikaci-artifacts", "/run/artifacts", false),
            disk("pikaci-store", "/nix/store/r/store.erofs", true),
        ];
        let machine = MachineSpec { disks, network: Network::Outside, ..machine() };
        let shares: &[(&str, &Path)] = &[("workspace", Path::new("/run/work space"))];
        insta::assert_snapshot!(arguments(&machine, shares, Some(&mac(501, 3))).unwrap(), @r###"
        --cpus 2
        --memory 1024
        --kernel /nix/store/k, "1"/Image
        --initrd /nix/store/k/initrd
        --kernel-cmdline quiet a="b,c" d='' console=hvc0 panic=0
        --restful-uri unix:///tmp/pikaci-a1/rest
        --device virtio-serial,logFilePath=/run/console
        --device virtio-serial,logFilePath=/run/output
        --device virtio-serial,logFilePath=/run/control
        --device virtio-blk,path=/run/a b=c/request,readonly
        --device virtio-blk,path=/run/artifacts
        --device virtio-blk,path=/nix/store/r/store.erofs,readonly
        --device virtio-fs,sharedDir=/run/work space,mountTag=workspace
        --device virtio-net,nat,mac=5a:70:69:6b:f5:03
        --device virtio-rng
        "###);
    }

    #[test]
    fn a_machine_without_devices_has_no_network() {
        insta::assert_snapshot!(arguments(&machine(), &[], Some(&mac(501, 3))).unwrap(), @r###"
        --cpus 2
        --memory 1024
        --kernel /nix/store/k, "1"/Image
        --initrd /nix/store/k/initrd
        --kernel-cmdline quiet a="b,c" d='' console=hvc0 panic=0
        --restful-uri unix:///tmp/pikaci-a1/rest
        --device virtio-serial,logFilePath=/run/console
        --device virtio-serial,logFilePath=/run/output
        --device virtio-serial,logFilePath=/run/control
        --device virtio-rng
        "###);
    }

    #[test]
    fn values_that_vfkit_does_not_accept_are_refused() {
        let share = |tag, path| arguments(&machine(), &[(tag, Path::new(path))], None).unwrap_err();
        assert_eq!(share("t", "/a,b"), VfkitError::Comma("/a,b".into()));
        for tag in ["", "a,b", &"t".repeat(37)] {
            assert_eq!(share(tag, "/a"), VfkitError::Tag(tag.to_owned()));
        }
        let longest = "t".repeat(36);
        assert!(arguments(&machine(), &[(&longest, Path::new("/a"))], None).is_ok());
        let disks = &[DiskImage { serial: "s", path: Path::new("/x,readonly"), memory: None, read_only: false }];
        let comma = VfkitError::Comma("/x,readonly".into());
        assert_eq!(arguments(&MachineSpec { disks, ..machine() }, &[], None), Err(comma));
        let comma = Ports { control: Path::new("/,"), ..ports() };
        assert!(argv(&machine(), comma, &[], Path::new(SOCKET), None, BootForm::Flags).is_err());
    }

    #[test]
    fn a_socket_is_short_and_plain() {
        let at = |path: &str| argv(&machine(), ports(), &[], Path::new(path), None, BootForm::Flags).map(|_| ());
        assert_eq!(at(&format!("/{}", "s".repeat(102))), Ok(()));
        let long = format!("/{}", "s".repeat(103));
        assert_eq!(at(&long), Err(VfkitError::Socket(long.into())));
        for odd in ["/a b", "/a?b", "/a%20", "/a#b", "relative", "/é", ""] {
            assert_eq!(at(odd), Err(VfkitError::Uri(odd.into())), "{odd}");
        }
    }

    #[test]
    fn an_arm_kernel_has_to_be_uncompressed() {
        let mut image = [0; super::KERNEL_HEADER];
        let check = |arch, image: &[u8]| check_kernel(arch, Path::new("/k"), image);
        assert_eq!(check("x86_64", &image), Ok(()));
        assert_eq!(check("aarch64", &image), Err(VfkitError::Compressed("/k".into())));
        assert_eq!(check("aarch64", b"\x1f\x8b"), Err(VfkitError::Compressed("/k".into())));
        image[0x38..0x3c].copy_from_slice(&[0x41, 0x52, 0x4d, 0x64]);
        assert_eq!(check("aarch64", &image), Ok(()));
    }

    #[test]
    fn each_slot_has_its_own_address() {
        assert_eq!(mac(501, 3), "5a:70:69:6b:f5:03");
        assert_ne!(mac(501, 3), mac(501, 4));
        assert_ne!(mac(501, 3), mac(502, 3));
    }
}

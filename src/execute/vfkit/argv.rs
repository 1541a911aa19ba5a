//! vfkit's command line: a pure function. What vfkit takes is from its sources at v0.6.4.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::boot_form::BootForm;
use super::vfkit_error::{LONGEST_SOCKET, LONGEST_TAG, VfkitError};
use crate::config::Network;
use crate::execute::machine::{Disk, Machine};

/// Where an arm64 kernel image has its magic number, and which (`Documentation/arch/arm64/booting.rst`).
const ARM64_MAGIC: (usize, &[u8]) = (0x38, b"ARM\x64");
/// How many bytes of a kernel [`check_kernel`] needs.
pub const KERNEL_HEADER: usize = 0x40;

/// What a guest writes, in the order of its serial ports: hvc0, hvc1, hvc2.
#[derive(Clone, Copy, Debug)]
pub struct Ports<'a> {
    /// The kernel's console.
    pub console: &'a Path,
    /// The job's output.
    pub output: &'a Path,
    /// The agent's control lines.
    pub control: &'a Path,
}

/// Returns vfkit's arguments for a machine with shares (tag and folder), the socket of its REST service, the address of
/// its network card, and the form of those for a kernel.
///
/// # Errors
/// When vfkit can't take it: see [`VfkitError`].
pub fn argv(
    machine: &Machine<'_>,
    ports: Ports<'_>,
    shares: &[(&str, &Path)],
    socket: &Path,
    mac: Option<&str>,
    boot: BootForm,
) -> Result<Vec<OsString>, VfkitError> {
    let mut args = Args::default();
    args.pair("--cpus", machine.vcpu.to_string());
    args.pair("--memory", machine.memory_mib.to_string());
    args.0.extend(boot.args(machine, &format!("{} {}", machine.cmdline, HYPERVISOR_CMDLINE))?);
    args.pair("--restful-uri", rest_uri(socket)?);
    for log in [ports.console, ports.output, ports.control] {
        args.device("virtio-serial,logFilePath=", log, "")?;
    }
    for Disk { path, read_only, .. } in machine.disks {
        args.device("virtio-blk,path=", path, if *read_only { ",readonly" } else { "" })?;
    }
    for (tag, folder) in shares {
        if !(1..=LONGEST_TAG).contains(&tag.len()) || tag.contains(',') {
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

/// The console, and that a panic stops the guest: after a reset it would start again in place.
const HYPERVISOR_CMDLINE: &str = "console=hvc0 panic=0";

fn rest_uri(socket: &Path) -> Result<OsString, VfkitError> {
    let bytes = socket.as_os_str().as_bytes();
    if bytes.len() > LONGEST_SOCKET {
        return Err(VfkitError::Socket(socket.into()));
    }
    if !bytes.starts_with(b"/") || !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte)) {
        return Err(VfkitError::Uri(socket.into()));
    }
    let mut uri = OsString::from("unix://");
    uri.push(socket);
    Ok(uri)
}

/// Returns whether a path can only be given by another name.
#[must_use]
pub fn needs_detour(path: &Path) -> bool {
    path.as_os_str().as_bytes().contains(&b',')
}

/// Refuses an arm64 kernel by its first [`KERNEL_HEADER`] bytes unless it is uncompressed.
///
/// # Errors
/// When it is compressed, or no kernel.
pub fn check_kernel(arch: &str, path: &Path, header: &[u8]) -> Result<(), VfkitError> {
    let (at, magic) = ARM64_MAGIC;
    if arch != "aarch64" || header.get(at..).is_some_and(|bytes| bytes.starts_with(magic)) {
        return Ok(());
    }
    Err(VfkitError::Compressed(path.into()))
}

/// Returns the address of the network card of a job slot of a user: always the same, since macOS hands out about 253
/// leases a day, each to an address.
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
        if needs_detour(path) {
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

    use super::{BootForm, Disk, Machine, Network, Ports, VfkitError, argv, check_kernel, mac};

    const SOCKET: &str = "/tmp/pikaci-a1/rest";

    fn ports() -> Ports<'static> {
        let path = |path| Path::new(path);
        Ports { console: path("/run/console"), output: path("/run/output"), control: path("/run/control") }
    }

    fn machine() -> Machine<'static> {
        Machine {
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

    fn told(machine: &Machine<'_>, shares: &[(&str, &Path)], mac: Option<&str>) -> Result<String, VfkitError> {
        let args = argv(machine, ports(), shares, Path::new(SOCKET), mac, BootForm::Flags)?;
        let args: Vec<_> = args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
        Ok(args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n"))
    }

    #[test]
    fn a_machine_with_everything() {
        let disk = |serial, path, read_only| Disk { serial, path: Path::new(path), read_only };
        let disks = &[
            disk("pikaci-request", "/run/a b=c/request", true),
            disk("pikaci-artifacts", "/run/artifacts", false),
            disk("pikaci-store", "/nix/store/r/store.erofs", true),
        ];
        let machine = Machine { disks, network: Network::Outside, ..machine() };
        let shares: &[(&str, &Path)] = &[("workspace", Path::new("/run/work space"))];
        insta::assert_snapshot!(told(&machine, shares, Some(&mac(501, 3))).unwrap(), @r###"
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
    fn a_machine_with_nothing_has_no_network() {
        insta::assert_snapshot!(told(&machine(), &[], Some(&mac(501, 3))).unwrap(), @r###"
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
    fn what_vfkit_cannot_take_is_refused() {
        let share = |tag, path| told(&machine(), &[(tag, Path::new(path))], None).unwrap_err();
        assert_eq!(share("t", "/a,b"), VfkitError::Comma("/a,b".into()));
        for tag in ["", "a,b", &"t".repeat(37)] {
            assert_eq!(share(tag, "/a"), VfkitError::Tag(tag.to_owned()));
        }
        let longest = "t".repeat(36);
        assert!(told(&machine(), &[(&longest, Path::new("/a"))], None).is_ok());
        let disks = &[Disk { serial: "s", path: Path::new("/x,readonly"), read_only: false }];
        let comma = VfkitError::Comma("/x,readonly".into());
        assert_eq!(told(&Machine { disks, ..machine() }, &[], None), Err(comma));
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
    fn each_slot_has_its_address() {
        assert_eq!(mac(501, 3), "5a:70:69:6b:f5:03");
        assert_ne!(mac(501, 3), mac(501, 4));
        assert_ne!(mac(501, 3), mac(502, 3));
    }
}

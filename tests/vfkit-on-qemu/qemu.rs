//! QEMU's command line for a guest: only devices that vfkit has, so the serial ports are those of virtio.

use std::os::fd::RawFd;

use crate::guest::Guest;

/// Name of the program.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// File descriptor of QEMU's monitor.
pub const QMP_FD: RawFd = 3;
/// File descriptor of the first share's vhost-user connection; the others follow.
pub const FIRST_SHARE_FD: RawFd = 4;

/// Returns the arguments of QEMU.
///
/// `-no-reboot` is missing on purpose: a guest that resets itself starts again in the same process under
/// Virtualization.framework, and here too.
pub fn argv(guest: &Guest<'_>) -> Vec<String> {
    let mut args = Args::default();
    args.0.extend(["-nodefaults", "-no-user-config"].map(str::to_owned));
    args.pair("-display", "none");
    // The disabled devices only delay the boot.
    args.pair(
        "-machine",
        "q35,accel=tcg,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,memory-backend=mem",
    );
    args.pair("-cpu", "max,la57=off");
    args.pair("-smp", guest.vcpus.to_string());
    args.pair("-m", format!("{}M", guest.memory_mib));
    args.pair("-object", format!("memory-backend-memfd,id=mem,size={}M,share=on", guest.memory_mib));
    args.pair("-kernel", guest.kernel);
    args.pair("-initrd", guest.initrd);
    args.pair("-append", guest.cmdline);
    args.pair("-chardev", format!("socket,id=qmp,fd={QMP_FD}"));
    args.pair("-mon", "chardev=qmp,mode=control");
    for (at, path) in guest.consoles.iter().enumerate() {
        // Each port has a device of its own: a second port of a device would appear later, with an uncertain number.
        args.pair("-device", format!("virtio-serial-pci,id=serial{at},max_ports=1"));
        args.pair("-chardev", format!("file,id=console{at},path={path}"));
        args.pair("-device", format!("virtconsole,bus=serial{at}.0,chardev=console{at}"));
    }
    for (at, disk) in guest.disks.iter().enumerate() {
        let mode = if disk.read_only { "readonly=on" } else { "cache=unsafe" };
        args.pair("-drive", format!("if=none,id=disk{at},format=raw,{mode},file={}", disk.image_path));
        args.pair("-device", format!("virtio-blk-pci,drive=disk{at},serial={}", disk.device_identifier));
    }
    for (at, mac) in guest.networks.iter().enumerate() {
        args.pair("-netdev", format!("user,id=net{at}"));
        let mac = if mac.is_empty() { String::new() } else { format!(",mac={mac}") };
        args.pair("-device", format!("virtio-net-pci,netdev=net{at},romfile={mac}"));
    }
    for (fd, (tag, _)) in (FIRST_SHARE_FD..).zip(&guest.shares) {
        args.pair("-chardev", format!("socket,id=share{fd},fd={fd}"));
        args.pair("-device", format!("vhost-user-fs-pci,chardev=share{fd},tag={tag}"));
    }
    for _ in 0..guest.rngs {
        args.pair("-device", "virtio-rng-pci");
    }
    if guest.balloon {
        args.pair("-device", "virtio-balloon-pci");
    }
    args.0
}

#[derive(Default)]
struct Args(Vec<String>);

impl Args {
    fn pair(&mut self, name: &str, value: impl Into<String>) {
        self.0.extend([name.to_owned(), value.into()]);
    }
}

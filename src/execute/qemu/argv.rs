//! QEMU's command line: a pure function.

use std::ffi::OsString;
use std::os::fd::RawFd;

use super::accelerator::Accelerator;
use crate::config::Network;
use crate::execute::machine_spec::{DiskImage, MachineSpec};
use crate::guest::contract::{CACHE_DISK, CONTROL_PORT, OUTPUT_PORT};

/// The file descriptor of the QMP socket.
pub const QMP_FD: RawFd = 3;
/// The file descriptor of the pipe for the guest's console.
pub const CONSOLE_FD: RawFd = 4;
/// The file descriptor of the pipe for the job's output.
pub const OUTPUT_FD: RawFd = 5;
/// The file descriptor of the control channel's socket.
pub const CONTROL_FD: RawFd = 6;
/// The file descriptor of the first share's vhost-user connection; the others follow.
pub const FIRST_SHARE_FD: RawFd = 7;
/// The file descriptor of the kernel, above those of all shares.
pub const KERNEL_FD: RawFd = 50;
/// The file descriptor of the initial RAM disk.
pub const INITRD_FD: RawFd = 51;
/// The file descriptor of the first disk; the others follow.
pub const FIRST_DISK_FD: RawFd = 52;

/// The first slot of the PCI bus for disks of caches, after those that QEMU chooses itself.
const FIRST_CACHE_SLOT: u32 = 0x18;

/// Returns the file descriptor of the connection to the uplink: the next one after those of `shares` shares.
#[must_use]
pub fn network_fd(shares: usize) -> RawFd {
    FIRST_SHARE_FD.saturating_add(RawFd::try_from(shares).unwrap_or(RawFd::MAX))
}

/// Returns QEMU's option for a user network of this name, with IPv6 if the host has a route for it.
#[must_use]
pub fn user_network(name: &str, has_v6: bool) -> String {
    format!("user,id={name},ipv4=on,ipv6={}", if has_v6 { "on" } else { "off" })
}

/// Returns QEMU's arguments for a machine. QEMU inherits all its files as open descriptors; the connections of the
/// shares with these tags begin at [`FIRST_SHARE_FD`]. `has_v6` is true on a host with a route in IPv6.
#[must_use]
pub fn argv(machine: &MachineSpec<'_>, accelerator: Accelerator, tags: &[&str], has_v6: bool) -> Vec<OsString> {
    let mut args = Args::default();
    args.switches(&["-nodefaults", "-no-user-config", "-no-reboot"]);
    args.pair("-display", "none");
    args.pair("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    let board = Board::of(machine.arch);
    args.pair("-machine", format!("{},accel={},memory-backend=mem", board.machine, accelerator.name()));
    args.pair("-cpu", if accelerator == Accelerator::Kvm { "host" } else { board.emulated_cpu });
    args.pair("-smp", machine.vcpu.to_string());
    args.pair("-m", format!("{}M", machine.memory_mib));
    args.pair("-object", format!("memory-backend-memfd,id=mem,size={}M,share=on", machine.memory_mib));
    args.pair("-kernel", format!("/dev/fd/{KERNEL_FD}"));
    args.pair("-initrd", format!("/dev/fd/{INITRD_FD}"));
    args.pair("-append", format!("{} {}", machine.cmdline, board.cmdline(accelerator)));
    args.pair("-chardev", format!("socket,id=qmp,fd={QMP_FD}"));
    args.pair("-mon", "chardev=qmp,mode=control");
    // A pipe can't be truncated: `append` prevents that.
    args.file(CONSOLE_FD);
    args.pair("-chardev", format!("file,id=console,path=/dev/fdset/{CONSOLE_FD},append=on"));
    args.pair("-serial", "chardev:console");
    args.pair("-device", "virtio-serial-pci");
    // The control channel is a socket, since the guest may wait for a line of the host.
    args.file(OUTPUT_FD);
    let output = format!("file,id={OUTPUT_PORT},path=/dev/fdset/{OUTPUT_FD},append=on");
    let control = format!("socket,id={CONTROL_PORT},fd={CONTROL_FD}");
    for (name, chardev) in [(OUTPUT_PORT, output), (CONTROL_PORT, control)] {
        args.pair("-chardev", chardev);
        args.pair("-device", format!("virtserialport,chardev={name},name={name}"));
    }
    let mut caches = 0;
    for (fd, DiskImage { serial, read_only, .. }) in (FIRST_DISK_FD..).zip(machine.disks) {
        // No disk outlives its guest, so that writes need no sync. If the host's disk is full, the guest gets the error
        // instead of a pause until its deadline.
        let (mode, full) =
            if *read_only { ("readonly=on", "") } else { ("cache=unsafe,auto-read-only=off", ",werror=report") };
        args.file(fd);
        args.pair("-drive", format!("if=none,id={serial},format=raw,{mode},file=/dev/fdset/{fd}"));
        let mut address = String::new();
        if serial.starts_with(CACHE_DISK) {
            // A bus has too few slots for all layers, and a slot has eight functions.
            address = format!(",multifunction=on,addr={:#x}.{:#x}", FIRST_CACHE_SLOT + caches / 8, caches % 8);
            caches += 1;
        }
        args.pair("-device", format!("virtio-blk-pci,drive={serial},serial={serial}{full}{address}"));
    }
    for (fd, tag) in (FIRST_SHARE_FD..).zip(tags) {
        args.pair("-chardev", format!("socket,id=share-{tag},fd={fd}"));
        args.pair("-device", format!("vhost-user-fs-pci,chardev=share-{tag},tag={tag}"));
    }
    let netdev = match machine.network {
        Network::None => None,
        Network::Outside => Some(format!("socket,id=net,fd={}", network_fd(tags.len()))),
        Network::Host => Some(user_network("net", has_v6)),
    };
    if let Some(netdev) = netdev {
        args.pair("-netdev", netdev);
        args.pair("-device", "virtio-net-pci,netdev=net,romfile=");
    }
    args.0
}

/// QEMU's options for the machine of an architecture.
struct Board {
    machine: &'static str,
    emulated_cpu: &'static str,
    console: &'static str,
    emulated_cmdline: &'static str,
}

impl Board {
    /// Measured: each option that is off makes the boot of x86 faster.
    const X86_64: Self = Self {
        machine: "q35,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off",
        emulated_cpu: "max,la57=off",
        console: "console=ttyS0 8250.nr_uarts=1",
        emulated_cmdline: " tsc=reliable no_timer_check",
    };
    const AARCH64: Self =
        Self { machine: "virt,gic-version=max", emulated_cpu: "max", console: "console=ttyAMA0", emulated_cmdline: "" };

    fn of(arch: &str) -> Self {
        if arch == "aarch64" { Self::AARCH64 } else { Self::X86_64 }
    }

    /// Returns the part of the kernel command line for this hypervisor. After a panic the kernel resets the machine;
    /// QEMU then reports the reset and exits.
    fn cmdline(&self, accelerator: Accelerator) -> String {
        let emulated_cmdline = if accelerator == Accelerator::Tcg { self.emulated_cmdline } else { "" };
        format!("panic=-1 {}{emulated_cmdline}", self.console)
    }
}

/// Arguments of QEMU.
#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn switches(&mut self, names: &[&str]) {
        self.0.extend(names.iter().map(OsString::from));
    }

    /// Adds an open file as `/dev/fdset/N`. `/dev/fd/N` would be opened again, which the user of a jail may not.
    fn file(&mut self, fd: RawFd) {
        self.pair("-add-fd", format!("fd={fd},set={fd}"));
    }

    fn pair(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.extend([OsString::from(name), value.into()]);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Accelerator, DiskImage, MachineSpec, Network, argv};

    fn lines(machine: &MachineSpec<'_>, accelerator: Accelerator, tags: &[&str]) -> String {
        let args: Vec<_> =
            argv(machine, accelerator, tags, true).into_iter().map(|arg| arg.into_string().unwrap()).collect();
        args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n")
    }

    fn machine() -> MachineSpec<'static> {
        MachineSpec {
            arch: "x86_64",
            vcpu: 2,
            memory_mib: 1024,
            kernel: Path::new("/store/kernel"),
            initrd: Path::new("/store/initrd"),
            cmdline: "quiet",
            disks: &[],
            network: Network::None,
        }
    }

    /// Returns the lines of `other` that `plain` hasn't got.
    fn changed(plain: &str, other: &str) -> String {
        other.lines().filter(|line| !plain.lines().any(|same| same == *line)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn emulated_machine_with_disks_and_shares() {
        let disk = |serial, path, read_only| DiskImage { serial, path: Path::new(path), memory: None, read_only };
        let disks = &[disk("request", "/a,b/request", true), disk("artifacts", "/a/artifacts", false)];
        let machine = MachineSpec { disks, ..machine() };
        insta::assert_snapshot!(lines(&machine, Accelerator::Tcg, &["workspace", "usr"]), @"
        -nodefaults
        -no-user-config
        -no-reboot
        -display none
        -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
        -machine q35,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,accel=tcg,memory-backend=mem
        -cpu max,la57=off
        -smp 2
        -m 1024M
        -object memory-backend-memfd,id=mem,size=1024M,share=on
        -kernel /dev/fd/50
        -initrd /dev/fd/51
        -append quiet panic=-1 console=ttyS0 8250.nr_uarts=1 tsc=reliable no_timer_check
        -chardev socket,id=qmp,fd=3
        -mon chardev=qmp,mode=control
        -add-fd fd=4,set=4
        -chardev file,id=console,path=/dev/fdset/4,append=on
        -serial chardev:console
        -device virtio-serial-pci
        -add-fd fd=5,set=5
        -chardev file,id=out,path=/dev/fdset/5,append=on
        -device virtserialport,chardev=out,name=out
        -chardev socket,id=control,fd=6
        -device virtserialport,chardev=control,name=control
        -add-fd fd=52,set=52
        -drive if=none,id=request,format=raw,readonly=on,file=/dev/fdset/52
        -device virtio-blk-pci,drive=request,serial=request
        -add-fd fd=53,set=53
        -drive if=none,id=artifacts,format=raw,cache=unsafe,auto-read-only=off,file=/dev/fdset/53
        -device virtio-blk-pci,drive=artifacts,serial=artifacts,werror=report
        -chardev socket,id=share-workspace,fd=7
        -device vhost-user-fs-pci,chardev=share-workspace,tag=workspace
        -chardev socket,id=share-usr,fd=8
        -device vhost-user-fs-pci,chardev=share-usr,tag=usr
        ");
    }

    #[test]
    fn kvm_and_a_network_change_only_their_own_options() {
        let plain = lines(&machine(), Accelerator::Tcg, &[]);
        let other = lines(&MachineSpec { network: Network::Host, ..machine() }, Accelerator::Kvm, &[]);
        insta::assert_snapshot!(changed(&plain, &other), @"
        -machine q35,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,accel=kvm,memory-backend=mem
        -cpu host
        -append quiet panic=-1 console=ttyS0 8250.nr_uarts=1
        -netdev user,id=net,ipv4=on,ipv6=on
        -device virtio-net-pci,netdev=net,romfile=
        ");
    }

    #[test]
    fn the_outside_network_is_a_socket() {
        let tags = &["workspace"];
        let plain = lines(&machine(), Accelerator::Tcg, tags);
        let other = lines(&MachineSpec { network: Network::Outside, ..machine() }, Accelerator::Tcg, tags);
        insta::assert_snapshot!(changed(&plain, &other), @"
        -netdev socket,id=net,fd=8
        -device virtio-net-pci,netdev=net,romfile=
        ");
    }

    #[test]
    fn arm_has_its_own_board() {
        let plain = lines(&machine(), Accelerator::Tcg, &[]);
        let other = lines(&MachineSpec { arch: "aarch64", ..machine() }, Accelerator::Tcg, &[]);
        insta::assert_snapshot!(changed(&plain, &other), @"
        -machine virt,gic-version=max,accel=tcg,memory-backend=mem
        -cpu max
        -append quiet panic=-1 console=ttyAMA0
        ");
    }
}

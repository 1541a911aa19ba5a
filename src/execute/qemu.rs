//! QEMU's command line: a pure function.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::path::Path;

/// The file descriptor on which QEMU finds its QMP socket.
pub const QMP_FD: RawFd = 3;
/// The file descriptor to which the guest's console goes.
pub const CONSOLE_FD: RawFd = 4;
/// The file descriptor to which the job's output goes.
pub const OUTPUT_FD: RawFd = 5;
/// The file descriptor of the control lines' socket.
pub const CONTROL_FD: RawFd = 6;
/// The file descriptor of the first share's vhost-user connection; the others follow.
pub const FIRST_SHARE_FD: RawFd = 7;

/// How QEMU runs the guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By the CPU itself.
    Kvm,
    /// By translation, on any machine.
    Tcg,
}

impl Accelerator {
    /// Returns QEMU's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

/// A machine to boot.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// How instructions run.
    pub accelerator: Accelerator,
    /// Virtual CPUs.
    pub vcpu: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: &'a Path,
    /// The initial RAM disk.
    pub initrd: &'a Path,
    /// The guest's own part of the kernel's command line.
    pub cmdline: &'a str,
    /// The disks in order: serial, path, whether it is read-only.
    pub disks: &'a [(&'a str, &'a Path, bool)],
    /// The tags of the shares; each has a connection from [`FIRST_SHARE_FD`] on.
    pub tags: &'a [&'a str],
    /// Whether there is a network.
    pub network: bool,
}

/// Returns the arguments of `qemu-system-x86_64` for a machine.
#[must_use]
pub fn argv(machine: &Machine<'_>) -> Vec<OsString> {
    let mut args = Args::default();
    args.switches(&["-nodefaults", "-no-user-config", "-no-reboot"]);
    args.pair("-display", "none");
    args.pair("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    let accelerator = machine.accelerator.name();
    args.pair(
        "-machine",
        format!(
            "q35,accel={accelerator},sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,memory-backend=mem"
        ),
    );
    args.pair("-cpu", if machine.accelerator == Accelerator::Kvm { "host" } else { "max,la57=off" });
    args.pair("-smp", machine.vcpu.to_string());
    args.pair("-m", format!("{}M", machine.memory_mib));
    args.pair("-object", format!("memory-backend-memfd,id=mem,size={}M,share=on", machine.memory_mib));
    args.pair("-kernel", machine.kernel);
    args.pair("-initrd", machine.initrd);
    args.pair("-append", format!("{} {}", machine.cmdline, hypervisor_cmdline(machine.accelerator)));
    args.pair("-chardev", format!("socket,id=qmp,fd={QMP_FD}"));
    args.pair("-mon", "chardev=qmp,mode=control");
    args.pair("-chardev", format!("file,id=console,path=/dev/fd/{CONSOLE_FD}"));
    args.pair("-serial", "chardev:console");
    args.pair("-device", "virtio-serial-pci");
    // The control lines go both ways: a guest may wait for the host.
    let (out, control) =
        (format!("file,id=out,path=/dev/fd/{OUTPUT_FD}"), format!("socket,id=control,fd={CONTROL_FD}"));
    for (name, chardev) in [("out", out), ("control", control)] {
        args.pair("-chardev", chardev);
        args.pair("-device", format!("virtserialport,chardev={name},name={name}"));
    }
    for (serial, path, read_only) in machine.disks {
        // What is written to a disk lives as long as the guest: it needn't survive the host.
        let mode = if *read_only { "readonly=on" } else { "cache=unsafe" };
        let mut drive = OsString::from(format!("if=none,id={serial},format=raw,{mode},file="));
        drive.push(escape_commas(path));
        args.pair("-drive", drive);
        args.pair("-device", format!("virtio-blk-pci,drive={serial},serial={serial}"));
    }
    for (fd, tag) in (FIRST_SHARE_FD..).zip(machine.tags) {
        args.pair("-chardev", format!("socket,id=share-{tag},fd={fd}"));
        args.pair("-device", format!("vhost-user-fs-pci,chardev=share-{tag},tag={tag}"));
    }
    if machine.network {
        args.pair("-netdev", "user,id=net");
        args.pair("-device", "virtio-net-pci,netdev=net,romfile=");
    }
    args.0
}

/// Returns what the kernel needs to know about this hypervisor; the switches are measured to shorten the boot.
fn hypervisor_cmdline(accelerator: Accelerator) -> &'static str {
    match accelerator {
        Accelerator::Kvm => "console=ttyS0 8250.nr_uarts=1",
        Accelerator::Tcg => "console=ttyS0 8250.nr_uarts=1 tsc=reliable no_timer_check",
    }
}

/// Doubles commas, which else end a value (qemu(1), "-drive file=").
fn escape_commas(path: &Path) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let double = |byte: &u8| if *byte == b',' { vec![b',', b','] } else { vec![*byte] };
    OsString::from_vec(path.as_os_str().as_bytes().iter().flat_map(double).collect())
}

#[derive(Default)]
struct Args(Vec<OsString>);

impl Args {
    fn switches(&mut self, names: &[&str]) {
        self.0.extend(names.iter().map(OsString::from));
    }

    fn pair(&mut self, name: &str, value: impl Into<OsString>) {
        self.0.extend([OsString::from(name), value.into()]);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Accelerator, Machine, argv};

    fn lines(machine: &Machine<'_>) -> String {
        let args: Vec<_> = argv(machine).into_iter().map(|arg| arg.into_string().unwrap()).collect();
        args.join("\n").replace("\n-", "\0-").replace('\n', " ").replace('\0', "\n")
    }

    fn machine() -> Machine<'static> {
        Machine {
            accelerator: Accelerator::Tcg,
            vcpu: 2,
            memory_mib: 1024,
            kernel: Path::new("/store/kernel"),
            initrd: Path::new("/store/initrd"),
            cmdline: "quiet panic=-1",
            disks: &[],
            tags: &[],
            network: false,
        }
    }

    #[test]
    fn emulated_machine_with_disks_and_shares() {
        let disks: &[(&str, &Path, bool)] =
            &[("request", Path::new("/a,b/request"), true), ("artifacts", Path::new("/a/artifacts"), false)];
        let machine = Machine { disks, tags: &["workspace", "usr"], ..machine() };
        insta::assert_snapshot!(lines(&machine), @"
        -nodefaults
        -no-user-config
        -no-reboot
        -display none
        -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
        -machine q35,accel=tcg,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,memory-backend=mem
        -cpu max,la57=off
        -smp 2
        -m 1024M
        -object memory-backend-memfd,id=mem,size=1024M,share=on
        -kernel /store/kernel
        -initrd /store/initrd
        -append quiet panic=-1 console=ttyS0 8250.nr_uarts=1 tsc=reliable no_timer_check
        -chardev socket,id=qmp,fd=3
        -mon chardev=qmp,mode=control
        -chardev file,id=console,path=/dev/fd/4
        -serial chardev:console
        -device virtio-serial-pci
        -chardev file,id=out,path=/dev/fd/5
        -device virtserialport,chardev=out,name=out
        -chardev socket,id=control,fd=6
        -device virtserialport,chardev=control,name=control
        -drive if=none,id=request,format=raw,readonly=on,file=/a,,b/request
        -device virtio-blk-pci,drive=request,serial=request
        -drive if=none,id=artifacts,format=raw,cache=unsafe,file=/a/artifacts
        -device virtio-blk-pci,drive=artifacts,serial=artifacts
        -chardev socket,id=share-workspace,fd=7
        -device vhost-user-fs-pci,chardev=share-workspace,tag=workspace
        -chardev socket,id=share-usr,fd=8
        -device vhost-user-fs-pci,chardev=share-usr,tag=usr
        ");
    }

    #[test]
    fn kvm_and_a_network_change_only_what_they_must() {
        let plain = lines(&machine());
        let other = lines(&Machine { accelerator: Accelerator::Kvm, network: true, ..machine() });
        let changed: Vec<&str> = other.lines().filter(|line| !plain.lines().any(|known| known == *line)).collect();
        insta::assert_snapshot!(changed.join("\n"), @"
        -machine q35,accel=kvm,sata=off,usb=off,hpet=off,smbus=off,vmport=off,graphics=off,memory-backend=mem
        -cpu host
        -append quiet panic=-1 console=ttyS0 8250.nr_uarts=1
        -netdev user,id=net
        -device virtio-net-pci,netdev=net,romfile=
        ");
    }
}

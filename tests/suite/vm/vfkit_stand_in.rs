//! The stand-in for vfkit: guests, REST calls, and the ways in which it ends or hangs.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::support::processes::{Running, START};
use crate::support::project::ran;
use crate::support::vfkit_guest::{CMDLINE, RUNNER, Vfkit};

const QEMU: &str = "qemu-system-x86_64";
const DAEMON: &str = "virtiofsd";
/// How long vfkit waits for a guest that it has asked to end.
const GRACE: Duration = Duration::from_secs(5);

#[test]
fn a_guest_has_what_the_command_line_says_and_powers_off() {
    let vfkit = Vfkit::new(
        "mkdir /share; mount -t virtiofs work /share
cat /share/from-host >&3
echo guest >/share/from-guest
cat /sys/class/net/eth0/address >&3
cat /sys/block/vda/serial >&3; echo >&3
head -c 3 /dev/vdb >&3; echo >&3
echo written | dd of=/dev/vda conv=fsync
echo x | dd of=/dev/vdb conv=fsync && echo writable >&3
cat /proc/cmdline >&4
(: >/dev/hvc3) || echo three consoles >&4
grep 'uart:[^u]' /proc/tty/driver/serial || echo no serial port >&4
echo to the console >/dev/console
poweroff -f
",
    );
    let share = format!("virtio-fs,sharedDir={},mountTag=work", vfkit.path("share").display());
    let devices = [
        "virtio-blk,path=disk,deviceId=a-disk",
        "virtio-blk,path=read-only,readonly",
        "virtio-net,nat,mac=52:54:00:70:2b:71",
        &share,
        "virtio-rng",
        "virtio-balloon",
    ];
    let running = Running::start(&vfkit.command(&devices, &["--cpus", "1", "--pidfile", "pid"]));
    let told = running.ends_within(START, "power-off").exits(0).stderr;
    assert!(told.starts_with("vfkit-on-qemu: a stand-in for vfkit runs qemu-system-x86_64 "), "{told}");
    assert_eq!(vfkit.read("output"), "host\n52:54:00:70:2b:71\na-disk\nrrr\n");
    assert_eq!(vfkit.read("control"), format!("{CMDLINE}\nthree consoles\nno serial port\n"));
    assert!(vfkit.read("console").contains("to the console"), "{}", vfkit.read("console"));
    assert_eq!(vfkit.read("share/from-guest"), "guest\n");
    assert!(vfkit.read("disk").starts_with("written\n") && vfkit.read("read-only").starts_with("rrr"));
    assert!(vfkit.read("pid").parse::<u32>().is_ok());
}

#[test]
fn rest_calls_are_answered_and_a_reset_starts_the_guest_again() {
    let vfkit = Vfkit::new(
        "mkdir /share; mount -t virtiofs share /share
if [ -e /share/before ]; then echo again >&3; else echo first >&3; echo >/share/before; sync; reboot -f; fi
while :; do sleep 1; done
",
    );
    let mut running = Running::start(&vfkit.with_rest(&["virtio-fs,sharedDir=share"]));
    vfkit.says("first\nagain\n");
    running.process(DAEMON);
    assert_eq!(vfkit.state(), "VirtualMachineStateRunning");
    let (status, machine) = vfkit.call("GET", "/vm/inspect", "");
    let machine: Value = serde_json::from_str(&machine).unwrap();
    assert_eq!((status, &machine["memoryBytes"], &machine["vcpus"]), (200, &json!(256 << 20), &json!(1)));
    assert_eq!(machine["devices"][3], json!({ "kind": "virtiofs", "mountTag": "", "sharedDir": "share" }));

    // What is no HTTP, no JSON, no state and no route.
    for bare in [r#"{"state": "Stop"}"#, "{\"state\":\"Stop\"}\n", "GET /vm/state HTTP/1.1\r\n\r\n"] {
        let answer = vfkit.send(bare);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{bare:?}: {answer:?}");
    }
    assert_eq!(vfkit.call("POST", "/vm/state", "Stop").0, 400);
    assert_eq!(vfkit.call("POST", "/vm/state", "").0, 400);
    assert_eq!(vfkit.call("POST", "/vm/state", r#"{"state": 1}"#).0, 400);
    assert_eq!(vfkit.change("stop"), 500);
    assert_eq!(vfkit.change("Resume"), 500);
    assert_eq!(vfkit.call("PUT", "/vm/state", "").0, 404);
    assert_eq!(vfkit.call("GET", "/", "").0, 404);

    assert_eq!(vfkit.change("Pause"), 202);
    assert_eq!(vfkit.state(), "VirtualMachineStatePaused");
    assert_eq!(vfkit.change("Resume"), 202);
    // The guest doesn't look at its power button.
    assert_eq!(vfkit.change("Stop"), 202);
    assert_eq!(vfkit.state(), "VirtualMachineStateRunning");
    assert_eq!(vfkit.change("HardStop"), 202);
    running.ends("HardStop").exits(0);
    assert!(!vfkit.path("rest").exists());
}

#[test]
fn a_signal_asks_the_guest_and_then_forces_it() {
    let vfkit = Vfkit::new("sleep 1000\n");
    let running = Running::start(&vfkit.with_rest(&[]));
    vfkit.is("VirtualMachineStateRunning");
    let asked = Instant::now();
    running.signal(Signal::TERM);
    running.ends_within(START, "SIGTERM").exits(0);
    assert!(asked.elapsed() >= GRACE, "{:?}", asked.elapsed());
}

#[test]
fn it_hangs_after_a_stop_until_it_is_killed() {
    let vfkit = Vfkit::new("sleep 1000\n");
    let mut command = vfkit.with_rest(&["virtio-fs,sharedDir=share"]);
    command.env("VFKIT_ON_QEMU_HANG", "stop");
    let mut running = Running::start(&command);
    vfkit.is("VirtualMachineStateRunning");
    running.process(QEMU);
    assert_eq!(vfkit.change("Stop"), 202);
    running.says("hanging");
    assert_eq!(vfkit.state(), "VirtualMachineStateStopped");
    running.signal(Signal::TERM);
    running.says("failed to shutdown VM");
    assert_eq!(vfkit.change("HardStop"), 500);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("a hang").code, None);
}

#[test]
fn it_hangs_after_a_power_off_until_it_is_killed() {
    let vfkit = Vfkit::new("poweroff -f\n");
    let mut command = vfkit.command(&[], &[]);
    command.env("VFKIT_ON_QEMU_HANG", "poweroff");
    let mut running = Running::start(&command);
    running.says("hanging");
    running.signal(Signal::INT);
    running.says("failed to shutdown VM");
    running.signal(Signal::KILL);
    assert_eq!(running.ends("a hang").code, None);
}

#[test]
fn what_dies_under_it_ends_it_with_an_error() {
    let vfkit = Vfkit::new("sleep 1000\n");
    for (name, message) in [(DAEMON, "the daemon of the share \"share\" has ended"), (QEMU, "signal: 9")] {
        let mut running = Running::start(&vfkit.with_rest(&["virtio-fs,sharedDir=share"]));
        vfkit.is("VirtualMachineStateRunning");
        kill_process(running.process(name), Signal::KILL).unwrap();
        let told = running.ends(name).exits(1).stderr;
        assert!(told.lines().last().unwrap().contains(message), "{name}: {told}");
        assert!(!vfkit.path("rest").exists());
    }
}

#[test]
fn nothing_outlives_it_when_it_is_killed() {
    let vfkit = Vfkit::new("sleep 1000\n");
    let mut running = Running::start(&vfkit.with_rest(&["virtio-fs,sharedDir=share"]));
    vfkit.is("VirtualMachineStateRunning");
    running.process(QEMU);
    running.process(DAEMON);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("SIGKILL").code, None);
    // Its socket's file is in the way of the next.
    let told = ran(&mut vfkit.with_rest(&[])).exits(1).stderr;
    assert!(told.starts_with("Error: listen unix ") && told.contains("in use"), "{told}");
}

#[test]
fn what_the_framework_refuses_is_refused() {
    let vfkit = Vfkit::new("");
    fs::write(vfkit.path("odd"), [0; 513]).unwrap();
    let long = "t".repeat(36);
    let tagged = format!("virtio-fs,sharedDir=share,mountTag={long}");
    let cases: [(&[&str], &str); 12] = [
        (&["virtio-fs,sharedDir=missing"], "stat missing"),
        (&["virtio-fs,sharedDir=disk"], "disk is no folder"),
        (&["virtio-fs"], "missing mandatory 'sharedDir' option"),
        (&[&tagged], "isn't shorter than 36 bytes"),
        (&["virtio-fs,sharedDir=share", "virtio-fs,sharedDir=./share"], "two shares have the tag \"share\""),
        (&["virtio-blk,path=odd"], "the disk image format is not recognized"),
        (&["virtio-blk,path=disk,deviceId=longer-than-20-bytes-"], "is longer than 20 bytes"),
        (&["virtio-blk,path=disk,type=dev"], "disk is not a block device"),
        (&["virtio-serial,stdio"], "stdin is no terminal"),
        (&["virtio-serial,logFilePath=missing/log"], "making the console's file missing/log"),
        (&["virtio-net,unixSocketPath=s"], "the stand-in has no virtio-net but `nat`"),
        (&["virtio-vsock,port=1,socketURL=s"], "the stand-in has no virtio-vsock"),
    ];
    for (devices, message) in cases {
        let told = ran(&mut vfkit.command(devices, &[])).exits(1).stderr;
        assert!(told.lines().last().unwrap().contains(message), "{devices:?}: {told}");
    }
    let kernel = RUNNER.join("kernel");
    let kernel = kernel.to_str().unwrap();
    for (bootloader, message) in [
        ("linux,kernel=missing,initrd=initrd", "open missing"),
        ("linux,kernel=disk,initrd=initrd", "disk is no kernel for x86_64"),
        (&format!("linux,kernel={kernel},initrd=missing"), "stat missing"),
        (&format!("linux,kernel={kernel}"), "stat "),
        ("efi", "boots no firmware"),
    ] {
        let told = ran(vfkit.bare().args(["-b", bootloader])).exits(1).stderr;
        assert!(told.lines().last().unwrap().contains(message), "{bootloader}: {told}");
    }
    let told = ran(vfkit.command(&[], &[]).env("VFKIT_ON_QEMU_HANG", "yes")).exits(1).stderr;
    assert!(told.contains("is stop or poweroff, not \"yes\""), "{told}");
}

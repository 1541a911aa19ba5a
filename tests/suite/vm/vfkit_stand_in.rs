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
/// The time that vfkit gives a guest to end.
const GRACE: Duration = Duration::from_secs(5);

#[test]
fn a_guest_has_the_devices_of_its_command_line_and_powers_off() {
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
    let printed = running.ends_within(START, "power-off").exits(0).stderr;
    assert!(printed.starts_with("vfkit-on-qemu: a stand-in for vfkit runs qemu-system-x86_64 "), "{printed}");
    assert_eq!(vfkit.read("output"), "host\n52:54:00:70:2b:71\na-disk\nrrr\n");
    assert_eq!(vfkit.read("control"), format!("{CMDLINE}\nthree consoles\nno serial port\n"));
    assert!(vfkit.read("console").contains("to the console"), "{}", vfkit.read("console"));
    assert_eq!(vfkit.read("share/from-guest"), "guest\n");
    assert!(vfkit.read("disk").starts_with("written\n") && vfkit.read("read-only").starts_with("rrr"));
    assert!(vfkit.read("pid").parse::<u32>().is_ok());
}

#[test]
fn rest_calls_get_answers_and_a_reset_restarts_the_guest() {
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

    // No HTTP, no JSON, no state and no route.
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
    // The guest ignores its power button.
    assert_eq!(vfkit.change("Stop"), 202);
    assert_eq!(vfkit.state(), "VirtualMachineStateRunning");
    assert_eq!(vfkit.change("HardStop"), 202);
    running.ends("HardStop").exits(0);
    assert!(!vfkit.path("rest").exists());
}

#[test]
fn a_signal_stops_the_guest_politely_and_then_by_force() {
    let vfkit = Vfkit::new("sleep 1000\n");
    let running = Running::start(&vfkit.with_rest(&[]));
    vfkit.is("VirtualMachineStateRunning");
    let began = Instant::now();
    running.signal(Signal::TERM);
    running.ends_within(START, "SIGTERM").exits(0);
    assert!(began.elapsed() >= GRACE, "{:?}", began.elapsed());
}

#[test]
fn the_stand_in_hangs_after_a_stop_until_it_is_killed() {
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
fn the_stand_in_hangs_after_a_power_off_until_it_is_killed() {
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
fn a_program_that_dies_ends_the_stand_in_with_an_error() {
    let vfkit = Vfkit::new("sleep 1000\n");
    for (name, message) in [(DAEMON, "the daemon of the share \"share\" has ended"), (QEMU, "signal: 9")] {
        let mut running = Running::start(&vfkit.with_rest(&["virtio-fs,sharedDir=share"]));
        vfkit.is("VirtualMachineStateRunning");
        kill_process(running.process(name), Signal::KILL).unwrap();
        let printed = running.ends(name).exits(1).stderr;
        assert!(printed.lines().last().unwrap().contains(message), "{name}: {printed}");
        assert!(!vfkit.path("rest").exists());
    }
}

#[test]
fn no_process_outlives_a_killed_stand_in() {
    let vfkit = Vfkit::new("sleep 1000\n");
    let mut running = Running::start(&vfkit.with_rest(&["virtio-fs,sharedDir=share"]));
    vfkit.is("VirtualMachineStateRunning");
    running.process(QEMU);
    running.process(DAEMON);
    running.signal(Signal::KILL);
    assert_eq!(running.ends("SIGKILL").code, None);
    // The file of the socket blocks the next one.
    let printed = ran(&mut vfkit.with_rest(&[])).exits(1).stderr;
    assert!(printed.starts_with("Error: listen unix ") && printed.contains("in use"), "{printed}");
}

#[test]
fn the_stand_in_refuses_the_guests_that_the_framework_refuses() {
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
        let printed = ran(&mut vfkit.command(devices, &[])).exits(1).stderr;
        assert!(printed.lines().last().unwrap().contains(message), "{devices:?}: {printed}");
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
        let printed = ran(vfkit.bare().args(["-b", bootloader])).exits(1).stderr;
        assert!(printed.lines().last().unwrap().contains(message), "{bootloader}: {printed}");
    }
    let printed = ran(vfkit.command(&[], &[]).env("VFKIT_ON_QEMU_HANG", "yes")).exits(1).stderr;
    assert!(printed.contains("is stop or poweroff, not \"yes\""), "{printed}");
}

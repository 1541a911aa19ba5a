//! Guests of the stand-in for vfkit, and its REST calls.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::processes::START;
use crate::support::project::Project;

/// The first part of every guest here: it loads the drivers and opens the consoles.
const INIT: &str = "#!/pikaci/bin/sh
export PATH=/pikaci/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
while read -r module; do insmod /pikaci/modules/$module; done </pikaci/modules.order
exec 3>/dev/hvc1 4>/dev/hvc2
for tty in /dev/hvc1 /dev/hvc2; do stty -F $tty raw; done
";

/// The kernel's command line; its last word has characters that vfkit's other ways to pass it would split.
pub const CMDLINE: &str =
    "console=hvc0 quiet panic=-1 rdinit=/test tsc=reliable no_timer_check cryptomgr.notests x=\"a,b\"";

/// A runner of pikaci: its kernel, and the drivers and busybox of its initial RAM disk.
pub static RUNNER: LazyLock<PathBuf> = LazyLock::new(|| {
    let project = Project::with_guests(r#"{ jobs.a.command = "true"; }"#);
    project.pikaci(&["run"]).exits(0);
    PathBuf::from(project.record().prepares[0].runner.clone().unwrap())
});

/// A folder with the files of a guest.
pub struct Vfkit {
    folder: TempDir,
}

impl Vfkit {
    /// Creates a guest that runs this script.
    pub fn new(script: &str) -> Self {
        let vfkit = Self { folder: TempDir::with_prefix("pikaci-test-").unwrap() };
        // The kernel unpacks one archive after the other.
        let mut initrd = fs::read(RUNNER.join("initrd")).unwrap();
        initrd.extend(archive("test", format!("{INIT}{script}").as_bytes()));
        fs::write(vfkit.path("initrd"), initrd).unwrap();
        fs::write(vfkit.path("disk"), [0; 4096]).unwrap();
        fs::write(vfkit.path("read-only"), [b'r'; 512]).unwrap();
        fs::create_dir(vfkit.path("share")).unwrap();
        fs::write(vfkit.path("share/from-host"), "host\n").unwrap();
        vfkit
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Reads a file of the folder.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Returns the command without arguments.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vfkit-on-qemu"));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }

    /// Returns the command that starts the guest, with these devices and arguments.
    pub fn command(&self, devices: &[&str], args: &[&str]) -> Command {
        let mut command = self.bare();
        command.args(["--memory", "256", "--initrd", "initrd", "--kernel-cmdline", CMDLINE]);
        command.arg("--kernel").arg(RUNNER.join("kernel"));
        for name in ["console", "output", "control"] {
            command.args(["--device", &format!("virtio-serial,logFilePath={name}")]);
        }
        command.args(devices.iter().flat_map(|device| ["--device", device])).args(args);
        command
    }

    /// Returns the command with REST calls.
    pub fn with_rest(&self, devices: &[&str]) -> Command {
        let uri = format!("unix://{}", self.path("rest").display());
        self.command(devices, &["--restful-uri", &uri])
    }

    /// Sends these bytes to the REST socket and returns the whole reply.
    pub fn send(&self, bytes: &str) -> String {
        let mut stream = UnixStream::connect(self.path("rest")).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Sends a REST call, and returns the status and the body.
    pub fn call(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let length = body.len();
        let answer =
            self.send(&format!("{method} {path} HTTP/1.1\r\nHost: vfkit\r\nContent-Length: {length}\r\n\r\n{body}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no header in {answer:?}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Requests the state.
    pub fn state(&self) -> Value {
        let (status, body) = self.call("GET", "/vm/state", "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["state"].clone()
    }

    /// Requests another state, and returns the status of the reply.
    pub fn change(&self, state: &str) -> u16 {
        self.call("POST", "/vm/state", &json!({ "state": state }).to_string()).0
    }

    /// Waits until the guest has printed this on its second console.
    #[track_caller]
    pub fn says(&self, text: &str) {
        self.until(text, || fs::read_to_string(self.path("output")).is_ok_and(|output| output.contains(text)));
    }

    /// Waits until a REST call returns this state.
    #[track_caller]
    pub fn is(&self, state: &str) {
        self.until(state, || UnixStream::connect(self.path("rest")).is_ok() && self.state() == state);
    }

    #[track_caller]
    fn until(&self, label: &str, mut is: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is() {
            let console = fs::read_to_string(self.path("console")).unwrap_or_default();
            assert!(began.elapsed() < START, "no {label:?}\n{console}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Creates an archive for the kernel with one program in its root (Documentation/driver-api/early-userspace/).
fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, mode, content) in [(name, 0o100_755, content), ("TRAILER!!!", 0, &[][..])] {
        let fields = [0, mode, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
        archive.extend(b"070701");
        for field in fields {
            archive.extend(format!("{field:08x}").as_bytes());
        }
        for part in [&[name.as_bytes(), &[0]].concat(), content] {
            archive.extend(part);
            archive.resize(archive.len().next_multiple_of(4), 0);
        }
    }
    archive
}

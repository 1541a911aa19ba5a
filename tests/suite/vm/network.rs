//! A job's network, inside a network of the test.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::Duration;

use pikaci::execute::qemu::QemuProgram;
use pikaci::execute::qemu::jail::Jail;
use pikaci::execute::qemu::network::start_uplink;
use pikaci::process::{Group, LogPipe, LogRules};
use pikaci::quota::Quota;
use pikaci::secret::Masks;

use crate::support::project::{Project, ran};
use crate::support::tools::{inside, tool};

/// Creates a host with the usual addresses, and a neighbour that routes to the outside, both with a service at each
/// address; then runs a command on that host. The second argument decides whether there is a route for IPv6.
const HOST: &str = r#"
set -eu
folder=$1 route=$2; shift 2
ip link set lo up
unshare --net sleep 600 & peer=$!
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.01; done
neighbour() { nsenter --net=/proc/$peer/ns/net "$@"; }
ip link add up0 type veth peer name down0
ip link set down0 netns $peer
for address in 203.0.113.1/24 192.168.7.1/24 169.254.7.1/16; do ip address add $address dev up0; done
for address in 203.0.113.2/24 192.168.7.2/24 169.254.169.254/16; do neighbour ip address add $address dev down0; done
for address in 2001:db8:7::1/64 fd00:7::1/64; do ip address add $address dev up0 nodad; done
for address in 2001:db8:7::2/64 fd00:7::2/64; do neighbour ip address add $address dev down0 nodad; done
neighbour ip link set lo up
for address in 198.51.100.7 172.16.9.9 100.64.9.9 10.9.9.9; do neighbour ip address add $address dev lo; done
neighbour ip address add 2001:db8:8::7 dev lo nodad
ip link set up0 up
neighbour ip link set down0 up
ip route add default via 203.0.113.2
[ "$route" != v6 ] || ip route add default via 2001:db8:7::2
mount --bind "$folder/resolv.conf" /etc/resolv.conf
addresses() { "$@" ip -oneline address | sed -n 's/.* inet6* \([^ /]*\).*/\1/p' | grep -v ^fe80; }
neighbour python3 "$folder/service.py" "$folder/neighbour" $(addresses neighbour) &
python3 "$folder/service.py" "$folder/host" $(addresses env) &
until [ -e "$folder/neighbour" ] && [ -e "$folder/host" ]; do sleep 0.05; done
"$@"
"#;

/// Replies to every connection and datagram, and at port 53 to every query for an address with 198.51.100.7.
const SERVICE: &str = r#"
import selectors, socket, struct, sys

def tcp(server):
    connection, _ = server.accept()
    connection.close()

def udp(server):
    data, peer = server.recvfrom(2048)
    server.sendto(b"answer", peer)

def names(server):
    query, peer = server.recvfrom(2048)
    end = query.index(b"\0", 12) + 5
    is_a = query[end - 4:end - 2] == b"\0\1"
    answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([198, 51, 100, 7])
    server.sendto(query[:2] + struct.pack(">HHHHH", 0x8180, 1, is_a, 0, 0) + query[12:end] + answer * is_a, peer)

selector = selectors.DefaultSelector()
def serve(kind, address, port, handle):
    server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    server.bind((address, port))
    if kind == socket.SOCK_STREAM:
        server.listen()
    selector.register(server, selectors.EVENT_READ, handle)

for address in sys.argv[2:]:
    serve(socket.SOCK_STREAM, address, 7777, tcp)
    serve(socket.SOCK_DGRAM, address, 7777, udp)
serve(socket.SOCK_DGRAM, "127.0.0.53", 53, names)
open(sys.argv[1], "w").close()
while True:
    for key, _ in selector.select():
        key.data(key.fileobj)
"#;

/// Prints for each address whether it can be reached.
const GUEST: &str = r#"
import errno, socket, sys, time

def attempt(kind, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as connection:
        connection.settimeout(60)
        try:
            connection.connect((address, 7777))
            if kind == socket.SOCK_DGRAM:
                connection.send(b"question")
                connection.recv(2048)
            return "reached"
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error))

# The IPv6 address is tentative for a moment.
for _ in range(300):
    own = [line.split() for line in open("/proc/net/if_inet6")]
    if any(words[0].startswith("fec0") and not int(words[4], 16) & 0x40 for words in own):
        break
    time.sleep(0.1)
print("name", socket.getaddrinfo("outside.example", 7777, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
for address in sys.argv[1:]:
    print(address, attempt(socket.SOCK_STREAM, address), attempt(socket.SOCK_DGRAM, address), flush=True)
"#;

/// The addresses outside.
const OUTSIDE: [&str; 2] = ["198.51.100.7", "2001:db8:8::7"];
/// The addresses of the host (the mapped one, if the user network maps it) and of the neighbour.
const INSIDE: [&str; 15] = [
    "10.0.2.2",
    "fec0::2",
    "203.0.113.1",
    "192.168.7.1",
    "169.254.7.1",
    "2001:db8:7::1",
    "fd00:7::1",
    "203.0.113.2",
    "192.168.7.2",
    "169.254.169.254",
    "172.16.9.9",
    "100.64.9.9",
    "10.9.9.9",
    "2001:db8:7::2",
    "fd00:7::2",
];

/// Runs the jobs of a project on a host of the test.
fn run_on_host(project: &Project, route: &str) {
    let folder = tempfile::TempDir::with_prefix("pikaci-test-").unwrap();
    fs::write(folder.path().join("service.py"), SERVICE).unwrap();
    fs::write(folder.path().join("resolv.conf"), "nameserver 127.0.0.53\n").unwrap();
    let run = project.command(&["run"]);
    let mut host = Command::new("unshare");
    host.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", HOST, "host"])
        .arg(folder.path())
        .arg(route);
    ran(&mut inside(host, &run)).exits(0);
}

#[test]
fn a_guest_has_no_ipv6_where_the_host_has_no_route() {
    let project = Project::with_guests(
        r#"{
          jobs.outside = { command = "true"; network = true; };
          jobs.host = { command = "true"; network = "host"; };
        }"#,
    );
    run_on_host(&project, "none");
    for (job, id) in [("outside", "outside"), ("host", "net")] {
        let log = fs::read_to_string(project.state(&project.job(job).logs.host_log_path.unwrap())).unwrap();
        assert!(log.contains(&format!("user,id={id},ipv4=on,ipv6=off")), "{log}");
    }
}

#[test]
fn every_network_reaches_the_outside_and_only_that_of_the_host_the_host() {
    let addresses = [&OUTSIDE[..], &INSIDE].concat().iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
    let command = format!(r#"command = [ "python3" "guest.py" {} ];"#, addresses.join(" "));
    let project = Project::with_guests(&format!(
        r#"{{
          jobs.outside = {{ {command} network = true; }};
          jobs.host = {{ {command} network = "host"; }};
        }}"#
    ))
    .file("guest.py", GUEST);
    run_on_host(&project, "v6");

    let lines = |result: &dyn Fn(&str) -> String| {
        let lines =
            [&OUTSIDE[..], &INSIDE].concat().into_iter().map(|address| format!("{address} {}\n", result(address)));
        std::iter::once("name 198.51.100.7\n".to_owned()).chain(lines).collect::<String>()
    };
    // A refusal comes at once; an address without a reply would be a timeout.
    let refused = |address: &str| match address {
        _ if OUTSIDE.contains(&address) => "reached reached",
        _ if address.contains(':') => "EACCES EACCES",
        _ => "EHOSTUNREACH EHOSTUNREACH",
    };
    assert_eq!(project.output("outside"), lines(&|address| refused(address).to_owned()));
    assert_eq!(project.output("host"), lines(&|_| "reached reached".to_owned()));
    let log = fs::read_to_string(project.state(&project.job("outside").logs.host_log_path.unwrap())).unwrap();
    let guest = log.lines().find(|line| line.contains("virtio-net-pci")).unwrap();
    assert!(guest.contains("--unshare-net"), "{log}");
}

#[test]
fn the_router_of_the_user_network_answers_through_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let group = Group::start().unwrap();
    let program = QemuProgram { path: tool("qemu-system-x86_64"), jail: Jail::Bwrap(tool("bwrap")) };
    let (quota, masks) = (Quota::unlimited(), Masks::default());
    let rules = LogRules { bytes: 1000, quota: &quota, masks: &masks, offsets: None };
    let (log, _) = LogPipe::open(&log, rules).unwrap();
    let (_uplink, mut guest) = start_uplink(&group, &program, &log).unwrap();
    // An ARP request for 10.0.2.2 (RFC 826), sent to the broadcast address.
    let ethernet = [&[0xff; 6][..], &[0x52, 0x54, 0, 1, 2, 3, 8, 6]].concat();
    let request = [&[0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15][..], &[0; 6], &[10, 0, 2, 2]];
    guest.write_all(&[&42_u32.to_be_bytes()[..], &ethernet, &request.concat()].concat()).unwrap();
    guest.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut answer = [0; 4 + 42];
    let read = guest.read_exact(&mut answer);
    assert!(read.is_ok(), "{read:?}");
    assert_eq!((&answer[4..10], &answer[32..36]), (&ethernet[6..12], &[10, 0, 2, 2][..]));
}

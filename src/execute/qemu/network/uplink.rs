//! The process that reaches the outside for a guest: QEMU without a machine, for its user network alone.

#![expect(clippy::disallowed_types, reason = "makes sockets")]

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::attached::{attached, has_v6_route};
use super::relay;
use crate::execute::qemu::accelerator::Accelerator;
use crate::execute::qemu::argv::user_network;
use crate::execute::qemu::jail::{self, Jail};
use crate::failpoint::Point;
use crate::process::{Child, Group, LogPipe};

/// The socket's number in the process.
const SOCKET_FD: RawFd = 3;

/// The program of the process, and its jail.
#[derive(Clone, Copy, Debug)]
pub struct Uplink<'a> {
    /// QEMU.
    pub qemu: &'a Path,
    /// Its jail.
    pub jail: &'a Jail,
}

/// Starts the process and the relay to it, and returns it with the connection for the guest's hypervisor.
///
/// # Errors
/// When a socket can't be made, the host's networks can't be read, or the process can't be started.
pub fn start(group: &Group, uplink: Uplink<'_>, log: &LogPipe) -> Result<(Child, UnixStream)> {
    let pair = || UnixStream::pair().context("making a socket of the guest's network");
    let ((guest, relayed), (outside, socket)) = (pair()?, pair()?);
    let attached = attached()?;
    let place = jail::Qemu { program: uplink.qemu, accelerator: Accelerator::Tcg, network: true, files: &[] };
    let invocation = jail::qemu(uplink.jail, place, group)?.args(argv(has_v6_route())).fd(socket, SOCKET_FD);
    let child = group.spawn(Point::Daemon, invocation, log)?;
    relay::start(relayed, outside, attached)?;
    Ok((child, guest))
}

/// Returns QEMU's arguments for a user network alone.
fn argv(has_v6: bool) -> Vec<OsString> {
    let user = user_network("outside", has_v6);
    let mut args = vec!["-nodefaults", "-no-user-config", "-machine", "none", "-display", "none"];
    args.extend(["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]);
    let (guest, hub) =
        (format!("socket,id=guest,fd={SOCKET_FD}"), |id| format!("hubport,hubid=0,id={id}-hub,netdev={id}"));
    let netdevs = [user, guest, hub("outside"), hub("guest")];
    let netdevs = netdevs.into_iter().flat_map(|netdev| ["-netdev".to_owned(), netdev]);
    args.into_iter().map(OsString::from).chain(netdevs.map(OsString::from)).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::path::Path;
    use std::time::Duration;

    use super::{Group, Jail, LogPipe, Uplink, start};
    use crate::process::Limit;
    use crate::quota::Quota;

    #[test]
    fn the_router_of_the_user_network_answers_through_the_relay() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let group = Group::start().unwrap();
        let qemu = Path::new("/usr/bin/qemu-system-x86_64");
        let uplink = Uplink { qemu, jail: &Jail::Bwrap("/usr/bin/bwrap".into()) };
        let (log, _) = LogPipe::open(&log, Limit { bytes: 1000, quota: &Quota::unlimited() }).unwrap();
        let (_uplink, mut guest) = start(&group, uplink, &log).unwrap();
        // A question for the hardware address of 10.0.2.2 (RFC 826), by way of everyone's address.
        let ethernet = [&[0xff; 6][..], &[0x52, 0x54, 0, 1, 2, 3, 8, 6]].concat();
        let question = [&[0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 1, 2, 3, 10, 0, 2, 15][..], &[0; 6], &[10, 0, 2, 2]];
        guest.write_all(&[&42_u32.to_be_bytes()[..], &ethernet, &question.concat()].concat()).unwrap();
        guest.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut answer = [0; 4 + 42];
        let read = guest.read_exact(&mut answer);
        assert!(read.is_ok(), "{read:?}");
        assert_eq!((&answer[4..10], &answer[32..36]), (&ethernet[6..12], &[10, 0, 2, 2][..]));
    }
}

//! The uplink of a guest: a QEMU without a machine, which provides its user network.

#![expect(clippy::disallowed_types, reason = "makes sockets")]

use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::net::UnixStream;

use super::attached_networks::{attached_networks, has_v6_route};
use super::relay::start_relay;
use crate::execute::qemu::accelerator::Accelerator;
use crate::execute::qemu::argv::user_network;
use crate::execute::qemu::jail::{JailedQemu, jail_qemu};
use crate::execute::qemu::programs::QemuProgram;
use crate::failpoint::Point;
use crate::process::{Child, Group, LogPipe};

/// File descriptor of the socket in the process.
const SOCKET_FD: RawFd = 3;

/// Starts the uplink and the relay to it. Returns the uplink's process and the socket for the guest's hypervisor.
///
/// # Errors
/// When a socket can't be made, the host's networks can't be read, or the process can't be started.
pub fn start_uplink(group: &Group, program: &QemuProgram, log: &LogPipe) -> Result<(Child, UnixStream)> {
    let pair = || UnixStream::pair().context("making a socket of the guest's network");
    let ((guest, relayed), (outside, socket)) = (pair()?, pair()?);
    let attached = attached_networks()?;
    let qemu = JailedQemu { program: &program.path, accelerator: Accelerator::Tcg, network: true, files: &[] };
    let invocation = jail_qemu(&program.jail, qemu, group)?.args(argv(has_v6_route())).fd(socket, SOCKET_FD);
    let child = group.spawn(Point::Daemon, invocation, log)?;
    start_relay(relayed, outside, attached)?;
    Ok((child, guest))
}

/// Returns QEMU's arguments for a user network without a machine.
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

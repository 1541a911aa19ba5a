//! The networks to which this host is attached. They hold the addresses of the host and its neighbours.

#![expect(clippy::disallowed_types, reason = "queries the kernel for a route")]

use std::net::{IpAddr, Ipv6Addr, UdpSocket};

use anyhow::{Context as _, Result};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use super::subnet::Subnet;

/// An address behind the route to the internet, and behind no route of a private network (RFC 4291, 2.4).
const GLOBAL_V6: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 1);

/// Returns the networks of all interfaces of this host.
///
/// # Errors
/// When the system can't list them.
pub fn attached_networks() -> Result<Vec<Subnet>> {
    let interfaces = getifaddrs().context("reading the addresses of this machine")?;
    let networks = interfaces.flat_map(|interface| {
        let address = interface.address.as_ref().and_then(ip);
        let peer = interface.destination.as_ref().and_then(ip);
        let mask = interface.netmask.as_ref().and_then(ip);
        let prefix = mask.map_or(128, |mask| match mask {
            IpAddr::V4(mask) => mask.to_bits().leading_ones(),
            IpAddr::V6(mask) => mask.to_bits().leading_ones(),
        });
        [address, peer].into_iter().flatten().map(move |address| Subnet { address, prefix })
    });
    Ok(networks.collect())
}

/// Returns true if this host has a route to the internet in IPv6. Sends no packet.
#[must_use]
pub fn has_v6_route() -> bool {
    UdpSocket::bind("[::]:0").and_then(|socket| socket.connect((GLOBAL_V6, 9))).is_ok()
}

/// Returns the IP address in a socket address.
fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::{Subnet, attached_networks};

    #[test]
    fn the_loopback_is_an_attached_network() {
        let networks = attached_networks().unwrap();
        assert!(networks.contains(&Subnet { address: "127.0.0.1".parse().unwrap(), prefix: 8 }), "{networks:?}");
    }
}

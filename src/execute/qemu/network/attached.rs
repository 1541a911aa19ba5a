//! The networks that this host is attached to, which hold its own addresses and its neighbours'.

#![expect(clippy::disallowed_types, reason = "asks the kernel for a route")]

use std::net::{IpAddr, Ipv6Addr, UdpSocket};

use anyhow::{Context as _, Result};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use super::rules::Subnet;

/// An address that is reached by the route to the internet, and by none of a private network (RFC 4291, 2.4).
const GLOBAL_V6: Ipv6Addr = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 1);

/// Returns the networks of all interfaces.
///
/// # Errors
/// When the system doesn't name them.
pub fn attached() -> Result<Vec<Subnet>> {
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

/// Returns whether this host has a route to the internet of IPv6. No packet is sent.
#[must_use]
pub fn has_v6_route() -> bool {
    UdpSocket::bind("[::]:0").and_then(|socket| socket.connect((GLOBAL_V6, 9))).is_ok()
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::{Subnet, attached};

    #[test]
    fn the_loopback_is_one_of_them() {
        let networks = attached().unwrap();
        assert!(networks.contains(&Subnet { address: "127.0.0.1".parse().unwrap(), prefix: 8 }), "{networks:?}");
    }
}

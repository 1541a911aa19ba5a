//! The networks that this host is attached to, which hold its own addresses and its neighbours'.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Context as _, Result};
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use super::rules::Subnet;

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

/// Returns whether a host with these networks reaches anything by IPv6.
pub fn has_v6(attached: &[Subnet]) -> bool {
    attached.iter().any(|network| match network.address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => !address.is_loopback() && !Ipv6Addr::is_unicast_link_local(&address),
    })
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|address| address.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|address| address.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::{Subnet, attached, has_v6};

    #[test]
    fn the_loopback_is_one_of_them() {
        let networks = attached().unwrap();
        assert!(networks.contains(&Subnet { address: "127.0.0.1".parse().unwrap(), prefix: 8 }), "{networks:?}");
    }

    #[test]
    fn what_only_this_link_has_reaches_nothing() {
        let with = |address: &str| has_v6(&[Subnet { address: address.parse().unwrap(), prefix: 64 }]);
        assert!(!with("::1") && !with("fe80::1") && !with("192.0.2.1"));
        assert!(with("2001:db8::1") && with("fd00::1"));
    }
}

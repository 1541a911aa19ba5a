//! The addresses that a guest may reach: those of the outside.

use std::net::{IpAddr, Ipv4Addr};

use super::subnet::Subnet;

/// Networks of IPv4 that are never the outside.
const INSIDE_V4: [Subnet; 11] = [
    // Linux treats 0.0.0.0 as 127.0.0.1.
    Subnet::v4(0, 0, 0, 0, 8),
    Subnet::v4(10, 0, 0, 0, 8),
    Subnet::v4(100, 64, 0, 0, 10),
    Subnet::v4(127, 0, 0, 0, 8),
    // Metadata services of clouds are in this network and in the two networks below it.
    Subnet::v4(169, 254, 0, 0, 16),
    Subnet::v4(168, 63, 129, 16, 32),
    Subnet::v4(192, 0, 0, 0, 24),
    Subnet::v4(172, 16, 0, 0, 12),
    Subnet::v4(192, 168, 0, 0, 16),
    Subnet::v4(224, 0, 0, 0, 4),
    Subnet::v4(240, 0, 0, 0, 4),
];
/// The network of IPv6 that is the outside: all others are private, link-local, or stand for addresses of IPv4.
const OUTSIDE_V6: Subnet = Subnet::v6(0x2000, 0, 3);
/// Networks in [`OUTSIDE_V6`] whose addresses stand for addresses of IPv4: Teredo and 6to4.
const TUNNELS_V6: [Subnet; 2] = [Subnet::v6(0x2001, 0, 32), Subnet::v6(0x2002, 0, 16)];
/// The network in which a NAT64 translator offers all of IPv4 (RFC 6052).
const TRANSLATED: Subnet = Subnet::v6(0x64, 0xff9b, 96);

/// Returns true if an address is outside, for a host that is attached to these networks.
#[must_use]
pub fn is_outside(address: IpAddr, attached: &[Subnet]) -> bool {
    let is_in = |networks: &[Subnet]| networks.iter().any(|network| network.contains(address));
    let outside = match address {
        IpAddr::V4(_) => !is_in(&INSIDE_V4),
        IpAddr::V6(v6) if TRANSLATED.contains(address) => {
            let [.., a, b, c, d] = v6.octets();
            return is_outside(Ipv4Addr::new(a, b, c, d).into(), attached);
        }
        IpAddr::V6(_) => OUTSIDE_V6.contains(address) && !is_in(&TUNNELS_V6),
    };
    outside && !is_in(attached)
}

#[cfg(test)]
mod tests {
    use super::{Subnet, is_outside};

    /// Returns the networks of a host with a public address in both families and a peer.
    fn attached() -> Vec<Subnet> {
        [("203.0.113.66", 26), ("198.51.100.1", 32), ("2001:db8:7::66", 64)]
            .map(|(address, prefix)| Subnet { address: address.parse().unwrap(), prefix })
            .to_vec()
    }

    #[test]
    fn public_addresses_are_outside() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "203.0.113.63",
            "203.0.113.128",
            "198.51.100.2",
            "223.255.255.255",
            "2001:db8:8::1",
            "2606:4700::1111",
            "2a00::1",
            "64:ff9b::1.1.1.1",
        ] {
            assert!(is_outside(address.parse().unwrap(), &attached()), "{address}");
        }
    }

    #[test]
    fn the_host_and_its_neighbours_are_not_outside() {
        for address in [
            "0.0.0.0",
            "10.0.2.2",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "203.0.113.66",
            "203.0.113.65",
            "198.51.100.1",
            "224.0.0.251",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::203.0.113.66",
            "64:ff9b:1::1",
            "2001::1",
            "2002:7f00:1::1",
            "2001:db8:7::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::2",
            "ff02::1",
        ] {
            assert!(!is_outside(address.parse().unwrap(), &attached()), "{address}");
        }
    }
}

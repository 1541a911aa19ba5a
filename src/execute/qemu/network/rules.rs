//! The addresses that a guest may reach: those of the outside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network by one of its addresses and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// One of its addresses.
    pub address: IpAddr,
    /// Number of leading bits that all its addresses share.
    pub prefix: u32,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32) -> Subnet {
    Subnet { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6(first: u16, second: u16, prefix: u32) -> Subnet {
    Subnet { address: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), prefix }
}

/// The networks of IPv4 that aren't the outside, wherever the host is.
const INSIDE_V4: [Subnet; 11] = [
    // Linux takes 0.0.0.0 for 127.0.0.1.
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    // Clouds have their metadata in it, and in the two below that are named alone.
    v4(169, 254, 0, 0, 16),
    v4(168, 63, 129, 16, 32),
    v4(192, 0, 0, 0, 24),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];
/// The network of IPv6 that is the outside: all others are private, of one link, or stand for addresses of IPv4.
const OUTSIDE_V6: Subnet = v6(0x2000, 0, 3);
/// The networks in [`OUTSIDE_V6`] whose addresses stand for those of IPv4: Teredo and 6to4.
const TUNNELS_V6: [Subnet; 2] = [v6(0x2001, 0, 32), v6(0x2002, 0, 16)];
/// The network in which a translator of the host's own network offers all of IPv4 (RFC 6052).
const TRANSLATED: Subnet = v6(0x64, 0xff9b, 96);

impl Subnet {
    /// Returns whether an address is one of the network's.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs, bits) = match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        (ours ^ theirs).checked_shr(bits - self.prefix.min(bits)).unwrap_or(0) == 0
    }
}

/// Returns whether an address belongs to the outside, for a host that is attached to these networks.
#[must_use]
pub fn is_outside(address: IpAddr, attached: &[Subnet]) -> bool {
    let among = |networks: &[Subnet]| networks.iter().any(|network| network.contains(address));
    let outside = match address {
        IpAddr::V4(_) => !among(&INSIDE_V4),
        IpAddr::V6(v6) if TRANSLATED.contains(address) => {
            let [.., a, b, c, d] = v6.octets();
            return is_outside(Ipv4Addr::new(a, b, c, d).into(), attached);
        }
        IpAddr::V6(_) => OUTSIDE_V6.contains(address) && !among(&TUNNELS_V6),
    };
    outside && !among(attached)
}

#[cfg(test)]
mod tests {
    use super::{Subnet, is_outside};

    /// The networks of a host with a public address in both families, and a peer of its own.
    fn attached() -> Vec<Subnet> {
        [("203.0.113.66", 26), ("198.51.100.1", 32), ("2001:db8:7::66", 64)]
            .map(|(address, prefix)| Subnet { address: address.parse().unwrap(), prefix })
            .to_vec()
    }

    #[test]
    fn the_outside_is_reached() {
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
    fn neither_the_host_nor_its_neighbours_are() {
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

    #[test]
    fn a_network_of_no_bits_contains_all_of_its_family() {
        let all = |address: &str| Subnet { address: address.parse().unwrap(), prefix: 0 };
        assert!(all("1.2.3.4").contains("9.9.9.9".parse().unwrap()));
        assert!(all("::1").contains("ff::".parse().unwrap()));
        assert!(!all("::1").contains("9.9.9.9".parse().unwrap()));
    }
}

//! Networks by address and prefix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network, by one of its addresses and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// An address in the network.
    pub address: IpAddr,
    /// Number of leading bits that all addresses of the network share.
    pub prefix: u32,
}

impl Subnet {
    /// Returns true if the network contains the address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other, bits) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        (own ^ other).checked_shr(bits - self.prefix.min(bits)).unwrap_or(0) == 0
    }

    /// Returns a network of IPv4.
    pub const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32) -> Self {
        Self { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
    }

    /// Returns a network of IPv6 by the first two groups of its address; the others are zero.
    pub const fn v6(first: u16, second: u16, prefix: u32) -> Self {
        Self { address: IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), prefix }
    }
}

#[cfg(test)]
mod tests {
    use super::Subnet;

    #[test]
    fn a_network_without_a_prefix_contains_every_address_of_its_family() {
        let all = |address: &str| Subnet { address: address.parse().unwrap(), prefix: 0 };
        assert!(all("1.2.3.4").contains("9.9.9.9".parse().unwrap()));
        assert!(all("::1").contains("ff::".parse().unwrap()));
        assert!(!all("::1").contains("9.9.9.9".parse().unwrap()));
    }
}

//! Addresses of QEMU's user network.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Address of the router, which answers DHCP.
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
/// Address of the router in IPv6.
pub const ROUTER_V6: Ipv6Addr = Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 2);
/// Address at which the user network forwards DNS queries to the host's name server.
pub const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);

//! The filter of the frames that a guest sends: a pure function.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::outside::is_outside;
use super::refusal::{refuse_v4, refuse_v6};
use super::router::{NAME_SERVER, ROUTER};
use super::subnet::Subnet;

/// Length of an Ethernet header, in bytes: two addresses and a type.
const ETHERNET: usize = 14;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP_V6: u8 = 58;
const DHCP_PORT: u16 = 67;
const DNS_PORT: u16 = 53;
/// `ICMPv6` types of neighbour discovery, by which guest and router resolve each other's addresses (RFC 4861).
const NEIGHBOUR_DISCOVERY: std::ops::RangeInclusive<u8> = 133..=136;

/// The action on a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameAction {
    /// Forwards the frame.
    Pass,
    /// Drops the frame without an answer, since the guest waits for none.
    Drop,
    /// Drops the frame, and sends this answer to the guest.
    Refuse(Vec<u8>),
}

/// Returns the action on a frame of a guest, for a host that is attached to these networks.
#[must_use]
pub fn filter_frame(frame: &[u8], attached: &[Subnet]) -> FrameAction {
    let Some((ethernet, packet)) = frame.split_at_checked(ETHERNET) else { return FrameAction::Drop };
    match ethernet[12..] {
        // The user network answers ARP by itself.
        [0x08, 0x06] => FrameAction::Pass,
        [0x08, 0x00] => filter_v4(ethernet, packet, attached),
        [0x86, 0xdd] => filter_v6(ethernet, packet, attached),
        _ => FrameAction::Drop,
    }
}

fn filter_v4(ethernet: &[u8], packet: &[u8], attached: &[Subnet]) -> FrameAction {
    let Some(&[first, .., a, b, c, d]) = packet.first_chunk::<20>() else { return FrameAction::Drop };
    let header = usize::from(first & 0xf) * 4;
    if first >> 4 != 4 || header < 20 || packet.len() < header {
        return FrameAction::Drop;
    }
    let to = Ipv4Addr::new(a, b, c, d);
    // A fragment has no reliable port: neither the first one nor those after it.
    let whole = (packet[6] & 0x3f, packet[7]) == (0, 0);
    let port = packet[header..].first_chunk::<4>().filter(|_| whole).map(|&[_, _, high, low]| [high, low]);
    match (packet[9], port.map(u16::from_be_bytes)) {
        (UDP | TCP, Some(DNS_PORT)) if to == NAME_SERVER => FrameAction::Pass,
        (UDP, Some(DHCP_PORT)) if to == ROUTER || to.is_broadcast() => FrameAction::Pass,
        _ if is_outside(to.into(), attached) => FrameAction::Pass,
        _ if to.is_multicast() || to.is_broadcast() => FrameAction::Drop,
        _ => FrameAction::Refuse(refuse_v4(ethernet, packet, header)),
    }
}

fn filter_v6(ethernet: &[u8], packet: &[u8], attached: &[Subnet]) -> FrameAction {
    let Some(header) = packet.first_chunk::<40>().filter(|header| header[0] >> 4 == 6) else {
        return FrameAction::Drop;
    };
    let Some(&to) = header.last_chunk::<16>() else { return FrameAction::Drop };
    let to = Ipv6Addr::from(to);
    let kind = packet.get(40).filter(|_| header[6] == ICMP_V6);
    if kind.is_some_and(|kind| NEIGHBOUR_DISCOVERY.contains(kind)) || is_outside(IpAddr::V6(to), attached) {
        FrameAction::Pass
    } else if to.is_multicast() {
        FrameAction::Drop
    } else {
        FrameAction::Refuse(refuse_v6(ethernet, packet))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{ETHERNET, FrameAction, ICMP_V6, TCP, UDP, filter_frame};

    const GUEST: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];
    const OTHER: [u8; 6] = [0x52, 0x55, 10, 0, 2, 2];

    fn frame(kind: [u8; 2], packet: &[u8]) -> Vec<u8> {
        [&OTHER[..], &GUEST, &kind, packet].concat()
    }

    /// Returns a frame to a port of an address.
    fn packet(protocol: u8, to: &str, port: u16) -> Vec<u8> {
        let ports = [[0x90, 0], port.to_be_bytes()].concat();
        match to.parse().unwrap() {
            IpAddr::V4(to) => {
                let header = [0x45, 0, 0, 28, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 2, 15];
                frame([8, 0], &[&header[..], &to.octets(), &ports, &[0; 4]].concat())
            }
            IpAddr::V6(to) => {
                let header = [&[0x60, 0, 0, 0, 0, 8, protocol, 64, 0xfe, 0xc0][..], &[0; 13], &[9]].concat();
                frame([0x86, 0xdd], &[&header[..], &to.octets(), &ports, &[0; 4]].concat())
            }
        }
    }

    fn passes(frame: &[u8]) -> bool {
        filter_frame(frame, &[]) == FrameAction::Pass
    }

    fn answer(frame: &[u8]) -> Vec<u8> {
        match filter_frame(frame, &[]) {
            FrameAction::Refuse(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_frames_to_the_outside_and_to_its_services_pass() {
        for (protocol, to, port) in [
            (TCP, "1.1.1.1", 443),
            (UDP, "1.1.1.1", 443),
            (1, "1.1.1.1", 0),
            (UDP, "10.0.2.3", 53),
            (TCP, "10.0.2.3", 53),
            (UDP, "10.0.2.2", 67),
            (UDP, "255.255.255.255", 67),
            (TCP, "2606:4700::1", 443),
        ] {
            assert!(passes(&packet(protocol, to, port)), "{protocol} {to} {port}");
        }
        assert!(passes(&frame([8, 6], &[0; 28])));
        let mut solicitation = packet(ICMP_V6, "ff02::2", 0);
        solicitation[ETHERNET + 40] = 133;
        assert!(passes(&solicitation));
    }

    #[test]
    fn the_name_server_gets_dns_queries_only() {
        for (protocol, port) in [(TCP, 80), (UDP, 69), (1, 53)] {
            answer(&packet(protocol, "10.0.2.3", port));
        }
        // A later fragment may overwrite the port of the first one.
        let mut fragment = packet(UDP, "10.0.2.3", 53);
        fragment[ETHERNET + 6] = 0x20;
        answer(&fragment);
        // With IP options, the bytes at the usual offset aren't the port.
        let mut options = packet(UDP, "10.0.2.3", 53);
        options[ETHERNET] = 0x46;
        answer(&options);
    }

    #[test]
    fn multicast_and_invalid_frames_are_dropped() {
        let mut too_short = packet(TCP, "1.1.1.1", 443);
        too_short[ETHERNET] = 0x4f;
        let mut version = packet(TCP, "1.1.1.1", 443);
        version[ETHERNET] = 0x65;
        for frame in [
            packet(UDP, "224.0.0.251", 5353),
            packet(UDP, "255.255.255.255", 9),
            packet(UDP, "ff02::fb", 5353),
            frame([0x81, 0], &packet(TCP, "127.0.0.1", 80)),
            frame([0x86, 0xdd], &packet(TCP, "1.1.1.1", 443)[ETHERNET..]),
            too_short,
            version,
            frame([8, 0], &[0x45; 19]),
            frame([0x86, 0xdd], &[0x60; 39]),
            vec![0; 13],
            Vec::new(),
        ] {
            assert_eq!(filter_frame(&frame, &[]), FrameAction::Drop, "{frame:?}");
        }
    }

    #[test]
    fn a_refusal_returns_the_refused_packet_to_its_sender() {
        let refused = packet(TCP, "127.0.0.1", 80);
        let answer = self::answer(&refused);
        assert_eq!(answer[..ETHERNET], [&GUEST[..], &OTHER, &[8, 0]].concat());
        let (ip, message) = answer[ETHERNET..].split_at(20);
        assert_eq!((ip[9], &ip[12..20]), (1, &[10, 0, 2, 2, 10, 0, 2, 15][..]));
        assert_eq!(usize::from(u16::from_be_bytes([ip[2], ip[3]])), answer.len() - ETHERNET);
        assert_eq!((&message[..2], &message[8..]), (&[3, 13][..], &refused[ETHERNET..]));
        assert_eq!((sum(ip), sum(message)), (0xffff, 0xffff));

        let refused = packet(TCP, "fd00::1", 80);
        let answer = self::answer(&refused);
        let (ip, message) = answer[ETHERNET..].split_at(40);
        assert_eq!((ip[6], &ip[24..40]), (ICMP_V6, &refused[ETHERNET + 8..ETHERNET + 24]));
        assert_eq!((&message[..2], &message[8..]), (&[1, 1][..], &refused[ETHERNET..]));
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        assert_eq!(sum(&[&ip[8..40], &length, &[0, 0, 0, ICMP_V6], message].concat()), 0xffff);
    }

    /// Returns the sum of words in ones' complement, which is all ones if the checksum is right.
    fn sum(bytes: &[u8]) -> u32 {
        let sum: u32 = bytes.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
        (sum & 0xffff) + (sum >> 16)
    }

    proptest::proptest! {
        #[test]
        fn no_frame_reaches_the_loopback(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let mut inside = [&[0x45][..], &bytes].concat();
            inside.resize(inside.len().max(24), 0);
            inside[16..20].copy_from_slice(&[127, 0, 0, 1]);
            proptest::prop_assert!(!passes(&frame([8, 0], &inside)));
            proptest::prop_assert!(!passes(&bytes) || bytes.len() > ETHERNET);
        }
    }
}

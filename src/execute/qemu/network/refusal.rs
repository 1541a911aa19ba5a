//! The answer to a frame that is refused, so that the guest doesn't wait: "administratively prohibited", as a router with
//! such rules sends it (RFC 792, RFC 1812, RFC 4443).

use super::judge::{ROUTER, ROUTER_V6};

/// The most bytes of an IPv6 packet that its refusal repeats, so that it fits into what every link takes.
const REPEATED_V6: usize = 1280 - 40 - 8;

/// Returns the refusal of a packet of IPv4 whose header has so many bytes.
pub fn v4(ethernet: &[u8], packet: &[u8], header: usize) -> Vec<u8> {
    let repeated = &packet[..packet.len().min(header + 8)];
    let mut message = vec![3, 13, 0, 0, 0, 0, 0, 0];
    message.extend(repeated);
    let sum = checksum(&[&message]);
    message[2..4].copy_from_slice(&sum);

    let mut ip = vec![0x45, 0];
    ip.extend(length(20 + message.len()));
    ip.extend([0, 0, 0, 0, 64, 1, 0, 0]);
    ip.extend(ROUTER.octets());
    ip.extend(&packet[12..16]);
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum);
    [back(ethernet), ip, message].concat()
}

/// Returns the refusal of a packet of IPv6.
pub fn v6(ethernet: &[u8], packet: &[u8]) -> Vec<u8> {
    let repeated = &packet[..packet.len().min(REPEATED_V6)];
    let mut message = vec![1, 1, 0, 0, 0, 0, 0, 0];
    message.extend(repeated);
    let addresses = [&ROUTER_V6.octets(), &packet[8..24]].concat();
    let [high, low] = length(message.len());
    let sum = checksum(&[&addresses, &[0, 0, high, low, 0, 0, 0, 58], &message]);
    message[2..4].copy_from_slice(&sum);

    let ip = [&[0x60, 0, 0, 0, high, low, 58, 64], &addresses[..]].concat();
    [back(ethernet), ip, message].concat()
}

fn length(bytes: usize) -> [u8; 2] {
    // What a refusal repeats is bounded.
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

/// Returns the frame's header for its sender.
fn back(ethernet: &[u8]) -> Vec<u8> {
    let (to, rest) = ethernet.split_at(6);
    let (from, kind) = rest.split_at(6);
    [from, to, kind].concat()
}

/// Returns the internet checksum of parts, of which only the last may have an odd length (RFC 1071).
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [.., high, low] = (!sum).to_be_bytes();
    [high, low]
}

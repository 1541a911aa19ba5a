//! The answer to a refused frame, so that the guest doesn't wait: "administratively prohibited", as a filtering router
//! sends it (RFC 792, RFC 1812, RFC 4443).

use super::router::{ROUTER, ROUTER_V6};

/// Maximum of the bytes of an IPv6 packet that its refusal repeats, so that the refusal fits into the minimum MTU.
const MAX_REPEATED_V6: usize = 1280 - 40 - 8;

/// Returns the refusal of a packet of IPv4 whose header has `header` bytes.
pub fn refuse_v4(ethernet: &[u8], packet: &[u8], header: usize) -> Vec<u8> {
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
    [reply_header(ethernet), ip, message].concat()
}

/// Returns the refusal of a packet of IPv6.
pub fn refuse_v6(ethernet: &[u8], packet: &[u8]) -> Vec<u8> {
    let repeated = &packet[..packet.len().min(MAX_REPEATED_V6)];
    let mut message = vec![1, 1, 0, 0, 0, 0, 0, 0];
    message.extend(repeated);
    let addresses = [&ROUTER_V6.octets(), &packet[8..24]].concat();
    let [high, low] = length(message.len());
    let sum = checksum(&[&addresses, &[0, 0, high, low, 0, 0, 0, 58], &message]);
    message[2..4].copy_from_slice(&sum);

    let ip = [&[0x60, 0, 0, 0, high, low, 58, 64], &addresses[..]].concat();
    [reply_header(ethernet), ip, message].concat()
}

/// Returns a length in network byte order.
fn length(bytes: usize) -> [u8; 2] {
    // The length of a refusal is bounded.
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

/// Returns the header of an answer: the addresses are swapped.
fn reply_header(ethernet: &[u8]) -> Vec<u8> {
    let (to, rest) = ethernet.split_at(6);
    let (from, kind) = rest.split_at(6);
    [from, to, kind].concat()
}

/// Returns the internet checksum of parts (RFC 1071). Only the last part may have an odd length.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u32 = words.map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [.., high, low] = (!sum).to_be_bytes();
    [high, low]
}

//! Encodings of a value, as programs print them.

use std::fmt::Write as _;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns base64 of text in which a value begins `shift` bytes after a multiple of three: the characters that depend
/// on the value alone; and if the value ends the text, all characters to its end, without and with padding.
pub(super) fn base64(value: &[u8], shift: usize, is_url_safe: bool) -> [Vec<u8>; 3] {
    let alphabet = if is_url_safe { URL_SAFE } else { STANDARD };
    let bits = |index: usize| {
        let byte = |at: usize| at.checked_sub(shift).and_then(|at| value.get(at)).copied().unwrap_or_default();
        let pair = u16::from_be_bytes([byte(index * 6 / 8), byte(index * 6 / 8 + 1)]);
        usize::from(pair >> (10 - index * 6 % 8) & 63)
    };
    let end = shift + value.len();
    let (first, whole, all) = ((shift * 8).div_ceil(6), end * 8 / 6, (end * 8).div_ceil(6));
    let text = |last: usize| (first..last).map(|index| alphabet[bits(index)]).collect::<Vec<u8>>();
    let mut padded = text(all);
    padded.resize(all.next_multiple_of(4) - first, b'=');
    [text(whole), text(all), padded]
}

/// Returns a value in hexadecimal digits.
pub(super) fn hex(value: &[u8], is_upper: bool) -> Vec<u8> {
    let digits = if is_upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    value.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
}

/// Returns a value for a URL: letters, digits and the `plain` characters stay, a space becomes `space`, and any other
/// byte a percent sign with two digits.
pub(super) fn url(value: &[u8], plain: &[u8], space: &str, is_upper: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in value {
        match byte {
            b' ' => text.extend_from_slice(space.as_bytes()),
            byte if byte.is_ascii_alphanumeric() || plain.contains(byte) => text.push(*byte),
            byte => {
                text.push(b'%');
                text.extend(hex(&[*byte], is_upper));
            }
        }
    }
    text
}

/// Returns a value as the inside of a JSON string, in which also the `escaped` characters, and with `is_ascii` all
/// characters outside of ASCII, are escaped by their number.
pub(super) fn json(value: &str, escaped: &[char], is_ascii: bool) -> Vec<u8> {
    let mut text = String::new();
    for c in value.chars() {
        let short = match c {
            '"' => Some('"'),
            '\\' => Some('\\'),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            _ => None,
        };
        if let Some(short) = short {
            text.extend(['\\', short]);
        } else if c.is_ascii_control() || escaped.contains(&c) || is_ascii && !c.is_ascii() {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string doesn't fail.
                write!(text, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            text.push(c);
        }
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{base64, hex, json, url};

    #[test]
    fn encodings_are_those_of_other_programs() {
        let texts =
            |shift, is_url_safe| base64(b"secret?~", shift, is_url_safe).map(|text| String::from_utf8(text).unwrap());
        // printf 'secret?~' | base64, and with one or two bytes before.
        assert_eq!(texts(0, false), ["c2VjcmV0P3", "c2VjcmV0P34", "c2VjcmV0P34="]);
        assert_eq!(texts(1, false), ["NlY3JldD9+", "NlY3JldD9+", "NlY3JldD9+"]);
        assert_eq!(texts(2, true), ["zZWNyZXQ_f", "zZWNyZXQ_fg", "zZWNyZXQ_fg=="]);
        assert_eq!((hex(b"\x0f\xa0", false), hex(b"\x0f\xa0", true)), (b"0fa0".to_vec(), b"0FA0".to_vec()));
        assert_eq!(url(b"a /~\xff", b"~", "+", true), b"a+%2F~%FF");
        assert_eq!(json("a\"\n\u{1}<\u{e9}\u{1f511}", &['<'], true), br#"a\"\n\u0001\u003c\u00e9\ud83d\udd11"#);
    }
}

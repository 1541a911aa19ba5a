//! The forms in which output can show a value.

use std::collections::BTreeSet;

use super::encodings::{base64, hex, json, url};
use super::secret_value::{MIN_SECRET, without_line_breaks};

/// Lengths at which programs break lines of base64 (`base64`, `openssl`) and of hexadecimal digits (`xxd -p`).
const BASE64_LINES: [usize; 2] = [76, 64];
const HEX_LINE: usize = 60;
/// Characters that stay as they are in a URL: those of RFC 3986, `encodeURIComponent`, and Python's `quote`.
const PLAIN_IN_URL: [&[u8]; 3] = [b"-._~", b"-_.!~*'()", b"-._~/"];
/// Characters that some writers of JSON escape by their number: none, and those of Go.
const ESCAPED_IN_JSON: [&[char]; 2] = [&[], &['<', '>', '&', '\u{2028}', '\u{2029}']];

/// Returns all forms of a value, and of each of its lines, that are long enough to be masked.
pub(super) fn forms(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let whole = without_line_breaks(value);
    let mut forms = BTreeSet::new();
    add_forms(&mut forms, whole);
    if whole.contains(&b'\n') {
        let lines = whole.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        for line in lines.filter(|line| line.len() >= MIN_SECRET) {
            add_forms(&mut forms, line);
        }
    }
    forms.retain(|form| form.len() >= MIN_SECRET);
    forms
}

fn add_forms(forms: &mut BTreeSet<Vec<u8>>, value: &[u8]) {
    forms.insert(value.to_vec());
    for is_url_safe in [false, true] {
        for shift in 0..3 {
            forms.extend(base64(value, shift, is_url_safe));
        }
    }
    let [_, _, text] = base64(value, 0, false);
    for line in BASE64_LINES {
        add_lines(forms, &text, line);
    }
    for is_upper in [false, true] {
        let digits = hex(value, is_upper);
        add_lines(forms, &digits, HEX_LINE);
        forms.insert(digits);
        for (plain, space) in PLAIN_IN_URL.into_iter().flat_map(|plain| [(plain, "%20"), (plain, "+")]) {
            forms.insert(url(value, plain, space, is_upper));
        }
    }
    let Ok(text) = std::str::from_utf8(value) else { return };
    for escaped in ESCAPED_IN_JSON {
        for is_ascii in [false, true] {
            let escaped = json(text, escaped, is_ascii);
            // PHP escapes slashes too.
            forms.insert(String::from_utf8_lossy(&escaped).replace('/', "\\/").into_bytes());
            forms.insert(escaped);
        }
    }
    // A shell shows them in this way with `set -x`.
    for quote in [r"'\''", r#"'"'"'"#] {
        forms.insert(text.replace('\'', quote).into_bytes());
    }
}

fn add_lines(forms: &mut BTreeSet<Vec<u8>>, text: &[u8], length: usize) {
    if text.len() > length {
        forms.extend(text.chunks(length).map(<[u8]>::to_vec));
    }
}

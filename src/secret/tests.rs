//! The masking of a stream, compared with the masking of the whole text.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::forms::forms;
use super::secret_value::SecretFault;
use super::{SecretValue, Secrets};

fn secrets(values: &[(&str, &str)]) -> Secrets {
    let value = |value: &str| SecretValue::new(value.as_bytes().to_vec(), true).unwrap();
    Secrets::new(values.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect())
}

/// Masks a whole text: every place where a form begins, then the unions of these places.
fn mask_naively(values: &BTreeMap<String, Vec<u8>>, text: &[u8]) -> Vec<u8> {
    let mut places = Vec::new();
    for (name, value) in values {
        for form in forms(value) {
            let starts = (0..text.len()).filter(|start| text[*start..].starts_with(&form));
            places.extend(starts.map(|start| (start, std::cmp::Reverse(start + form.len()), name)));
        }
    }
    places.sort();
    let (mut masked, mut end) = (Vec::new(), 0);
    for (start, std::cmp::Reverse(place_end), name) in places {
        if start >= end {
            masked.extend_from_slice(&text[end..start]);
            masked.extend_from_slice(format!("***{name}***").as_bytes());
        }
        end = end.max(place_end);
    }
    masked.extend_from_slice(&text[end..]);
    masked
}

fn mask_in_pieces(secrets: &Secrets, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut stream = secrets.masks().stream().unwrap();
    let (mut masked, mut from) = (Vec::new(), 0);
    for cut in cuts.iter().map(|cut| cut % (text.len() + 1)).collect::<std::collections::BTreeSet<_>>() {
        masked.extend(stream.push(&text[from..cut]));
        from = cut;
    }
    masked.extend(stream.push(&text[from..]));
    masked.extend(stream.end());
    masked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // Few letters make values overlap with themselves, with each other and with their encodings.
    #[test]
    fn a_stream_is_masked_like_the_whole_text(
        values in prop::collection::vec("[ab\n]{0,3}[ab]{6,9}", 1..4),
        noise in prop::collection::vec(("[ab]{0,9}", 0..4_usize, 0..60_usize), 0..12),
        cuts in prop::collection::vec(0..1000_usize, 0..20),
    ) {
        let values: BTreeMap<String, Vec<u8>> =
            values.into_iter().enumerate().map(|(number, value)| (format!("S{number}"), value.into_bytes())).collect();
        let secrets = Secrets::new(
            values.iter().map(|(name, value)| (name.clone(), SecretValue::new(value.clone(), true).unwrap())).collect(),
        );
        let mut text = Vec::new();
        for (letters, value, form) in noise {
            text.extend_from_slice(letters.as_bytes());
            if let Some(value) = values.values().nth(value) {
                text.extend(forms(value).iter().cycle().nth(form).unwrap());
            }
        }
        let masked = mask_in_pieces(&secrets, &text, &cuts);
        let expected = mask_naively(&values, &text);
        prop_assert_eq!(String::from_utf8_lossy(&masked), String::from_utf8_lossy(&expected));
    }
}

#[test]
fn only_the_beginning_of_a_form_is_held_back() {
    let secrets = secrets(&[("TOKEN", "hunter2!"), ("LONG", "hunter2!-and-more")]);
    let mut stream = secrets.masks().stream().unwrap();
    let mut push = |piece: &str| String::from_utf8(stream.push(piece.as_bytes())).unwrap();
    assert_eq!(push("50% of hunt"), "50% of ");
    assert_eq!(push("ing\nhunter2"), "hunting\n");
    // Until the next byte decides which secret it is.
    assert_eq!(push("!"), "");
    assert_eq!(push(" "), "***TOKEN*** ");
    assert_eq!(push("hunter2!-and-more"), "***LONG***");
    assert_eq!(push("hunter2!-and-mo"), "");
    assert_eq!(stream.end(), b"***TOKEN***-and-mo");
}

#[test]
fn an_overlap_is_one_marker_and_offsets_follow() {
    let secrets = secrets(&[("A", "abcabc"), ("B", "bcaXYZ")]);
    for (text, expected) in [
        ("abcabcabc.", "***A***."),
        ("abcabcaXYZ.", "***A***."),
        ("abcabcabcabcab", "***A***ab"),
        ("bcaXYZabcabc", "***B******A***"),
        ("abcab", "abcab"),
    ] {
        assert_eq!(secrets.masks().apply(text), expected, "{text}");
    }
    let mut stream = secrets.masks().stream().unwrap();
    let text = "1234abcabcabc567bcaXYZ8";
    let output = String::from_utf8([stream.push(text.as_bytes()), stream.end()].concat()).unwrap();
    assert_eq!(output, "1234***A***567***B***8");
    let places = [(0, 0), (4, 4), (13, 11), (16, 14), (22, 21), (23, 22), (8, 8), (12, 11)];
    assert_eq!(places.map(|(place, _)| (place, stream.offsets().place_in_output(place))), places);
}

#[test]
fn every_form_of_a_secret_with_several_lines_is_masked() {
    let secrets = secrets(&[("KEY", "first \"line\"\r\nsecond/line\n")]);
    for text in [
        "second/line",
        "  first \"line\"",
        r#"{"key":"first \"line\"\r\nsecond/line\n"}"#,
        r#"first \"line\""#,
        "first%20%22line%22%0D%0Asecond%2Fline",
        "second%2fline",
        "ICBzZWNvbmQvbGluZQ==",
        "7365636f6e642f6c696e65",
        "7365636F6E642F6C696E65",
    ] {
        let masked = secrets.masks().apply(text);
        assert!(masked.contains("***KEY***") && !masked.contains("line"), "{text}: {masked}");
    }
}

#[test]
fn a_value_has_limits_and_no_line_break_at_its_end() {
    let value = |text: &[u8], as_file| SecretValue::new(text.to_vec(), as_file).map(|value| value.bytes().to_vec());
    assert_eq!(value(b"123456\r\n\n", false), Ok(b"123456".to_vec()));
    assert_eq!(value(b"123456\n", true), Ok(b"123456\n".to_vec()));
    assert_eq!(value(b"12345\n", true), Err(SecretFault::Short(5)));
    assert_eq!(value(b"", false), Err(SecretFault::Short(0)));
    assert_eq!(value(b"123\x00456", false), Err(SecretFault::Nul));
    assert_eq!(value(b"123\xff456", false), Err(SecretFault::NotUtf8));
    assert_eq!(value(b"\xff\x00\x01\x02\x03\x04", true), Ok(b"\xff\x00\x01\x02\x03\x04".to_vec()));
    assert_eq!(value(&b"x".repeat(64 * 1024 + 1), true), Err(SecretFault::Long));
    let debug = format!("{:?}", secrets(&[("TOKEN", "hunter2!")]));
    assert!(debug.contains("TOKEN") && !debug.contains("hunter"), "{debug}");
}

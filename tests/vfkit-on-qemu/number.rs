//! Numbers and truth values, parsed like the functions of Go's `strconv` that vfkit uses, with their error messages.

use std::ops::RangeInclusive;

const SYNTAX: &str = "invalid syntax";
const RANGE: &str = "value out of range";

/// Parses like `ParseUint` with base 0: a prefix names the base, and underscores may separate digits.
pub fn with_base(text: &str) -> Result<u64, String> {
    let fail = |problem| message("ParseUint", text, problem);
    let lower = text.to_ascii_lowercase();
    let (base, prefixed, digits) = match lower.as_bytes() {
        [b'0', b'x', _, ..] => (16, true, &lower[2..]),
        [b'0', b'o', _, ..] => (8, true, &lower[2..]),
        [b'0', b'b', _, ..] => (2, true, &lower[2..]),
        [b'0', _, ..] => (8, false, &*lower),
        _ => (10, false, &*lower),
    };
    // An underscore is between digits, or between a prefix and a digit.
    let groups: Vec<&str> = digits.split('_').collect();
    let empty = groups.iter().enumerate().any(|(at, group)| group.is_empty() && (at > 0 || !prefixed));
    let digits = groups.concat();
    if digits.is_empty() || empty || !digits.chars().all(|c| c.is_digit(base)) {
        return Err(fail(SYNTAX));
    }
    u64::from_str_radix(&digits, base).map_err(|_| fail(RANGE))
}

/// Parses like `ParseUint` with base 10 and 32 bits.
pub fn unsigned_32(text: &str) -> Result<u32, String> {
    let number = decimal("ParseUint", text, false, 0..=i128::from(u32::MAX))?;
    u32::try_from(number).map_err(|_| message("ParseUint", text, RANGE))
}

/// Parses like `ParseInt` with base 10 and 32 bits.
pub fn signed_32(text: &str) -> Result<i64, String> {
    decimal("ParseInt", text, true, i128::from(i32::MIN)..=i128::from(i32::MAX))
}

/// Parses like `Atoi`.
pub fn signed(text: &str) -> Result<i64, String> {
    decimal("Atoi", text, true, i128::from(i64::MIN)..=i128::from(i64::MAX))
}

fn decimal(function: &str, text: &str, sign: bool, range: RangeInclusive<i128>) -> Result<i64, String> {
    let digits = if sign { text.strip_prefix(['+', '-']).unwrap_or(text) } else { text };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(message(function, text, SYNTAX));
    }
    let number = text.parse::<i128>().ok().filter(|number| range.contains(number));
    number.and_then(|number| i64::try_from(number).ok()).ok_or_else(|| message(function, text, RANGE))
}

/// Parses like `ParseBool`.
pub fn truth(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(message("ParseBool", text, SYNTAX)),
    }
}

fn message(function: &str, text: &str, problem: &str) -> String {
    format!("strconv.{function}: parsing {text:?}: {problem}")
}

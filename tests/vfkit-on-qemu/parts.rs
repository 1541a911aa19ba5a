//! The splitting of a value into its parts, and of a part into key and value, as in vfkit.

/// A key and its value, which may be empty.
pub type Part<'a> = (&'a str, &'a str);

/// Splits the value of `--bootloader` or `--cloud-init`: double quotes protect commas, and those around a whole part
/// are dropped.
pub fn quoted(text: &str) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let mut within = false;
    for c in text.chars() {
        within ^= c == '"';
        match parts.last_mut() {
            Some(part) if c != ',' || within => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    if within {
        return Err("mismatched \"".to_owned());
    }
    let parts: Vec<String> = parts.iter().map(|part| trim_quotes(part).to_owned()).collect();
    // A single empty part counts as none; an empty part among others counts.
    Ok(if parts == [""] { Vec::new() } else { parts })
}

/// Drops all quotes at both ends of a text, if there is at least one at each end.
pub fn trim_quotes(text: &str) -> &str {
    if text.starts_with('"') && text.ends_with('"') { text.trim_matches('"') } else { text }
}

/// Splits parts into keys and values, without the empty parts.
pub fn pairs<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<Part<'a>> {
    let pair = |part: &'a str| part.split_once('=').unwrap_or((part, ""));
    parts.into_iter().filter(|part| !part.is_empty()).map(pair).collect()
}

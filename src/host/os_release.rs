//! Parses `/etc/os-release`. Pure.

use crate::facts::OsRelease;

/// Parses the file; `None` when it has no `ID`.
pub(super) fn parse(text: &str) -> Option<OsRelease> {
    let value = |key: &str| {
        let line = text.lines().rev().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        line.map(unquote)
    };
    let id = value("ID").filter(|id| !id.is_empty())?;
    let pretty_name = value("PRETTY_NAME").or_else(|| value("NAME")).unwrap_or_else(|| id.clone());
    Some(OsRelease { version_id: value("VERSION_ID").unwrap_or_default(), pretty_name, id })
}

fn unquote(value: &str) -> String {
    if let Some(literal) = value.strip_prefix('\'') {
        return literal.trim_end_matches('\'').to_owned();
    }
    let mut text = String::new();
    let mut chars = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value).chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn values_are_quoted_as_in_a_shell() {
        let text = "PRETTY_NAME=\"A \\\"quoted\\\" \\$name\"\n# ID=comment\nVERSION_ID='12'\nID=debian\nID_LIKE=x\n";
        let parsed = parse(text).unwrap();
        assert_eq!(
            (parsed.id.as_str(), parsed.version_id.as_str(), parsed.pretty_name.as_str()),
            ("debian", "12", "A \"quoted\" $name")
        );
    }

    #[test]
    fn only_the_id_is_required() {
        assert_eq!(parse("NAME=x\n"), None);
        assert_eq!(parse("ID=\n"), None);
        let bare = parse("ID=arch").unwrap();
        assert_eq!((bare.version_id.as_str(), bare.pretty_name.as_str()), ("", "arch"));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed(text in "(ID|NAME|VERSION_ID|=|\"|'|\\\\|\n|é| )*") {
            let _: Option<_> = parse(&text);
        }
    }
}

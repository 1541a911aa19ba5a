//! The settings of Nix in a project's flake, where they are literals: a runner flake repeats them.

use rnix::SyntaxKind::{
    TOKEN_COMMENT, TOKEN_IDENT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_L_BRACE, TOKEN_L_BRACK, TOKEN_L_PAREN,
    TOKEN_R_BRACE, TOKEN_R_BRACK, TOKEN_R_PAREN, TOKEN_SEMICOLON, TOKEN_WHITESPACE,
};
use serde_json::Value;

use crate::config;

/// A setting of Nix: its name, and its value as in nix.conf.
pub(super) type Setting = (String, String);

/// The longest flake.nix in which settings are looked for, in bytes.
const LONGEST: usize = 64 << 10;
/// The longest run of a path's characters: rnix's lexer reads to its end at each token in it.
const LONGEST_RUN: usize = 4 << 10;

/// Returns the settings in `nixConfig` of a flake.nix. Nix refuses a flake in which one of them isn't a literal; such a
/// flake has none here. Nothing else of the file is parsed, since a project may have written it to do harm.
pub(super) fn nix_config(flake: &str) -> Vec<Setting> {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || "/_.+-".contains(c);
    if flake.len() > LONGEST || flake.split(|c| !is_of_path(c)).any(|run| run.len() > LONGEST_RUN) {
        return Vec::new();
    }
    let evaluated = config::evaluate("flake.nix", &format!("{{ {} }}", bindings(flake))).unwrap_or_default();
    let settings = evaluated["nixConfig"].as_object().into_iter().flatten();
    settings.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

/// Returns the text of the bindings of `nixConfig` in the set that a file is.
fn bindings(flake: &str) -> String {
    let (mut text, mut start, mut depth, mut before) = (String::new(), 0, 0_usize, TOKEN_SEMICOLON);
    let mut binding = None;
    for (kind, token) in rnix::tokenize(flake) {
        let end = start + token.len();
        match kind {
            TOKEN_WHITESPACE | TOKEN_COMMENT => {}
            TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START => depth += 1,
            TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END => depth = depth.saturating_sub(1),
            TOKEN_SEMICOLON if depth == 1 => text.extend(binding.take().map(|binding: usize| &flake[binding..end])),
            TOKEN_IDENT if depth == 1 && token == "nixConfig" && [TOKEN_SEMICOLON, TOKEN_L_BRACE].contains(&before) => {
                binding = Some(start);
            }
            // A function or something else that isn't a set.
            _ if depth == 0 => return text,
            _ => {}
        }
        if kind != TOKEN_WHITESPACE && kind != TOKEN_COMMENT {
            before = kind;
        }
        start = end;
    }
    text
}

/// Returns a value as nix.conf has it: the texts of a list with spaces between them.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) => Some(items.iter().map(text).collect::<Option<Vec<_>>>()?.join(" ")),
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::nix_config;

    fn settings(flake: &str) -> Vec<String> {
        nix_config(flake).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn literals_are_settings_however_they_are_written() {
        let flake = r#"{
          outputs = _: { };
          nixConfig = {
            extra-substituters = [ "https://a" ("https://b") ];
            "extra-trusted-public-keys" = "a:k=\"1\"";
            sandbox = true;
            cores = 2;
            note = ''
              x
            '';
          };
          nixConfig.max-jobs = (3);
        }"#;
        assert_eq!(
            settings(flake),
            [
                "cores=2",
                "extra-substituters=https://a https://b",
                "extra-trusted-public-keys=a:k=\"1\"",
                "max-jobs=3",
                "note=x\n",
                "sandbox=true",
            ]
        );
    }

    #[test]
    fn no_file_takes_more_stack_or_time_than_a_short_one() {
        for (begin, deep, end) in [
            ("{ x = ", "[", "1; }"),
            ("{ x = ", "-", "1; }"),
            ("{ x = ", "a++", "1; }"),
            ("{ x = ", "a.", "a; }"),
            ("{ x = ", "${", "1; }"),
            ("", "{ x = ", "1; }"),
            ("", "(", "{ }"),
            ("{ nixConfig = ", "[", "1; }"),
            ("{ nixConfig.a = ", "-", "1; }"),
            ("{ nixConfig.", "a.", "a = 1; }"),
            ("{ nixConfig = ", "{ a = ", "1; }"),
            ("{ nixConfig.a = ", "a ", "; }"),
            ("{ nixConfig.a = ", "\"a\" ", "; }"),
            ("{ nixConfig.a = ", "[]", "; }"),
            ("{ nixConfig.a = ", "(", "1; }"),
            ("{ nixConfig = [ ", "\"a\" ", "]; }"),
        ] {
            for count in [1_000, 10_000, 300_000] {
                assert_eq!(settings(&format!("{begin}{}{end}", deep.repeat(count))), [""; 0], "{begin}{deep}");
            }
        }
        let long = format!("{{ nixConfig.a = [ {}]; }}", "\"b\" ".repeat(5_000));
        assert_eq!(settings(&long)[0].len(), "a=".len() + 5_000 * 2 - 1);
    }

    #[test]
    fn what_nix_would_have_to_evaluate_is_none() {
        for flake in [
            "{",
            "_: { nixConfig.a = \"b\"; }",
            "{ outputs = { nixConfig.a = \"b\"; }; }",
            "{ nixConfig = import ./x; }",
            "{ nixConfig.a = \"${b}\"; nixConfig.${a} = \"b\"; nixConfig.c = [ d ]; nixConfig.e = null; }",
            "{ nixConfig = { a.b = \"c\"; inherit d; }; }",
        ] {
            assert_eq!(settings(flake), [""; 0], "{flake}");
        }
    }
}

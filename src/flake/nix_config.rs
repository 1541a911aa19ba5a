//! The literal settings of Nix in a project's flake, which a runner flake repeats.

use rnix::SyntaxKind::{
    TOKEN_COMMENT, TOKEN_IDENT, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START, TOKEN_L_BRACE, TOKEN_L_BRACK, TOKEN_L_PAREN,
    TOKEN_R_BRACE, TOKEN_R_BRACK, TOKEN_R_PAREN, TOKEN_SEMICOLON, TOKEN_WHITESPACE,
};
use serde_json::Value;

use crate::config;

/// A setting of Nix: its name, and its value as in nix.conf.
pub(super) type NixSetting = (String, String);

/// Limit on a flake.nix that is parsed, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// Limit on a run of path characters: rnix's lexer reads to the end of the run at each token in it.
const MAX_RUN: usize = 4 << 10;

/// Returns the settings in `nixConfig` of a flake.nix. Nix refuses a flake with a setting that isn't a literal; this
/// function returns no settings for it. It parses nothing else of the file, since a project may be hostile.
pub(super) fn parse_nix_config(flake: &str) -> Vec<NixSetting> {
    let is_path_character = |c: char| c.is_ascii_alphanumeric() || "/_.+-".contains(c);
    if flake.len() > MAX_BYTES || flake.split(|c| !is_path_character(c)).any(|run| run.len() > MAX_RUN) {
        return Vec::new();
    }
    let evaluated = config::evaluate("flake.nix", &format!("{{ {} }}", bindings(flake))).unwrap_or_default();
    let settings = evaluated["nixConfig"].as_object().into_iter().flatten();
    settings.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

/// Returns the text of the `nixConfig` bindings in a file that is a set.
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
            // The file isn't a set; for instance it is a function.
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

/// Returns a value in the syntax of nix.conf; a list has spaces between its elements.
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
    use super::parse_nix_config;

    fn settings(flake: &str) -> Vec<String> {
        parse_nix_config(flake).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn literals_in_every_spelling_are_settings() {
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
    fn hostile_files_take_little_stack_and_time() {
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
    fn values_that_nix_would_have_to_evaluate_are_no_settings() {
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

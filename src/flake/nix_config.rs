//! The settings of Nix in a project's flake, where they are literals: a runner flake repeats them.

use rnix::Root;
use rnix::SyntaxKind::{
    self, TOKEN_ASSIGN, TOKEN_COMMENT, TOKEN_DOT, TOKEN_IDENT, TOKEN_INTEGER, TOKEN_INTERPOL_END, TOKEN_INTERPOL_START,
    TOKEN_L_BRACE, TOKEN_L_BRACK, TOKEN_L_PAREN, TOKEN_R_BRACE, TOKEN_R_BRACK, TOKEN_R_PAREN, TOKEN_SEMICOLON,
    TOKEN_STRING_CONTENT, TOKEN_STRING_END, TOKEN_STRING_START, TOKEN_URI, TOKEN_WHITESPACE,
};
use rnix::ast::{
    AstToken as _, Attr, AttrSet, Attrpath, Entry, Expr, HasEntry as _, Ident, InterpolPart, LiteralKind, Str,
};

/// A setting of Nix: its name, and its value as in nix.conf.
pub(super) type Setting = (String, String);

/// The longest flake.nix in which settings are looked for, in bytes.
const LONGEST: usize = 64 << 10;
/// The longest run of a path's characters: rnix's lexer reads to its end at each token in it.
const LONGEST_RUN: usize = 4 << 10;
/// How deep brackets of settings may be nested: rnix's recursion has no bound of its own.
const DEEPEST: usize = 8;

/// Returns the settings in `nixConfig` of a flake.nix, from the bindings of it that are nothing but literals. The file is
/// a project's: nothing else of it is parsed.
pub(super) fn nix_config(flake: &str) -> Vec<Setting> {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || "/_.+-".contains(c);
    if flake.len() > LONGEST || flake.split(|c| !is_of_path(c)).any(|run| run.len() > LONGEST_RUN) {
        return Vec::new();
    }
    let text = format!("{{ {} }}", literal_bindings(flake));
    let Some(Expr::AttrSet(set)) = Root::parse(&text).tree().expr() else { return Vec::new() };
    bindings(&set).into_iter().flat_map(|(path, value)| settings(&path, value)).collect()
}

/// Returns the bindings of `nixConfig` at the top of a file in which no token is more than a literal takes.
fn literal_bindings(flake: &str) -> String {
    let mut found = String::new();
    let (mut start, mut open, mut before) = (0, Vec::new(), TOKEN_SEMICOLON);
    // The beginning of a binding that is literal so far.
    let mut binding = None;
    for (kind, token) in rnix::tokenize(flake) {
        let end = start + token.len();
        if kind != TOKEN_WHITESPACE && kind != TOKEN_COMMENT {
            // Outside of a list, a value after another one is a call.
            let is_call = open.last() != Some(&TOKEN_L_BRACK) && ends_value(before) && begins_value(kind);
            let at_start = open.len() == 1 && [TOKEN_SEMICOLON, TOKEN_L_BRACE].contains(&before);
            if kind == TOKEN_IDENT && at_start && token == "nixConfig" {
                binding = Some(start);
            } else if is_call || open.len() > DEEPEST || !is_literal(kind) {
                binding = None;
            }
            match kind {
                TOKEN_L_BRACE | TOKEN_L_BRACK | TOKEN_L_PAREN | TOKEN_INTERPOL_START => open.push(kind),
                TOKEN_R_BRACE | TOKEN_R_BRACK | TOKEN_R_PAREN | TOKEN_INTERPOL_END => drop(open.pop()),
                TOKEN_SEMICOLON if open.len() == 1 => {
                    found.extend(binding.take().map(|binding: usize| &flake[binding..end]));
                }
                // A function or something else that isn't a set.
                _ if open.is_empty() => return found,
                _ => {}
            }
            before = kind;
        }
        start = end;
    }
    found
}

fn begins_value(kind: SyntaxKind) -> bool {
    let first =
        [TOKEN_IDENT, TOKEN_INTEGER, TOKEN_URI, TOKEN_STRING_START, TOKEN_L_BRACE, TOKEN_L_BRACK, TOKEN_L_PAREN];
    first.contains(&kind)
}

fn ends_value(kind: SyntaxKind) -> bool {
    let last = [TOKEN_IDENT, TOKEN_INTEGER, TOKEN_URI, TOKEN_STRING_END, TOKEN_R_BRACE, TOKEN_R_BRACK, TOKEN_R_PAREN];
    last.contains(&kind)
}

fn is_literal(kind: SyntaxKind) -> bool {
    let others = [TOKEN_ASSIGN, TOKEN_DOT, TOKEN_SEMICOLON, TOKEN_STRING_CONTENT];
    begins_value(kind) || ends_value(kind) || others.contains(&kind)
}

/// Returns the settings of one binding: all of `nixConfig = { … }`, or one of `nixConfig.NAME = …`.
fn settings(path: &[String], value: Expr) -> Vec<Setting> {
    match (path, value) {
        ([first], Expr::AttrSet(set)) if first == "nixConfig" => {
            let bindings = bindings(&set).into_iter();
            bindings
                .filter_map(|(path, value)| <[String; 1]>::try_from(path).ok().zip(text(value)))
                .map(|([name], value)| (name, value))
                .collect()
        }
        ([first, name], value) if first == "nixConfig" => {
            text(value).map(|value| (name.clone(), value)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the bindings of a set whose names are literals, with the names of their paths.
fn bindings(set: &AttrSet) -> Vec<(Vec<String>, Expr)> {
    let binding = |entry| match entry {
        Entry::AttrpathValue(binding) => Some((names(&binding.attrpath()?)?, without_parentheses(binding.value()?))),
        Entry::Inherit(_) => None,
    };
    set.entries().filter_map(binding).collect()
}

fn names(path: &Attrpath) -> Option<Vec<String>> {
    let name = |attr| match attr {
        Attr::Ident(ident) => Some(word(&ident)?),
        Attr::Str(string) => literal(&string),
        Attr::Dynamic(_) => None,
    };
    path.attrs().map(name).collect()
}

/// Returns a literal as nix.conf has it: the texts of a list with spaces between them.
fn text(value: Expr) -> Option<String> {
    match value {
        Expr::Str(string) => literal(&string),
        Expr::Literal(number) => match number.kind() {
            LiteralKind::Integer(number) => Some(number.syntax().text().to_owned()),
            LiteralKind::Uri(address) => Some(address.syntax().text().to_owned()),
            LiteralKind::Float(_) => None,
        },
        Expr::Ident(ident) => word(&ident).filter(|word| word == "true" || word == "false"),
        Expr::List(list) => {
            let items: Option<Vec<String>> = list.items().map(|item| text(without_parentheses(item))).collect();
            Some(items?.join(" "))
        }
        _ => None,
    }
}

fn word(ident: &Ident) -> Option<String> {
    Some(ident.ident_token()?.text().to_owned())
}

fn literal(string: &Str) -> Option<String> {
    let parts = string.normalized_parts().into_iter();
    let text = |part| match part {
        InterpolPart::Literal(text) => Some(text),
        InterpolPart::Interpolation(_) => None,
    };
    parts.map(text).collect()
}

fn without_parentheses(expr: Expr) -> Expr {
    match expr {
        Expr::Paren(paren) => paren.expr().map_or(Expr::Paren(paren), without_parentheses),
        other => other,
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
            extra-substituters = [ "https://a" (https://b) ];
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
                "extra-substituters=https://a https://b",
                "extra-trusted-public-keys=a:k=\"1\"",
                "sandbox=true",
                "cores=2",
                "note=x\n",
                "max-jobs=3",
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

//! The settings of Nix in a project's flake, where they are literals: a runner flake repeats them.

use rnix::Root;
use rnix::ast::{
    AstToken as _, Attr, AttrSet, Attrpath, Entry, Expr, HasEntry as _, Ident, InterpolPart, LiteralKind, Str,
};

/// A setting of Nix: its name, and its value as in nix.conf.
pub(super) type Setting = (String, String);

/// Returns the settings in `nixConfig` of a flake.nix, without those that aren't literals.
pub(super) fn nix_config(flake: &str) -> Vec<Setting> {
    let Some(Expr::AttrSet(flake)) = Root::parse(flake).tree().expr().map(without_parentheses) else {
        return Vec::new();
    };
    bindings(&flake).into_iter().flat_map(|(path, value)| settings(&path, value)).collect()
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

//! Check that every variable is defined. As in Nix it covers the whole text, not only the evaluated parts.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Name};
use super::unsupported;
use crate::config::nearest;
use crate::config::problem::{ByteRange, MAX_DIAGNOSTICS, Problem, quoted};

/// Names that Nix defines and pikaci doesn't, apart from those that start with two underscores.
const BUILTINS: [&str; 20] = [
    "abort",
    "baseNameOf",
    "break",
    "builtins",
    "derivation",
    "derivationStrict",
    "dirOf",
    "fetchGit",
    "fetchMercurial",
    "fetchTarball",
    "fetchTree",
    "fromTOML",
    "import",
    "isNull",
    "map",
    "placeholder",
    "removeAttrs",
    "scopedImport",
    "throw",
    "toString",
];

/// Refuses undefined variables.
pub(super) fn check(expr: &Expr) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    check_expr(expr, None, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Names of a `rec` set or a `let`, and the enclosing scope.
#[derive(Clone, Copy)]
struct Scope<'a> {
    names: &'a BTreeMap<Rc<str>, Binding>,
    outer: Option<&'a Scope<'a>>,
}

fn check_expr(expr: &Expr, scope: Option<&Scope>, problems: &mut Vec<Problem>) {
    match &expr.kind {
        ExprKind::Int(_) | ExprKind::Str(_) => {}
        ExprKind::Var(name) => check_name(name, &expr.at, scope, problems),
        ExprKind::Interpolated(parts) | ExprKind::List(parts) => {
            for part in parts {
                check_expr(part, scope, problems);
            }
        }
        ExprKind::Attrs(bindings) => check_bindings(bindings, None, scope, problems),
        ExprKind::Let(bindings, body) => check_bindings(bindings, Some(body), scope, problems),
        ExprKind::Negate(operand) => check_expr(operand, scope, problems),
        ExprKind::Binary(_, operands) => {
            check_expr(&operands.0, scope, problems);
            check_expr(&operands.1, scope, problems);
        }
        ExprKind::Select(select) => {
            check_expr(&select.set, scope, problems);
            for name in &select.path {
                if let Name::Dynamic(name) = name {
                    check_expr(name, scope, problems);
                }
            }
            if let Some(default) = &select.default {
                check_expr(default, scope, problems);
            }
        }
    }
}

fn check_bindings(bindings: &Bindings, body: Option<&Expr>, scope: Option<&Scope>, problems: &mut Vec<Problem>) {
    let own = Scope { names: &bindings.attrs, outer: scope };
    let inner = if bindings.recursive { Some(&own) } else { scope };
    for (name, binding) in &bindings.attrs {
        match &binding.value {
            Bound::Plain(value) => check_expr(value, inner, problems),
            Bound::Inherited => check_name(name, &binding.name_at, scope, problems),
            Bound::InheritedFrom(_) => {}
        }
        if bindings.recursive && body.is_none() && &**name == "__overrides" {
            problems.push(unsupported::overrides(&binding.name_at));
        }
    }
    for source in &bindings.sources {
        check_expr(source, inner, problems);
    }
    for (name, value) in &bindings.dynamic {
        check_expr(name, inner, problems);
        check_expr(value, inner, problems);
    }
    if let Some(body) = body {
        check_expr(body, inner, problems);
    }
}

fn check_name(name: &str, at: &ByteRange, scope: Option<&Scope>, problems: &mut Vec<Problem>) {
    let scopes = || std::iter::successors(scope, |scope| scope.outer);
    if matches!(name, "true" | "false" | "null") || scopes().any(|scope| scope.names.contains_key(name)) {
        return;
    }
    if name.starts_with("__") || BUILTINS.contains(&name) {
        problems.push(unsupported::builtin(at, name));
        return;
    }
    let constants = ["true", "false", "null"];
    let names = scopes().flat_map(|scope| scope.names.keys().map(|name| &**name)).chain(constants);
    let hint = match Some(names).filter(|_| problems.len() < MAX_DIAGNOSTICS).and_then(|names| nearest(name, names)) {
        Some(suggestion) => format!("did you mean {}?", quoted(suggestion)),
        None => "define it with `let … in`, or put it in double quotes to write a string".to_owned(),
    };
    problems.push(Problem::new(at, format!("undefined variable {}", quoted(name)), hint));
}

//! Check that every variable is defined. As in Nix it covers the whole text, not only the evaluated parts.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::builtin_names;
use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Name, Select};
use super::unsupported;
use crate::config::nearest;
use crate::config::problem::{ByteRange, MAX_DIAGNOSTICS, Problem, ProblemKind, quoted};

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

/// Names that a scope defines.
#[derive(Clone, Copy)]
enum Names<'a> {
    /// Names of a `rec` set or a `let`.
    Bindings(&'a BTreeMap<Rc<str>, Binding>),
    /// Parameter of a function.
    Parameter(&'a Rc<str>),
    /// Any names: those of a `with`.
    Any,
}

impl<'a> Names<'a> {
    fn define(&self, name: &str) -> bool {
        match self {
            Self::Bindings(names) => names.contains_key(name),
            Self::Parameter(parameter) => &***parameter == name,
            Self::Any => false,
        }
    }

    fn list(&self) -> Vec<&'a str> {
        match self {
            Self::Bindings(names) => names.keys().map(|name| &**name).collect(),
            Self::Parameter(parameter) => vec![parameter],
            Self::Any => Vec::new(),
        }
    }
}

/// Names of a scope, and the enclosing scope.
#[derive(Clone, Copy)]
struct Scope<'a> {
    names: Names<'a>,
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
        ExprKind::Negate(operand) | ExprKind::Not(operand) => check_expr(operand, scope, problems),
        ExprKind::If(parts) => {
            for part in parts.iter() {
                check_expr(part, scope, problems);
            }
        }
        ExprKind::With(parts) => {
            check_expr(&parts.0, scope, problems);
            check_expr(&parts.1, Some(&Scope { names: Names::Any, outer: scope }), problems);
        }
        ExprKind::Has(parts) => {
            check_expr(&parts.0, scope, problems);
            check_path(&parts.1, scope, problems);
        }
        ExprKind::Binary(_, operands) | ExprKind::Assert(operands) | ExprKind::Apply(operands) => {
            check_expr(&operands.0, scope, problems);
            check_expr(&operands.1, scope, problems);
        }
        ExprKind::Lambda(lambda) => {
            let own = Scope { names: Names::Parameter(&lambda.parameter), outer: scope };
            check_expr(&lambda.body, Some(&own), problems);
        }
        ExprKind::Select(select) => {
            if !is_supported_builtin(select, scope) {
                check_expr(&select.set, scope, problems);
            }
            check_path(&select.path, scope, problems);
            if let Some(default) = &select.default {
                check_expr(default, scope, problems);
            }
        }
    }
}

/// Returns whether an expression is a function of Nix that pikaci has: `builtins.name`.
fn is_supported_builtin(select: &Select, scope: Option<&Scope>) -> bool {
    let ExprKind::Var(name) = &select.set.kind else { return false };
    let is_defined = std::iter::successors(scope, |scope| scope.outer).any(|scope| scope.names.define(name));
    let function = match select.path.first() {
        Some(Name::Static(name, _)) => builtin_names::builtin(name),
        _ => None,
    };
    &**name == "builtins" && !is_defined && function.is_some()
}

fn check_path(path: &[Name], scope: Option<&Scope>, problems: &mut Vec<Problem>) {
    for name in path {
        if let Name::Dynamic(name) = name {
            check_expr(name, scope, problems);
        }
    }
}

fn check_bindings(bindings: &Bindings, body: Option<&Expr>, scope: Option<&Scope>, problems: &mut Vec<Problem>) {
    let own = Scope { names: Names::Bindings(&bindings.attrs), outer: scope };
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
    let is_defined = scopes().any(|scope| scope.names.define(name));
    if is_defined || matches!(name, "true" | "false" | "null") || builtin_names::global(name).is_some() {
        return;
    }
    if name.starts_with("__") || BUILTINS.contains(&name) {
        problems.push(unsupported::builtin(at, name));
        return;
    }
    if scopes().any(|scope| matches!(scope.names, Names::Any)) {
        return;
    }
    let constants = ["true", "false", "null"];
    let names = scopes().flat_map(|scope| scope.names.list()).chain(constants);
    let hint = match Some(names).filter(|_| problems.len() < MAX_DIAGNOSTICS).and_then(|names| nearest(name, names)) {
        Some(suggestion) => format!("did you mean {}?", quoted(suggestion)),
        None => "define it with `let … in`, or put it in double quotes to write a string".to_owned(),
    };
    let problem = Problem::new(at, format!("undefined variable {}", quoted(name)), hint);
    problems.push(problem.of_kind(ProblemKind::Undefined));
}

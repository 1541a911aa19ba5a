//! Translation of rnix's syntax tree to expressions of the static subset.

use std::rc::Rc;

use rnix::ast::{self, AstToken as _, BinOpKind, HasEntry, InterpolPart, LiteralKind, UnaryOpKind};
use rowan::ast::AstNode as _;

use super::bind;
use super::expr::{Binding, Bindings, Bound, Expr, ExprKind, Lambda, Name, Operator, Select};
use super::literal::{self, Part};
use super::parse::byte_range;
use super::unsupported;
use crate::config::problem::{ByteRange, MAX_DIAGNOSTICS, Problem, quoted};

/// Translates the syntax tree of a file; reports all unsupported forms.
pub(super) fn lower(text: &str, tree: ast::Expr) -> Result<Expr, Vec<Problem>> {
    let mut lowering = Lowering { text, problems: Vec::new() };
    let expr = lowering.expr(tree);
    if lowering.problems.is_empty() { Ok(expr) } else { Err(lowering.problems) }
}

struct Lowering<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Lowering<'_> {
    /// Records a problem and returns a placeholder that is never evaluated.
    fn refuse(&mut self, problem: Problem) -> ExprKind {
        self.problems.push(problem);
        ExprKind::Int(0)
    }

    fn expr(&mut self, tree: ast::Expr) -> Expr {
        let at = byte_range(tree.syntax().text_range());
        let kind = match tree {
            ast::Expr::Paren(paren) => return self.optional(paren.expr(), &at),
            ast::Expr::Literal(literal) => self.literal(&literal, &at),
            ast::Expr::Str(string) => self.string(&string, &at),
            ast::Expr::Ident(name) => ExprKind::Var(name.to_string().into()),
            ast::Expr::CurPos(_) => self.refuse(unsupported::builtin(&at, "__curPos")),
            ast::Expr::List(list) => ExprKind::List(list.items().map(|item| self.expr(item)).collect()),
            ast::Expr::AttrSet(set) => {
                let mut bindings = self.bindings(&set);
                bindings.recursive = set.rec_token().is_some();
                ExprKind::Attrs(bindings)
            }
            ast::Expr::LetIn(expr) => self.let_in(&expr, &at),
            ast::Expr::Select(select) => self.select(&select, &at),
            ast::Expr::IfElse(expr) => self.if_else(&expr, &at),
            ast::Expr::With(expr) => ExprKind::With(self.pair(expr.namespace(), expr.body(), &at)),
            ast::Expr::Assert(expr) => ExprKind::Assert(self.pair(expr.condition(), expr.body(), &at)),
            ast::Expr::Lambda(expr) => self.lambda(&expr, &at),
            ast::Expr::Apply(expr) => self.apply(&expr, &at),
            ast::Expr::HasAttr(expr) => self.has_attr(&expr, &at),
            ast::Expr::UnaryOp(operation) => self.unary(&operation, &at),
            ast::Expr::BinOp(operation) => self.binary(&operation, &at),
            // The scan refuses all other forms.
            _ => self.refuse(unsupported::call("", &at)),
        };
        Expr { at, kind }
    }

    /// Translates a part of an expression; the part can be missing only after a syntax error.
    fn optional(&mut self, tree: Option<ast::Expr>, at: &ByteRange) -> Expr {
        if let Some(tree) = tree {
            return self.expr(tree);
        }
        let kind = self.refuse(Problem::new(at, "syntax error: an expression is missing", "write one"));
        Expr { at: at.clone(), kind }
    }

    fn literal(&mut self, literal: &ast::Literal, at: &ByteRange) -> ExprKind {
        match literal.kind() {
            LiteralKind::Integer(number) => number.value().map_or_else(
                |_| {
                    let hint = format!("write at most {}", i64::MAX);
                    self.refuse(Problem::new(at, "the number is too large", hint))
                },
                ExprKind::Int,
            ),
            LiteralKind::Float(_) => self.refuse(unsupported::float(at)),
            LiteralKind::Uri(_) => self.refuse(unsupported::uri(at)),
        }
    }

    fn string(&mut self, string: &ast::Str, at: &ByteRange) -> ExprKind {
        let mut parts = self.parts(string).into_iter();
        match (parts.next(), parts.next()) {
            (None, _) => ExprKind::Str("".into()),
            (Some(Part::Text(text)), None) => ExprKind::Str(text.into()),
            (first, second) => {
                let expr = |part| match part {
                    Part::Text(text) => Expr { at: at.clone(), kind: ExprKind::Str(text.into()) },
                    Part::Interpolation(expr) => expr,
                };
                ExprKind::Interpolated(first.into_iter().chain(second).chain(parts).map(expr).collect())
            }
        }
    }

    fn parts(&mut self, string: &ast::Str) -> Vec<Part<Expr>> {
        let indented = is_indented(string);
        let part = |part: InterpolPart<ast::StrContent>| match part {
            InterpolPart::Literal(content) if indented => Part::Text(content.syntax().text().to_owned()),
            InterpolPart::Literal(content) => Part::Text(literal::unescape(content.syntax().text())),
            InterpolPart::Interpolation(hole) => {
                let at = byte_range(hole.syntax().text_range());
                Part::Interpolation(self.optional(hole.expr(), &at))
            }
        };
        let parts = string.parts().map(part).collect();
        if indented { literal::strip_indentation(parts) } else { parts }
    }

    fn let_in(&mut self, expr: &ast::LetIn, at: &ByteRange) -> ExprKind {
        let mut bindings = self.bindings(expr);
        bindings.recursive = true;
        for (name, _) in &bindings.dynamic {
            let message = "a name in `let` can't be computed";
            self.problems.push(Problem::new(&name.at, message, "write the name as a plain word"));
        }
        ExprKind::Let(bindings, Box::new(self.optional(expr.body(), at)))
    }

    fn if_else(&mut self, expr: &ast::IfElse, at: &ByteRange) -> ExprKind {
        let condition = self.optional(expr.condition(), at);
        let then = self.optional(expr.body(), at);
        ExprKind::If(Box::new([condition, then, self.optional(expr.else_body(), at)]))
    }

    fn pair(&mut self, first: Option<ast::Expr>, second: Option<ast::Expr>, at: &ByteRange) -> Box<(Expr, Expr)> {
        let first = self.optional(first, at);
        Box::new((first, self.optional(second, at)))
    }

    fn lambda(&mut self, expr: &ast::Lambda, at: &ByteRange) -> ExprKind {
        let parameter = match expr.param() {
            Some(ast::Param::IdentParam(parameter)) => parameter.ident(),
            _ => None,
        };
        let Some(parameter) = parameter else { return self.refuse(unsupported::function(at)) };
        let parameter_at = byte_range(parameter.syntax().text_range());
        let body = self.optional(expr.body(), at);
        ExprKind::Lambda(Box::new(Lambda { parameter: parameter.to_string().into(), parameter_at, body }))
    }

    fn apply(&mut self, expr: &ast::Apply, at: &ByteRange) -> ExprKind {
        // `value or value` without a dot, which Nix reads as a function call.
        if matches!(expr.argument(), Some(ast::Expr::Ident(name)) if name.to_string() == "or") {
            return self.refuse(unsupported::call("", at));
        }
        ExprKind::Apply(self.pair(expr.lambda(), expr.argument(), at))
    }

    fn has_attr(&mut self, expr: &ast::HasAttr, at: &ByteRange) -> ExprKind {
        let path = expr.attrpath().map(|path| self.path(&path)).unwrap_or_default();
        ExprKind::Has(Box::new((self.optional(expr.expr(), at), path)))
    }

    fn select(&mut self, select: &ast::Select, at: &ByteRange) -> ExprKind {
        let set = self.optional(select.expr(), at);
        let path = select.attrpath().map(|path| self.path(&path)).unwrap_or_default();
        let default = select.default_expr().map(|default| self.expr(default));
        ExprKind::Select(Box::new(Select { set, path, default }))
    }

    fn unary(&mut self, operation: &ast::UnaryOp, at: &ByteRange) -> ExprKind {
        let operand = Box::new(self.optional(operation.expr(), at));
        match operation.operator() {
            Some(UnaryOpKind::Negate) => ExprKind::Negate(operand),
            _ => ExprKind::Not(operand),
        }
    }

    fn binary(&mut self, operation: &ast::BinOp, at: &ByteRange) -> ExprKind {
        let operator = match operation.operator() {
            Some(BinOpKind::Update) => Operator::Update,
            Some(BinOpKind::Concat) => Operator::Concat,
            Some(BinOpKind::Add) => Operator::Add,
            Some(BinOpKind::Sub) => Operator::Subtract,
            Some(BinOpKind::Mul) => Operator::Multiply,
            Some(BinOpKind::Div) => Operator::Divide,
            Some(BinOpKind::Equal) => Operator::Equal,
            Some(BinOpKind::NotEqual) => Operator::NotEqual,
            Some(BinOpKind::Less) => Operator::Less,
            Some(BinOpKind::LessOrEq) => Operator::LessOrEqual,
            Some(BinOpKind::More) => Operator::More,
            Some(BinOpKind::MoreOrEq) => Operator::MoreOrEqual,
            Some(BinOpKind::And) => Operator::And,
            Some(BinOpKind::Or) => Operator::Or,
            Some(BinOpKind::Implication) => Operator::Implies,
            _ => return self.refuse(unsupported::operator(at, "|>")),
        };
        ExprKind::Binary(operator, self.pair(operation.lhs(), operation.rhs(), at))
    }

    fn bindings(&mut self, set: &impl HasEntry) -> Bindings {
        let mut bindings = Bindings::default();
        for entry in set.entries() {
            if self.problems.len() > MAX_DIAGNOSTICS {
                break;
            }
            match entry {
                ast::Entry::Inherit(inherit) => self.inherit(&mut bindings, &inherit),
                ast::Entry::AttrpathValue(entry) => {
                    let at = byte_range(entry.syntax().text_range());
                    let path = entry.attrpath().map(|path| self.path(&path)).unwrap_or_default();
                    let value = self.optional(entry.value(), &at);
                    let bound = bind::bind(self.text, &mut bindings, path, value);
                    self.problems.extend(bound.err());
                }
            }
        }
        bindings
    }

    fn inherit(&mut self, bindings: &mut Bindings, inherit: &ast::Inherit) {
        let source = inherit.from().map(|from| {
            let at = byte_range(from.syntax().text_range());
            bindings.sources.push(self.optional(from.expr(), &at));
            bindings.sources.len() - 1
        });
        for attr in inherit.attrs() {
            match self.name(attr) {
                Name::Static(name, at) => {
                    let value = source.map_or(Bound::Inherited, Bound::InheritedFrom);
                    // Unlike a set, an inherited attribute is never merged.
                    let bound = bind::add(self.text, bindings, name, Binding { name_at: at, value });
                    self.problems.extend(bound.err());
                }
                Name::Dynamic(name) => {
                    let message = "a name in `inherit` can't be computed";
                    self.problems.push(Problem::new(&name.at, message, "write the name as a plain word"));
                }
            }
        }
    }

    fn path(&mut self, path: &ast::Attrpath) -> Vec<Name> {
        path.attrs().map(|attr| self.name(attr)).collect()
    }

    fn name(&mut self, attr: ast::Attr) -> Name {
        let at = byte_range(attr.syntax().text_range());
        let expr = match attr {
            ast::Attr::Ident(name) => return Name::Static(name.to_string().into(), at),
            ast::Attr::Dynamic(hole) => self.optional(hole.expr(), &at),
            ast::Attr::Str(string) => {
                if is_indented(&string) {
                    let message = format!("the name {} is in two single quotes", quoted(&string.to_string()));
                    self.problems.push(Problem::new(&at, message, "put it in double quotes"));
                }
                Expr { kind: self.string(&string, &at), at: at.clone() }
            }
        };
        match expr.kind {
            ExprKind::Str(name) => Name::Static(Rc::clone(&name), at),
            _ => Name::Dynamic(expr),
        }
    }
}

fn is_indented(string: &ast::Str) -> bool {
    string.syntax().first_token().is_some_and(|token| token.text() == "''")
}

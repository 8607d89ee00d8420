//! Expressions back to source, for annotations that are kept as strings (PEP 563).

use rspy_code::{Constant, Text, TextBuilder};
use rspy_syntax::ast::{
    self, Arg, Arguments, BoolOp, CmpOp, Comprehension, Expr, ExprKind, Keyword, Operator, UnaryOp,
};

use crate::codegen::constant_value;
use crate::representation;

/// How tightly an expression binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Comparison,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Sum,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

use Precedence::{
    And, Atom, Await, BitAnd, BitOr, BitXor, Comparison, Factor, Not, Or, Power, Shift, Sum, Term, Test,
    Tuple,
};

impl Precedence {
    const ALL: [Self; 16] = [
        Tuple, Test, Or, And, Not, Comparison, BitOr, BitXor, BitAnd, Shift, Sum, Term, Factor, Power, Await,
        Atom,
    ];

    fn tighter(self) -> Self {
        Self::ALL.get(self as usize + 1).copied().unwrap_or(Atom)
    }
}

/// The source of an expression.
pub fn expression(expression: &Expr) -> Text {
    source(expression, Test)
}

fn source(expression: &Expr, level: Precedence) -> Text {
    let mut writer = Writer { text: TextBuilder::new() };
    writer.expression(expression, level);
    writer.text.finish()
}

struct Writer {
    text: TextBuilder,
}

impl Writer {
    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn write_if(&mut self, condition: bool, text: &str) {
        if condition {
            self.write(text);
        }
    }

    /// Writes something in parentheses if it binds less tightly than wanted.
    fn grouped(&mut self, level: Precedence, own: Precedence, write: impl FnOnce(&mut Self)) {
        self.write_if(level > own, "(");
        write(self);
        self.write_if(level > own, ")");
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            self.write_if(index > 0, ", ");
            write(self, item);
        }
    }

    fn expression(&mut self, expression: &Expr, level: Precedence) {
        match &expression.kind {
            ExprKind::BoolOp { op, values } => {
                let (operator, own) = if *op == BoolOp::And { (" and ", And) } else { (" or ", Or) };
                self.grouped(level, own, |writer| {
                    for (index, value) in values.iter().enumerate() {
                        writer.write_if(index > 0, operator);
                        writer.expression(value, own.tighter());
                    }
                });
            }
            ExprKind::BinOp { left, op, right } => self.binary(left, *op, right, level),
            ExprKind::UnaryOp { op, operand } => {
                let (operator, own) = match op {
                    UnaryOp::Invert => ("~", Factor),
                    UnaryOp::Not => ("not ", Not),
                    UnaryOp::UAdd => ("+", Factor),
                    UnaryOp::USub => ("-", Factor),
                };
                self.grouped(level, own, |writer| {
                    writer.write(operator);
                    writer.expression(operand, own);
                });
            }
            ExprKind::Lambda { args, body } => self.grouped(level, Test, |writer| {
                let has_positional = !args.args.is_empty() || !args.posonlyargs.is_empty();
                writer.write(if has_positional { "lambda " } else { "lambda" });
                writer.arguments(args);
                writer.write(": ");
                writer.expression(body, Test);
            }),
            ExprKind::IfExp { test, body, orelse } => self.grouped(level, Test, |writer| {
                writer.expression(body, Test.tighter());
                writer.write(" if ");
                writer.expression(test, Test.tighter());
                writer.write(" else ");
                writer.expression(orelse, Test);
            }),
            ExprKind::Dict { keys, values } => {
                self.write("{");
                for (index, (key, value)) in keys.iter().zip(values).enumerate() {
                    self.write_if(index > 0, ", ");
                    if let Some(key) = key {
                        self.expression(key, Test);
                        self.write(": ");
                        self.expression(value, Test);
                    } else {
                        self.write("**");
                        self.expression(value, BitOr);
                    }
                }
                self.write("}");
            }
            ExprKind::Set { elts } => self.enclosed("{", elts, "}"),
            ExprKind::List { elts, .. } => self.enclosed("[", elts, "]"),
            ExprKind::Tuple { elts, .. } if elts.is_empty() => self.write("()"),
            ExprKind::Tuple { elts, .. } => self.grouped(level, Tuple, |writer| {
                writer.list(elts, |writer, element| writer.expression(element, Test));
                writer.write_if(elts.len() == 1, ",");
            }),
            ExprKind::GeneratorExp { elt, generators } => self.comprehension("(", elt, None, generators, ")"),
            ExprKind::ListComp { elt, generators } => self.comprehension("[", elt, None, generators, "]"),
            ExprKind::SetComp { elt, generators } => self.comprehension("{", elt, None, generators, "}"),
            ExprKind::DictComp { key, value, generators } => {
                self.comprehension("{", key, Some(value), generators, "}");
            }
            ExprKind::Yield { value: None } => self.write("(yield)"),
            ExprKind::Yield { value: Some(value) } => {
                self.write("(yield ");
                self.expression(value, Test);
                self.write(")");
            }
            ExprKind::YieldFrom { value } => {
                self.write("(yield from ");
                self.expression(value, Test);
                self.write(")");
            }
            ExprKind::Await { value } => self.grouped(level, Await, |writer| {
                writer.write("await ");
                writer.expression(value, Atom);
            }),
            ExprKind::Compare { left, ops, comparators } => self.grouped(level, Comparison, |writer| {
                writer.expression(left, Comparison.tighter());
                for (op, comparator) in ops.iter().zip(comparators) {
                    writer.write(comparison(*op));
                    writer.expression(comparator, Comparison.tighter());
                }
            }),
            ExprKind::Call { func, args, keywords } => self.call(func, args, keywords),
            ExprKind::Constant { value: ast::Constant::Ellipsis, .. } => self.write("..."),
            ExprKind::Constant { value, kind } => {
                if let Some(kind) = kind {
                    self.text.push_text(kind);
                }
                self.write(&constant(&constant_value(value)));
            }
            ExprKind::JoinedStr { values } => self.quoted("f", values),
            ExprKind::TemplateStr { values } => self.template(values),
            ExprKind::FormattedValue { .. } | ExprKind::Interpolation { .. } => self.field(expression),
            ExprKind::Attribute { value, attr, .. } => {
                self.expression(value, Atom);
                let is_integer = matches!(
                    value.kind,
                    ExprKind::Constant { value: ast::Constant::Int(_) | ast::Constant::BigInt(_), .. }
                );
                self.write(if is_integer { " ." } else { "." });
                self.write(attr);
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.expression(value, Atom);
                self.write("[");
                self.expression(slice, Tuple);
                self.write("]");
            }
            ExprKind::Starred { value, .. } => {
                self.write("*");
                self.expression(value, BitOr);
            }
            ExprKind::Slice { lower, upper, step } => {
                if let Some(lower) = lower {
                    self.expression(lower, Test);
                }
                self.write(":");
                if let Some(upper) = upper {
                    self.expression(upper, Test);
                }
                if let Some(step) = step {
                    self.write(":");
                    self.expression(step, Test);
                }
            }
            ExprKind::Name { id, .. } => self.write(id),
            ExprKind::NamedExpr { target, value } => self.grouped(level, Tuple, |writer| {
                writer.expression(target, Atom);
                writer.write(" := ");
                writer.expression(value, Atom);
            }),
        }
    }

    fn enclosed(&mut self, open: &str, elements: &[Expr], close: &str) {
        self.write(open);
        self.list(elements, |writer, element| writer.expression(element, Test));
        self.write(close);
    }

    fn binary(&mut self, left: &Expr, op: Operator, right: &Expr, level: Precedence) {
        let (operator, own) = match op {
            Operator::Add => (" + ", Sum),
            Operator::Sub => (" - ", Sum),
            Operator::Mult => (" * ", Term),
            Operator::MatMult => (" @ ", Term),
            Operator::Div => (" / ", Term),
            Operator::Mod => (" % ", Term),
            Operator::LShift => (" << ", Shift),
            Operator::RShift => (" >> ", Shift),
            Operator::BitOr => (" | ", BitOr),
            Operator::BitXor => (" ^ ", BitXor),
            Operator::BitAnd => (" & ", BitAnd),
            Operator::FloorDiv => (" // ", Term),
            Operator::Pow => (" ** ", Power),
        };
        let (left_level, right_level) =
            if op == Operator::Pow { (own.tighter(), own) } else { (own, own.tighter()) };
        self.grouped(level, own, |writer| {
            writer.expression(left, left_level);
            writer.write(operator);
            writer.expression(right, right_level);
        });
    }

    fn argument(&mut self, argument: &Arg) {
        self.write(&argument.arg);
        if let Some(annotation) = &argument.annotation {
            self.write(": ");
            self.expression(annotation, Test);
        }
    }

    fn default(&mut self, default: Option<&Expr>) {
        if let Some(default) = default {
            self.write("=");
            self.expression(default, Test);
        }
    }

    fn arguments(&mut self, arguments: &Arguments) {
        let positional_only = arguments.posonlyargs.len();
        let positional = positional_only + arguments.args.len();
        let without_default = positional.saturating_sub(arguments.defaults.len());
        let mut is_first = true;
        let mut separate = |writer: &mut Self| {
            writer.write_if(!is_first, ", ");
            is_first = false;
        };
        for (index, argument) in arguments.posonlyargs.iter().chain(&arguments.args).enumerate() {
            separate(self);
            self.argument(argument);
            let default = index.checked_sub(without_default).and_then(|index| arguments.defaults.get(index));
            self.default(default);
            self.write_if(index + 1 == positional_only, ", /");
        }
        if arguments.vararg.is_some() || !arguments.kwonlyargs.is_empty() {
            separate(self);
            self.write("*");
            if let Some(argument) = &arguments.vararg {
                self.argument(argument);
            }
        }
        for (argument, default) in arguments.kwonlyargs.iter().zip(&arguments.kw_defaults) {
            separate(self);
            self.argument(argument);
            self.default(default.as_ref());
        }
        if let Some(argument) = &arguments.kwarg {
            separate(self);
            self.write("**");
            self.argument(argument);
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        element: &Expr,
        value: Option<&Expr>,
        clauses: &[Comprehension],
        close: &str,
    ) {
        self.write(open);
        self.expression(element, Test);
        if let Some(value) = value {
            self.write(": ");
            self.expression(value, Test);
        }
        for clause in clauses {
            self.write(if clause.is_async != 0 { " async for " } else { " for " });
            self.expression(&clause.target, Tuple);
            self.write(" in ");
            self.expression(&clause.iter, Test.tighter());
            for condition in &clause.ifs {
                self.write(" if ");
                self.expression(condition, Test.tighter());
            }
        }
        self.write(close);
    }

    fn call(&mut self, function: &Expr, arguments: &[Expr], keywords: &[Keyword]) {
        self.expression(function, Atom);
        if let ([single @ Expr { kind: ExprKind::GeneratorExp { .. }, .. }], []) = (arguments, keywords) {
            return self.expression(single, Test);
        }
        self.write("(");
        self.list(arguments, |writer, argument| writer.expression(argument, Test));
        self.write_if(!arguments.is_empty() && !keywords.is_empty(), ", ");
        self.list(keywords, |writer, keyword| {
            match &keyword.arg {
                Some(name) => {
                    writer.write(name);
                    writer.write("=");
                }
                None => writer.write("**"),
            }
            writer.expression(&keyword.value, Test);
        });
        self.write(")");
    }

    /// The inside of an f-string or t-string, without quotes.
    fn body(&mut self, values: &[Expr]) {
        for value in values {
            self.element(value);
        }
    }

    fn element(&mut self, element: &Expr) {
        match &element.kind {
            ExprKind::Constant { value: ast::Constant::Str(text), .. } => {
                for point in text.chars() {
                    self.text.push(point);
                    if point == u32::from('{') || point == u32::from('}') {
                        self.text.push(point);
                    }
                }
            }
            // Only a format specification is a string inside a string.
            ExprKind::JoinedStr { values } => self.body(values),
            ExprKind::TemplateStr { values } => self.template(values),
            _ => self.field(element),
        }
    }

    fn quoted(&mut self, prefix: &str, values: &[Expr]) {
        let mut body = Writer { text: TextBuilder::new() };
        body.body(values);
        self.write(prefix);
        self.write(&representation::text(&body.text.finish()));
    }

    /// A t-string; f-strings that were joined to it are written apart.
    fn template(&mut self, values: &[Expr]) {
        if values.is_empty() {
            return self.quoted("t", values);
        }
        let is_formatted = |value: &Expr| matches!(value.kind, ExprKind::FormattedValue { .. });
        let mut start = 0;
        for (index, value) in values.iter().enumerate() {
            if !is_formatted(value) {
                continue;
            }
            if index > start {
                self.quoted("t", &values[start..index]);
                self.write(" ");
            }
            self.quoted("f", &values[index..=index]);
            self.write_if(index + 1 < values.len(), " ");
            start = index + 1;
        }
        if start < values.len() {
            self.quoted("t", &values[start..]);
        }
    }

    /// A replacement field.
    fn field(&mut self, field: &Expr) {
        let (text, conversion, specification) = match &field.kind {
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                (source(value, Test.tighter()), *conversion, format_spec)
            }
            ExprKind::Interpolation { str, conversion, format_spec, .. } => {
                let text = match str {
                    ast::Constant::Str(text) => text.clone(),
                    _ => Text::default(),
                };
                (text, *conversion, format_spec)
            }
            _ => return self.expression(field, Test),
        };
        let starts_with_brace = text.as_bytes().first() == Some(&b'{');
        self.write(if starts_with_brace { "{ " } else { "{" });
        self.text.push_text(&text);
        if let Some(letter) = u32::try_from(conversion).ok().and_then(char::from_u32) {
            self.write("!");
            self.text.push(letter.into());
        }
        if let Some(specification) = specification {
            self.write(":");
            self.element(specification);
        }
        self.write("}");
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

/// A constant as source: infinity has no name of its own.
fn constant(value: &Constant) -> String {
    let shown = representation::constant(value);
    match value {
        Constant::Float(value) if value.is_infinite() => shown.replace("inf", "1e309"),
        Constant::Complex { .. } => shown.replace("inf", "1e309"),
        _ => shown,
    }
}

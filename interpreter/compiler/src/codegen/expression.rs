//! Expressions: each kind in brief, or where it is generated.

use rspy_code::operation::{Binary, Resume, UnaryIntrinsic};
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{self, Expr, ExprContext, ExprKind, Operator, UnaryOp};

use super::Generator;
use super::unit::UnitKind;
use crate::error::Result;
use crate::names;
use crate::op::Op;
use crate::percent_format;
use crate::symtable::location;

impl<'a> Generator<'a> {
    pub(super) fn expressions(&mut self, expressions: &'a [Expr]) -> Result<()> {
        expressions.iter().try_for_each(|expression| self.expression(expression))
    }

    pub(super) fn expression(&mut self, expression: &'a Expr) -> Result<()> {
        self.depth.enter()?;
        self.any_expression(expression)?;
        self.depth.leave();
        Ok(())
    }

    fn any_expression(&mut self, expression: &'a Expr) -> Result<()> {
        let place = location(expression.span);
        match &expression.kind {
            ExprKind::NamedExpr { target, value } => {
                self.expression(value)?;
                self.emit_argument(Op::COPY, 1, place);
                self.expression(target)
            }
            ExprKind::BoolOp { op, values } => self.boolean(*op, values, place),
            ExprKind::BinOp { left, op, right } => self.binary(left, *op, right, place),
            ExprKind::UnaryOp { op, operand } => {
                self.expression(operand)?;
                self.unary_operation(*op, place);
                Ok(())
            }
            ExprKind::Lambda { args, body } => self.lambda(expression, args, body),
            ExprKind::IfExp { test, body, orelse } => self.conditional_expression(test, body, orelse, place),
            ExprKind::Dict { keys, values } => self.dict(keys, values, place),
            ExprKind::Set { elts } => self.set(elts, place),
            ExprKind::GeneratorExp { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::DictComp { .. } => self.comprehension(expression),
            ExprKind::Yield { value } => self.yield_expression(value.as_deref(), place),
            ExprKind::YieldFrom { value } => {
                if !self.scope().is_function_like() {
                    return self.fail(place, "'yield from' outside function");
                }
                if self.unit().kind == UnitKind::AsyncFunction {
                    return self.fail(place, "'yield from' inside async function");
                }
                self.expression(value)?;
                self.emit(Op::GET_YIELD_FROM_ITER, place);
                self.load_constant(Constant::None, place);
                self.yield_from(false, place);
                Ok(())
            }
            ExprKind::Await { value } => {
                self.expression(value)?;
                self.await_result(0, place);
                Ok(())
            }
            ExprKind::Compare { left, ops, comparators } => self.compare(expression, left, ops, comparators),
            ExprKind::Call { func, args, keywords } => self.call(expression, func, args, keywords),
            ExprKind::Constant { value, .. } => {
                self.load_constant(constant_value(value), place);
                Ok(())
            }
            ExprKind::JoinedStr { values } => self.joined_string(values, place),
            ExprKind::TemplateStr { values } => self.template_string(values, place),
            ExprKind::FormattedValue { value, conversion, format_spec } => {
                self.formatted_value(value, *conversion, format_spec.as_deref(), place)
            }
            ExprKind::Interpolation { value, str, conversion, format_spec } => {
                self.interpolation(value, str, *conversion, format_spec.as_deref(), place)
            }
            ExprKind::Attribute { value, attr, ctx } => self.attribute(expression, value, attr, *ctx),
            ExprKind::Subscript { value, slice, ctx } => self.subscript(value, slice, *ctx, place),
            ExprKind::Starred { ctx: ExprContext::Store, .. } => {
                self.fail(place, "starred assignment target must be in a list or tuple")
            }
            ExprKind::Starred { .. } => self.fail(place, "can't use starred expression here"),
            ExprKind::Slice { lower, upper, step } => {
                self.slice(expression, lower.as_deref(), upper.as_deref(), step.as_deref())
            }
            ExprKind::Name { id, ctx } => {
                if let Some(value) = self.debug_constant(expression) {
                    self.load_constant(value, place);
                    return Ok(());
                }
                let name = self.intern(id);
                self.name(name, *ctx, place);
                Ok(())
            }
            ExprKind::List { elts, ctx } => self.list(elts, *ctx, place),
            ExprKind::Tuple { elts, ctx } => self.tuple(elts, *ctx, place),
        }
    }

    /// The value of `__debug__`, if the expression is that.
    fn debug_constant(&self, expression: &Expr) -> Option<Constant> {
        match &expression.kind {
            ExprKind::Name { id, ctx: ExprContext::Load } if *id == "__debug__" => {
                Some(Constant::Bool(self.settings.optimize == 0))
            }
            _ => None,
        }
    }

    /// The value of an expression that is a constant.
    pub(super) fn constant(&self, expression: &Expr) -> Option<Constant> {
        match &expression.kind {
            ExprKind::Constant { value, .. } => Some(constant_value(value)),
            _ => self.debug_constant(expression),
        }
    }

    /// Whether an expression is a constant.
    pub(super) fn is_constant(&self, expression: &Expr) -> bool {
        matches!(expression.kind, ExprKind::Constant { .. }) || self.debug_constant(expression).is_some()
    }

    /// The name of the type that an expression surely has.
    pub(super) fn type_name(&self, expression: &Expr) -> Option<&'static str> {
        Some(match &expression.kind {
            ExprKind::Tuple { .. } => "tuple",
            ExprKind::List { .. } | ExprKind::ListComp { .. } => "list",
            ExprKind::Dict { .. } | ExprKind::DictComp { .. } => "dict",
            ExprKind::Set { .. } | ExprKind::SetComp { .. } => "set",
            ExprKind::GeneratorExp { .. } => "generator",
            ExprKind::Lambda { .. } => "function",
            ExprKind::TemplateStr { .. } => "string.templatelib.Template",
            ExprKind::Interpolation { .. } => "string.templatelib.Interpolation",
            ExprKind::JoinedStr { .. } | ExprKind::FormattedValue { .. } => "str",
            ExprKind::BinOp { .. } if is_formatted(expression) => "str",
            _ => match self.constant(expression)? {
                Constant::None => "NoneType",
                Constant::Ellipsis => "ellipsis",
                Constant::Bool(_) => "bool",
                Constant::Int(_) | Constant::BigInt(_) => "int",
                Constant::Float(_) => "float",
                Constant::Complex { .. } => "complex",
                Constant::Str(_) => "str",
                Constant::Bytes(_) => "bytes",
                Constant::Tuple(_) => "tuple",
                Constant::FrozenSet(_) => "frozenset",
                Constant::Slice(_) => "slice",
                Constant::Code(_) => "code",
            },
        })
    }

    fn binary(&mut self, left: &'a Expr, op: Operator, right: &'a Expr, place: Location) -> Result<()> {
        if let Some((pieces, values)) = percent_format::split(left, op, right) {
            return self.percent_formatted(&pieces, values, place);
        }
        self.expression(left)?;
        self.expression(right)?;
        self.emit_argument(Op::BINARY_OP, binary_operation(op) as i32, place);
        Ok(())
    }

    fn unary_operation(&mut self, op: UnaryOp, place: Location) {
        match op {
            UnaryOp::UAdd => {
                self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::UnaryPositive as i32, place);
            }
            UnaryOp::Not => {
                self.emit(Op::TO_BOOL, place);
                self.emit(Op::UNARY_NOT, place);
            }
            UnaryOp::Invert => self.emit(Op::UNARY_INVERT, place),
            UnaryOp::USub => self.emit(Op::UNARY_NEGATIVE, place),
        }
    }

    fn conditional_expression(
        &mut self,
        test: &'a Expr,
        body: &'a Expr,
        orelse: &'a Expr,
        place: Location,
    ) -> Result<()> {
        let end = self.new_label();
        let next = self.new_label();
        self.jump_if(test, next, false, place)?;
        self.expression(body)?;
        self.emit_jump(Op::JUMP_NO_INTERRUPT, end, Location::NONE);
        self.use_label(next);
        self.expression(orelse)?;
        self.use_label(end);
        Ok(())
    }

    fn yield_expression(&mut self, value: Option<&'a Expr>, place: Location) -> Result<()> {
        if !self.scope().is_function_like() {
            return self.fail(place, "'yield' outside function");
        }
        match value {
            Some(value) => self.expression(value)?,
            None => self.load_constant(Constant::None, place),
        }
        self.yield_value(place);
        Ok(())
    }

    /// Yields the value on top.
    pub(super) fn yield_value(&mut self, place: Location) {
        let scope = self.scope();
        if scope.is_generator && scope.is_coroutine {
            self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::AsyncGeneratorWrap as i32, place);
        }
        self.emit_argument(Op::YIELD_VALUE, 0, place);
        self.emit_argument(Op::RESUME, Resume::AfterYield as i32, place);
    }

    /// Yields everything that the iterator below the top yields.
    pub(super) fn yield_from(&mut self, awaits: bool, place: Location) {
        let send = self.new_label();
        let fail = self.new_label();
        let exit = self.new_label();
        self.use_label(send);
        self.emit_jump(Op::SEND, exit, place);
        // `close` and `throw` raise StopIteration when the iterator ends.
        self.emit_jump(Op::SETUP_FINALLY, fail, place);
        self.emit_argument(Op::YIELD_VALUE, 1, place);
        self.emit(Op::POP_BLOCK, Location::NONE);
        let resume = if awaits { Resume::AfterAwait } else { Resume::AfterYieldFrom };
        self.emit_argument(Op::RESUME, resume as i32, place);
        self.emit_jump(Op::JUMP_NO_INTERRUPT, send, place);
        self.use_label(fail);
        self.emit(Op::CLEANUP_THROW, place);
        self.use_label(exit);
        self.emit(Op::END_SEND, place);
    }

    fn attribute(
        &mut self,
        expression: &'a Expr,
        value: &'a Expr,
        attribute: &'a ast::Name,
        context: ExprContext,
    ) -> Result<()> {
        let place = location(expression.span);
        if context == ExprContext::Load && self.can_optimize_super(value, attribute) {
            self.super_attribute(expression, value, attribute, false)?;
            let place = attribute_place(place, attribute);
            self.emit(Op::NOP, place);
            return Ok(());
        }
        self.note_static_attribute(value, attribute, context);
        self.expression(value)?;
        let place = attribute_place(place, attribute);
        match context {
            ExprContext::Load => self.load_attribute(attribute, place),
            ExprContext::Store => self.emit_name(Op::STORE_ATTR, attribute, place),
            ExprContext::Del => self.emit_name(Op::DELETE_ATTR, attribute, place),
        }
        Ok(())
    }

    /// Notes for the class around which attributes methods set on `self`.
    fn note_static_attribute(&mut self, value: &Expr, attribute: &ast::Name, context: ExprContext) {
        let is_self = matches!(&value.kind, ExprKind::Name { id, .. } if *id == "self");
        if !is_self || context != ExprContext::Store {
            return;
        }
        let name = self.intern(attribute);
        debug_assert_ne!(name, names::EMPTY);
        let Some((_, outer)) = self.units.split_last_mut() else { return };
        if let Some(class) = outer.iter_mut().rev().find(|unit| unit.kind == UnitKind::Class)
            && !class.static_attributes.contains(&name)
        {
            class.static_attributes.push(name);
        }
    }
}

/// Whether `%` makes a string of an expression without knowing the values.
fn is_formatted(expression: &Expr) -> bool {
    match &expression.kind {
        ExprKind::BinOp { left, op, right } => percent_format::split(left, *op, right).is_some(),
        _ => false,
    }
}

/// The number of a binary operator.
pub(super) fn binary_operation(op: Operator) -> Binary {
    match op {
        Operator::Add => Binary::Add,
        Operator::Sub => Binary::Subtract,
        Operator::Mult => Binary::Multiply,
        Operator::MatMult => Binary::MatrixMultiply,
        Operator::Div => Binary::TrueDivide,
        Operator::Mod => Binary::Remainder,
        Operator::Pow => Binary::Power,
        Operator::LShift => Binary::LeftShift,
        Operator::RShift => Binary::RightShift,
        Operator::BitOr => Binary::Or,
        Operator::BitXor => Binary::Xor,
        Operator::BitAnd => Binary::And,
        Operator::FloorDiv => Binary::FloorDivide,
    }
}

/// A literal's value.
pub fn constant_value(value: &ast::Constant) -> Constant {
    let all = |items: &[ast::Constant]| items.iter().map(constant_value).collect();
    match value {
        ast::Constant::None => Constant::None,
        ast::Constant::True => Constant::Bool(true),
        ast::Constant::False => Constant::Bool(false),
        ast::Constant::Ellipsis => Constant::Ellipsis,
        ast::Constant::Int(value) => Constant::Int(*value),
        ast::Constant::BigInt(value) => Constant::BigInt(value.clone()),
        ast::Constant::Float(value) => Constant::Float(*value),
        ast::Constant::Complex { real, imag } => Constant::Complex { real: *real, imaginary: *imag },
        ast::Constant::Str(text) => Constant::Str(text.clone()),
        ast::Constant::Bytes(bytes) => Constant::Bytes(bytes.clone()),
        ast::Constant::Tuple(items) => Constant::Tuple(all(items)),
        ast::Constant::FrozenSet(items) => Constant::FrozenSet(all(items)),
    }
}

/// Where an attribute of an expression over several lines is looked up: where its name stands.
pub(super) fn attribute_place(mut place: Location, attribute: &ast::Name) -> Location {
    if place.line != place.end_line {
        place.line = place.end_line;
        let length = attribute.chars().count() as i32;
        if length <= place.end_column {
            place.column = place.end_column - length;
        } else {
            place.column = -1;
            place.end_column = -1;
        }
        place.end_column = place.end_column.max(place.column);
    }
    place
}

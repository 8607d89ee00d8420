//! Augmented and annotated assignment.

use rspy_code::operation::Binary;
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{Expr, ExprContext, ExprKind, Operator, Stmt};

use super::Generator;
use super::expression::{attribute_place, binary_operation};
use super::unit::UnitKind;
use crate::error::Result;
use crate::names;
use crate::op::Op;
use crate::symtable::location;
use crate::unparse;

impl<'a> Generator<'a> {
    pub(super) fn augmented_assign(
        &mut self,
        target: &'a Expr,
        op: Operator,
        value: &'a Expr,
        place: Location,
    ) -> Result<()> {
        let target_place = location(target.span);
        let mut is_two_part = false;
        match &target.kind {
            ExprKind::Attribute { value: object, attr, .. } => {
                self.expression(object)?;
                self.emit_argument(Op::COPY, 1, target_place);
                self.load_attribute(attr, attribute_place(target_place, attr));
            }
            ExprKind::Subscript { value: container, slice, .. } => {
                self.expression(container)?;
                is_two_part = self.is_two_part_slice(slice);
                if is_two_part {
                    self.slice_bounds(slice)?;
                    for _ in 0..3 {
                        self.emit_argument(Op::COPY, 3, target_place);
                    }
                    self.emit(Op::BINARY_SLICE, target_place);
                } else {
                    self.expression(slice)?;
                    self.emit_argument(Op::COPY, 2, target_place);
                    self.emit_argument(Op::COPY, 2, target_place);
                    self.emit_argument(Op::BINARY_OP, Binary::Subscript as i32, target_place);
                }
            }
            ExprKind::Name { id, .. } => {
                let name = self.intern(id);
                self.name(name, ExprContext::Load, target_place);
            }
            _ => {}
        }
        self.expression(value)?;
        let operation = binary_operation(op);
        self.emit_argument(Op::BINARY_OP, operation.inplace().unwrap_or(operation) as i32, place);
        match &target.kind {
            ExprKind::Attribute { attr, .. } => {
                let place = attribute_place(target_place, attr);
                self.emit_argument(Op::SWAP, 2, place);
                self.emit_name(Op::STORE_ATTR, attr, place);
            }
            ExprKind::Subscript { .. } if is_two_part => {
                for depth in [4, 3, 2] {
                    self.emit_argument(Op::SWAP, depth, target_place);
                }
                self.emit(Op::STORE_SLICE, target_place);
            }
            ExprKind::Subscript { .. } => {
                self.emit_argument(Op::SWAP, 3, target_place);
                self.emit_argument(Op::SWAP, 2, target_place);
                self.emit(Op::STORE_SUBSCR, target_place);
            }
            ExprKind::Name { id, .. } => {
                let name = self.intern(id);
                self.name(name, ExprContext::Store, target_place);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn annotated_assign(
        &mut self,
        statement: &'a Stmt,
        target: &'a Expr,
        annotation: &'a Expr,
        value: Option<&'a Expr>,
        is_simple: bool,
    ) -> Result<()> {
        let place = location(statement.span);
        if let Some(value) = value {
            self.expression(value)?;
            self.expression(target)?;
        }
        match &target.kind {
            ExprKind::Name { id, .. } => {
                let kind = self.unit().kind;
                if is_simple && matches!(kind, UnitKind::Module | UnitKind::Class) {
                    if self.settings.futures.annotations {
                        self.annotation_string(annotation);
                        self.emit_name_shifted(Op::LOAD_NAME, names::ANNOTATIONS, 0, 0, place);
                        let name = self.intern(id);
                        let mangled = self.mangle(name);
                        self.load_name_constant(mangled, place);
                        self.emit(Op::STORE_SUBSCR, place);
                    } else {
                        self.defer_annotation(statement, place);
                    }
                }
            }
            ExprKind::Attribute { value: object, .. } if value.is_none() => {
                self.evaluate_and_drop(object)?;
            }
            ExprKind::Subscript { value: container, slice, .. } if value.is_none() => {
                self.evaluate_and_drop(container)?;
                self.evaluate_subscript(slice)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The source of an annotation as a string (PEP 563).
    pub(super) fn annotation_string(&mut self, annotation: &Expr) {
        let text = unparse::expression(annotation);
        self.load_constant(Constant::Str(text), location(annotation.span));
    }

    /// Leaves an annotation to the end of the module or class.
    fn defer_annotation(&mut self, statement: &'a Stmt, place: Location) {
        let unit = self.unit();
        let is_module = unit.kind == UnitKind::Module;
        let is_conditional = is_module || unit.conditional_depth > 0;
        let number = is_conditional.then_some(unit.next_conditional_annotation);
        unit.deferred_annotations.push((statement, number));
        let Some(number) = number else { return };
        unit.next_conditional_annotation += 1;
        if is_module {
            let index = self.unit().names.add(names::CONDITIONAL_ANNOTATIONS);
            self.emit_argument(Op::LOAD_NAME, index, place);
        } else {
            let index = self.unit().cells.add(names::CONDITIONAL_ANNOTATIONS);
            self.emit_argument(Op::LOAD_DEREF, index, place);
        }
        self.load_constant(Constant::Int(number), place);
        self.emit_argument(Op::SET_ADD, 1, place);
        self.emit(Op::POP_TOP, place);
    }

    fn evaluate_and_drop(&mut self, expression: &'a Expr) -> Result<()> {
        self.expression(expression)?;
        self.emit(Op::POP_TOP, location(expression.span));
        Ok(())
    }

    fn evaluate_subscript(&mut self, key: &'a Expr) -> Result<()> {
        match &key.kind {
            ExprKind::Slice { lower, upper, step } => {
                for part in [lower, upper, step].into_iter().flatten() {
                    self.evaluate_and_drop(part)?;
                }
                Ok(())
            }
            ExprKind::Tuple { elts, .. } => {
                elts.iter().try_for_each(|element| self.evaluate_subscript(element))
            }
            _ => self.evaluate_and_drop(key),
        }
    }
}

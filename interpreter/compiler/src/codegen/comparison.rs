//! Comparisons and boolean operators.

use rspy_code::operation::Comparison;
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{BoolOp, CmpOp, Expr, ExprKind};

use super::Generator;
use crate::error::Result;
use crate::op::Op;
use crate::symtable::location;

impl<'a> Generator<'a> {
    pub(super) fn boolean(&mut self, op: BoolOp, values: &'a [Expr], place: Location) -> Result<()> {
        let jump = if op == BoolOp::And { Op::JUMP_IF_FALSE } else { Op::JUMP_IF_TRUE };
        let end = self.new_label();
        let Some((last, rest)) = values.split_last() else { return Ok(()) };
        for value in rest {
            self.expression(value)?;
            self.emit_jump(jump, end, place);
            self.emit(Op::POP_TOP, place);
        }
        self.expression(last)?;
        self.use_label(end);
        Ok(())
    }

    pub(super) fn compare(
        &mut self,
        comparison: &'a Expr,
        left: &'a Expr,
        ops: &'a [CmpOp],
        comparators: &'a [Expr],
    ) -> Result<()> {
        let place = location(comparison.span);
        self.check_comparison(comparison, left, ops, comparators);
        self.expression(left)?;
        let (Some((last_op, ops)), Some((last, comparators))) = (ops.split_last(), comparators.split_last())
        else {
            return Ok(());
        };
        if ops.is_empty() {
            self.expression(last)?;
            self.compare_operation(*last_op, place);
            return Ok(());
        }
        let cleanup = self.new_label();
        for (op, comparator) in ops.iter().zip(comparators) {
            self.expression(comparator)?;
            self.emit_argument(Op::SWAP, 2, place);
            self.emit_argument(Op::COPY, 2, place);
            self.compare_operation(*op, place);
            self.emit_argument(Op::COPY, 1, place);
            self.emit(Op::TO_BOOL, place);
            self.emit_jump(Op::POP_JUMP_IF_FALSE, cleanup, place);
            self.emit(Op::POP_TOP, place);
        }
        self.expression(last)?;
        self.compare_operation(*last_op, place);
        let end = self.new_label();
        self.emit_jump(Op::JUMP_NO_INTERRUPT, end, Location::NONE);
        self.use_label(cleanup);
        self.emit_argument(Op::SWAP, 2, place);
        self.emit(Op::POP_TOP, place);
        self.use_label(end);
        Ok(())
    }

    pub(super) fn compare_operation(&mut self, op: CmpOp, place: Location) {
        let comparison = match op {
            CmpOp::Eq => Comparison::Equal,
            CmpOp::NotEq => Comparison::NotEqual,
            CmpOp::Lt => Comparison::Less,
            CmpOp::LtE => Comparison::LessEqual,
            CmpOp::Gt => Comparison::Greater,
            CmpOp::GtE => Comparison::GreaterEqual,
            CmpOp::Is => return self.emit_argument(Op::IS_OP, 0, place),
            CmpOp::IsNot => return self.emit_argument(Op::IS_OP, 1, place),
            CmpOp::In => return self.emit_argument(Op::CONTAINS_OP, 0, place),
            CmpOp::NotIn => return self.emit_argument(Op::CONTAINS_OP, 1, place),
        };
        self.emit_argument(Op::COMPARE_OP, comparison.argument(), place);
    }

    /// Warns of literals compared by identity.
    pub(super) fn check_comparison(
        &mut self,
        comparison: &Expr,
        left: &Expr,
        ops: &[CmpOp],
        comparators: &[Expr],
    ) {
        let mut left = left;
        for (op, right) in ops.iter().zip(comparators) {
            let (operator, advice) = match op {
                CmpOp::Is => ("is", "=="),
                CmpOp::IsNot => ("is not", "!="),
                _ => {
                    left = right;
                    continue;
                }
            };
            let left_is_literal = self.is_literal(left);
            if left_is_literal || self.is_literal(right) {
                let literal = if left_is_literal { left } else { right };
                let type_name = self.type_name(literal).unwrap_or_default();
                let message =
                    format!("\"{operator}\" with '{type_name}' literal. Did you mean \"{advice}\"?");
                self.warn(location(comparison.span), message);
                return;
            }
            left = right;
        }
    }

    /// Whether an expression is a constant other than the named ones.
    fn is_literal(&self, expression: &Expr) -> bool {
        if let ExprKind::Tuple { elts, .. } = &expression.kind {
            return elts.iter().all(|element| self.is_constant(element));
        }
        self.constant(expression)
            .is_some_and(|value| !matches!(value, Constant::None | Constant::Bool(_) | Constant::Ellipsis))
    }
}

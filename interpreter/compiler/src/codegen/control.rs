//! Conditions and loops.

use rspy_code::Location;
use rspy_syntax::ast::{BoolOp, CmpOp, Expr, ExprKind, Stmt, UnaryOp};

use super::Generator;
use super::blocks::Surrounding;
use crate::error::Result;
use crate::instruction_sequence::Label;
use crate::op::Op;
use crate::symtable::location;

impl<'a> Generator<'a> {
    /// Jumps to `target` if the truth of an expression is `condition`.
    pub(super) fn jump_if(
        &mut self,
        test: &'a Expr,
        target: Label,
        condition: bool,
        place: Location,
    ) -> Result<()> {
        self.depth.enter()?;
        match &test.kind {
            ExprKind::UnaryOp { op: UnaryOp::Not, operand } => {
                self.jump_if(operand, target, !condition, place)?;
            }
            ExprKind::BoolOp { op, values } => self.jump_if_any(*op, values, target, condition, place)?,
            ExprKind::IfExp { test, body, orelse } => {
                let end = self.new_label();
                let otherwise = self.new_label();
                self.jump_if(test, otherwise, false, place)?;
                self.jump_if(body, target, condition, place)?;
                self.emit_jump(Op::JUMP_NO_INTERRUPT, end, Location::NONE);
                self.use_label(otherwise);
                self.jump_if(orelse, target, condition, place)?;
                self.use_label(end);
            }
            ExprKind::Compare { left, ops, comparators } if ops.len() > 1 => {
                self.check_comparison(test, left, ops, comparators);
                self.jump_if_chained(test, left, ops, comparators, target, condition)?;
            }
            _ => {
                self.expression(test)?;
                let place = location(test.span);
                self.emit(Op::TO_BOOL, place);
                self.emit_jump(pop_jump(condition), target, place);
            }
        }
        self.depth.leave();
        Ok(())
    }

    fn jump_if_any(
        &mut self,
        op: BoolOp,
        values: &'a [Expr],
        target: Label,
        condition: bool,
        place: Location,
    ) -> Result<()> {
        let Some((last, rest)) = values.split_last() else { return Ok(()) };
        let decides = op == BoolOp::Or;
        // Where it goes on when one of the first values decides.
        let decided = if decides == condition { target } else { self.new_label() };
        for value in rest {
            self.jump_if(value, decided, decides, place)?;
        }
        self.jump_if(last, target, condition, place)?;
        if decided != target {
            self.use_label(decided);
        }
        Ok(())
    }

    fn jump_if_chained(
        &mut self,
        test: &'a Expr,
        left: &'a Expr,
        ops: &'a [CmpOp],
        comparators: &'a [Expr],
        target: Label,
        condition: bool,
    ) -> Result<()> {
        let place = location(test.span);
        let cleanup = self.new_label();
        let (Some((last_op, ops)), Some((last, comparators))) = (ops.split_last(), comparators.split_last())
        else {
            return Ok(());
        };
        self.expression(left)?;
        for (op, comparator) in ops.iter().zip(comparators) {
            self.expression(comparator)?;
            self.emit_argument(Op::SWAP, 2, place);
            self.emit_argument(Op::COPY, 2, place);
            self.compare_operation(*op, place);
            self.emit(Op::TO_BOOL, place);
            self.emit_jump(Op::POP_JUMP_IF_FALSE, cleanup, place);
        }
        self.expression(last)?;
        self.compare_operation(*last_op, place);
        self.emit(Op::TO_BOOL, place);
        self.emit_jump(pop_jump(condition), target, place);
        let end = self.new_label();
        self.emit_jump(Op::JUMP_NO_INTERRUPT, end, Location::NONE);
        self.use_label(cleanup);
        self.emit(Op::POP_TOP, place);
        if !condition {
            self.emit_jump(Op::JUMP_NO_INTERRUPT, target, Location::NONE);
        }
        self.use_label(end);
        Ok(())
    }

    pub(super) fn if_statement(
        &mut self,
        test: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        place: Location,
    ) -> Result<()> {
        let end = self.new_label();
        let next = if orelse.is_empty() { end } else { self.new_label() };
        self.jump_if(test, next, false, place)?;
        self.statements(body)?;
        if !orelse.is_empty() {
            self.emit_jump(Op::JUMP_NO_INTERRUPT, end, Location::NONE);
            self.use_label(next);
            self.statements(orelse)?;
        }
        self.use_label(end);
        Ok(())
    }

    pub(super) fn while_loop(
        &mut self,
        test: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        place: Location,
    ) -> Result<()> {
        let start = self.new_label();
        let end = self.new_label();
        let anchor = self.new_label();
        self.use_label(start);
        self.push_block(Surrounding::WhileLoop, Some(start), Some(end), place)?;
        self.jump_if(test, anchor, false, place)?;
        self.statements(body)?;
        self.emit_jump(Op::JUMP, start, Location::NONE);
        self.pop_block();
        self.use_label(anchor);
        self.statements(orelse)?;
        self.use_label(end);
        Ok(())
    }

    pub(super) fn for_loop(
        &mut self,
        target: &'a Expr,
        iterable: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        place: Location,
    ) -> Result<()> {
        let start = self.new_label();
        let cleanup = self.new_label();
        let end = self.new_label();
        self.push_block(Surrounding::ForLoop, Some(start), Some(end), place)?;
        self.expression(iterable)?;
        let iterable_place = location(iterable.span);
        self.emit(Op::GET_ITER, iterable_place);
        self.use_label(start);
        self.emit_jump(Op::FOR_ITER, cleanup, iterable_place);
        // Tracing sees the target's line.
        self.emit(Op::NOP, location(target.span));
        self.expression(target)?;
        self.statements(body)?;
        self.emit_jump(Op::JUMP, start, Location::NONE);
        self.use_label(cleanup);
        self.emit(Op::END_FOR, Location::NONE);
        self.emit(Op::POP_ITER, Location::NONE);
        self.pop_block();
        self.statements(orelse)?;
        self.use_label(end);
        Ok(())
    }

    pub(super) fn async_for_loop(
        &mut self,
        target: &'a Expr,
        iterable: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
        place: Location,
    ) -> Result<()> {
        let start = self.new_label();
        let send = self.new_label();
        let except = self.new_label();
        let end = self.new_label();
        let iterable_place = location(iterable.span);
        self.expression(iterable)?;
        self.emit(Op::GET_AITER, iterable_place);
        self.use_label(start);
        self.push_block(Surrounding::AsyncForLoop, Some(start), Some(end), place)?;
        self.emit_jump(Op::SETUP_FINALLY, except, place);
        self.next_of_async_iterator(send, place);
        self.emit(Op::POP_BLOCK, place);
        self.emit(Op::NOT_TAKEN, place);
        self.expression(target)?;
        self.statements(body)?;
        self.emit_jump(Op::JUMP, start, Location::NONE);
        self.pop_block();
        self.use_label(except);
        // The loop ends at the iterator's line, not at the body's.
        self.emit_jump(Op::END_ASYNC_FOR, send, iterable_place);
        self.statements(orelse)?;
        self.use_label(end);
        Ok(())
    }

    /// Awaits the next item of the asynchronous iterator on top.
    pub(super) fn next_of_async_iterator(&mut self, send: Label, place: Location) {
        self.emit(Op::GET_ANEXT, place);
        self.load_constant(rspy_code::Constant::None, place);
        self.use_label(send);
        self.yield_from(true, place);
    }
}

fn pop_jump(condition: bool) -> Op {
    if condition { Op::POP_JUMP_IF_TRUE } else { Op::POP_JUMP_IF_FALSE }
}

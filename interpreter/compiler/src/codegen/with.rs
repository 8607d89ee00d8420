//! `with` and `async with`.

use rspy_code::Location;
use rspy_code::operation::SpecialMethod;
use rspy_syntax::ast::{Stmt, WithItem};

use super::Generator;
use super::blocks::Surrounding;
use crate::error::Result;
use crate::instruction_sequence::Label;
use crate::op::Op;
use crate::symtable::location;

impl<'a> Generator<'a> {
    /// A `with` statement; several items are as many nested statements.
    pub(super) fn with_statement(
        &mut self,
        items: &'a [WithItem],
        body: &'a [Stmt],
        is_async: bool,
    ) -> Result<()> {
        let Some((item, inner)) = items.split_first() else { return self.statements(body) };
        self.depth.enter()?;
        let block = self.new_label();
        let handler = self.new_label();
        let exit = self.new_label();
        let cleanup = self.new_label();
        let place = location(item.context_expr.span);
        let (enter_method, exit_method, surrounding) = if is_async {
            (SpecialMethod::AsyncEnter, SpecialMethod::AsyncExit, Surrounding::AsyncWith)
        } else {
            (SpecialMethod::Enter, SpecialMethod::Exit, Surrounding::With)
        };
        self.expression(&item.context_expr)?;
        self.emit_argument(Op::COPY, 1, place);
        self.emit_argument(Op::LOAD_SPECIAL, exit_method as i32, place);
        self.emit_argument(Op::SWAP, 2, place);
        self.emit_argument(Op::SWAP, 3, place);
        self.emit_argument(Op::LOAD_SPECIAL, enter_method as i32, place);
        self.emit_argument(Op::CALL, 0, place);
        if is_async {
            self.await_result(1, place);
        }
        self.emit_jump(Op::SETUP_WITH, handler, place);
        self.use_label(block);
        self.push_block(surrounding, Some(block), Some(handler), place)?;
        match &item.optional_vars {
            Some(target) => self.expression(target)?,
            None => self.emit(Op::POP_TOP, place),
        }
        if inner.is_empty() {
            self.statements(body)?;
        } else {
            self.with_statement(inner, body, is_async)?;
        }
        if is_async {
            self.pop_block();
            self.emit(Op::POP_BLOCK, place);
        } else {
            self.emit(Op::POP_BLOCK, Location::NONE);
            self.pop_block();
        }
        self.call_exit_with_nones(place);
        if is_async {
            self.await_result(2, place);
        }
        self.emit(Op::POP_TOP, place);
        self.emit_jump(Op::JUMP, exit, place);
        self.use_label(handler);
        self.emit_jump(Op::SETUP_CLEANUP, cleanup, place);
        self.emit(Op::PUSH_EXC_INFO, place);
        self.emit(Op::WITH_EXCEPT_START, place);
        if is_async {
            self.await_result(2, place);
        }
        self.finish_exceptional_exit(cleanup);
        self.use_label(exit);
        self.depth.leave();
        Ok(())
    }

    /// Drops the exception if the exit method says so, or raises it again.
    fn finish_exceptional_exit(&mut self, cleanup: Label) {
        const NOWHERE: Location = Location::NONE;
        let suppress = self.new_label();
        self.emit(Op::TO_BOOL, NOWHERE);
        self.emit_jump(Op::POP_JUMP_IF_TRUE, suppress, NOWHERE);
        self.emit_argument(Op::RERAISE, 2, NOWHERE);
        self.use_label(suppress);
        self.emit(Op::POP_TOP, NOWHERE);
        self.emit(Op::POP_BLOCK, NOWHERE);
        self.emit(Op::POP_EXCEPT, NOWHERE);
        for _ in 0..3 {
            self.emit(Op::POP_TOP, NOWHERE);
        }
        let exit = self.new_label();
        self.emit_jump(Op::JUMP_NO_INTERRUPT, exit, NOWHERE);
        self.use_label(cleanup);
        self.pop_except_and_reraise(NOWHERE);
        self.use_label(exit);
    }
}

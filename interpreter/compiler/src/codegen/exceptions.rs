//! `try` with its `except`, `except*`, `else` and `finally` clauses.

use rspy_code::Location;
use rspy_code::operation::BinaryIntrinsic;
use rspy_syntax::ast::{ExceptHandler, ExceptHandlerKind, ExprContext, Stmt, StmtKind};

use super::Generator;
use super::blocks::Surrounding;
use crate::error::Result;
use crate::instruction_sequence::Label;
use crate::op::Op;
use crate::symtable::location;

const NOWHERE: Location = Location::NONE;

impl<'a> Generator<'a> {
    pub(super) fn try_statement(&mut self, statement: &'a Stmt) -> Result<()> {
        let (StmtKind::Try { finalbody, .. } | StmtKind::TryStar { finalbody, .. }) = &statement.kind else {
            return Ok(());
        };
        if finalbody.is_empty() {
            self.try_with_handlers(statement)
        } else {
            self.try_finally(statement, finalbody)
        }
    }

    fn try_with_handlers(&mut self, statement: &'a Stmt) -> Result<()> {
        let place = location(statement.span);
        match &statement.kind {
            StmtKind::Try { body, handlers, orelse, .. } => self.try_except(body, handlers, orelse, place),
            StmtKind::TryStar { body, handlers, orelse, .. } => {
                self.try_except_star(body, handlers, orelse, place)
            }
            _ => Ok(()),
        }
    }

    /// The `finally` clause is generated twice: for when nothing was raised, and for when something was.
    fn try_finally(&mut self, statement: &'a Stmt, finally: &'a [Stmt]) -> Result<()> {
        let (StmtKind::Try { body, handlers, .. } | StmtKind::TryStar { body, handlers, .. }) =
            &statement.kind
        else {
            return Ok(());
        };
        let place = location(statement.span);
        let start = self.new_label();
        let handler = self.new_label();
        let exit = self.new_label();
        let cleanup = self.new_label();
        self.emit_jump(Op::SETUP_FINALLY, handler, place);
        self.use_label(start);
        self.push_block(Surrounding::FinallyTry(finally), Some(start), Some(handler), place)?;
        if handlers.is_empty() {
            self.statements(body)?;
        } else {
            self.try_with_handlers(statement)?;
        }
        self.emit(Op::POP_BLOCK, NOWHERE);
        self.pop_block();
        self.statements(finally)?;
        self.emit_jump(Op::JUMP_NO_INTERRUPT, exit, NOWHERE);
        self.use_label(handler);
        self.emit_jump(Op::SETUP_CLEANUP, cleanup, NOWHERE);
        self.emit(Op::PUSH_EXC_INFO, NOWHERE);
        self.push_block(Surrounding::FinallyEnd, Some(handler), None, NOWHERE)?;
        // What is wrong with the clause was said the first time.
        self.silence += 1;
        self.statements(finally)?;
        self.silence -= 1;
        self.pop_block();
        self.emit_argument(Op::RERAISE, 0, NOWHERE);
        self.use_label(cleanup);
        self.pop_except_and_reraise(NOWHERE);
        self.use_label(exit);
        Ok(())
    }

    fn try_except(
        &mut self,
        body: &'a [Stmt],
        handlers: &'a [ExceptHandler],
        orelse: &'a [Stmt],
        place: Location,
    ) -> Result<()> {
        let start = self.new_label();
        let except = self.new_label();
        let end = self.new_label();
        let cleanup = self.new_label();
        self.emit_jump(Op::SETUP_FINALLY, except, place);
        self.use_label(start);
        self.push_block(Surrounding::TryExcept, Some(start), None, place)?;
        self.statements(body)?;
        self.pop_block();
        self.emit(Op::POP_BLOCK, NOWHERE);
        self.statements(orelse)?;
        self.emit_jump(Op::JUMP_NO_INTERRUPT, end, NOWHERE);
        self.use_label(except);
        self.emit_jump(Op::SETUP_CLEANUP, cleanup, NOWHERE);
        self.emit(Op::PUSH_EXC_INFO, NOWHERE);
        self.push_block(Surrounding::ExceptionHandler, None, None, place)?;
        for (index, handler) in handlers.iter().enumerate() {
            self.handler(handler, index + 1 == handlers.len(), end)?;
        }
        self.pop_block();
        self.emit_argument(Op::RERAISE, 0, NOWHERE);
        self.use_label(cleanup);
        self.pop_except_and_reraise(NOWHERE);
        self.use_label(end);
        Ok(())
    }

    /// One `except` clause.
    fn handler(&mut self, handler: &'a ExceptHandler, is_last: bool, end: Label) -> Result<()> {
        let ExceptHandlerKind::ExceptHandler { r#type, name, body } = &handler.kind;
        let place = location(handler.span);
        if r#type.is_none() && !is_last {
            return self.fail(place, "default 'except:' must be last");
        }
        let next = self.new_label();
        if let Some(class) = r#type {
            self.expression(class)?;
            self.emit(Op::CHECK_EXC_MATCH, place);
            self.emit_jump(Op::POP_JUMP_IF_FALSE, next, place);
        }
        let clause = self.new_label();
        if let Some(name) = name {
            // The clause is a `try` of its own, whose `finally` unbinds the name.
            let name = self.intern(name);
            let cleanup = self.new_label();
            self.name(name, ExprContext::Store, place);
            self.emit_jump(Op::SETUP_CLEANUP, cleanup, place);
            self.use_label(clause);
            self.push_block(Surrounding::HandlerCleanup(Some(name)), Some(clause), None, place)?;
            self.statements(body)?;
            self.pop_block();
            self.emit(Op::POP_BLOCK, NOWHERE);
            self.emit(Op::POP_BLOCK, NOWHERE);
            self.emit(Op::POP_EXCEPT, NOWHERE);
            self.unbind(name, NOWHERE);
            self.emit_jump(Op::JUMP_NO_INTERRUPT, end, NOWHERE);
            self.use_label(cleanup);
            self.unbind(name, NOWHERE);
            self.emit_argument(Op::RERAISE, 1, NOWHERE);
        } else {
            self.emit(Op::POP_TOP, place);
            self.use_label(clause);
            self.push_block(Surrounding::HandlerCleanup(None), Some(clause), None, place)?;
            self.statements(body)?;
            self.pop_block();
            self.emit(Op::POP_BLOCK, NOWHERE);
            self.emit(Op::POP_EXCEPT, NOWHERE);
            self.emit_jump(Op::JUMP_NO_INTERRUPT, end, NOWHERE);
        }
        self.use_label(next);
        Ok(())
    }

    /// `try` with `except*` (PEP 654). While the clauses run there are on the stack: the whole exception, the list of
    /// what clauses raised, and the part not matched yet.
    fn try_except_star(
        &mut self,
        body: &'a [Stmt],
        handlers: &'a [ExceptHandler],
        orelse: &'a [Stmt],
        place: Location,
    ) -> Result<()> {
        let start = self.new_label();
        let except = self.new_label();
        let otherwise = self.new_label();
        let end = self.new_label();
        let cleanup = self.new_label();
        let reraise_star = self.new_label();
        self.emit_jump(Op::SETUP_FINALLY, except, place);
        self.use_label(start);
        self.push_block(Surrounding::TryExcept, Some(start), None, place)?;
        self.statements(body)?;
        self.pop_block();
        self.emit(Op::POP_BLOCK, NOWHERE);
        self.emit_jump(Op::JUMP_NO_INTERRUPT, otherwise, NOWHERE);
        self.use_label(except);
        self.emit_jump(Op::SETUP_CLEANUP, cleanup, NOWHERE);
        self.emit(Op::PUSH_EXC_INFO, NOWHERE);
        self.push_block(Surrounding::ExceptionGroupHandler, None, None, place)?;
        for (index, handler) in handlers.iter().enumerate() {
            if index == 0 {
                let place = location(handler.span);
                self.emit_argument(Op::BUILD_LIST, 0, place);
                self.emit_argument(Op::COPY, 2, place);
            }
            self.star_handler(handler)?;
            if index + 1 == handlers.len() {
                // What no clause matched, or None.
                self.emit_argument(Op::LIST_APPEND, 1, NOWHERE);
                self.emit_jump(Op::JUMP_NO_INTERRUPT, reraise_star, NOWHERE);
            }
        }
        self.pop_block();
        let reraise = self.new_label();
        self.use_label(reraise_star);
        self.emit_argument(Op::CALL_INTRINSIC_2, BinaryIntrinsic::PrepareReraiseStar as i32, NOWHERE);
        self.emit_argument(Op::COPY, 1, NOWHERE);
        self.emit_jump(Op::POP_JUMP_IF_NOT_NONE, reraise, NOWHERE);
        self.emit(Op::POP_TOP, NOWHERE);
        self.emit(Op::POP_BLOCK, NOWHERE);
        self.emit(Op::POP_EXCEPT, NOWHERE);
        self.emit_jump(Op::JUMP_NO_INTERRUPT, end, NOWHERE);
        self.use_label(reraise);
        self.emit(Op::POP_BLOCK, NOWHERE);
        self.emit_argument(Op::SWAP, 2, NOWHERE);
        self.emit(Op::POP_EXCEPT, NOWHERE);
        self.emit_argument(Op::RERAISE, 0, NOWHERE);
        self.use_label(cleanup);
        self.pop_except_and_reraise(NOWHERE);
        self.use_label(otherwise);
        self.statements(orelse)?;
        self.use_label(end);
        Ok(())
    }

    /// One `except*` clause.
    fn star_handler(&mut self, handler: &'a ExceptHandler) -> Result<()> {
        let ExceptHandlerKind::ExceptHandler { r#type, name, body } = &handler.kind;
        let place = location(handler.span);
        let name = name.as_ref().map(|name| self.names.intern(name));
        let next = self.new_label();
        let next_with_error = self.new_label();
        let no_match = self.new_label();
        if let Some(class) = r#type {
            self.expression(class)?;
            self.emit(Op::CHECK_EG_MATCH, place);
            self.emit_argument(Op::COPY, 1, place);
            self.emit_jump(Op::POP_JUMP_IF_NONE, no_match, place);
        }
        let cleanup = self.new_label();
        let clause = self.new_label();
        match name {
            Some(name) => self.name(name, ExprContext::Store, place),
            None => self.emit(Op::POP_TOP, place),
        }
        self.emit_jump(Op::SETUP_CLEANUP, cleanup, place);
        self.use_label(clause);
        self.push_block(Surrounding::HandlerCleanup(name), Some(clause), None, place)?;
        self.statements(body)?;
        self.pop_block();
        self.emit(Op::POP_BLOCK, NOWHERE);
        if let Some(name) = name {
            self.unbind(name, NOWHERE);
        }
        self.emit_jump(Op::JUMP_NO_INTERRUPT, next, NOWHERE);
        self.use_label(cleanup);
        if let Some(name) = name {
            self.unbind(name, NOWHERE);
        }
        // What the clause raised joins the list.
        self.emit_argument(Op::LIST_APPEND, 3, NOWHERE);
        self.emit(Op::POP_TOP, NOWHERE);
        self.emit_jump(Op::JUMP_NO_INTERRUPT, next_with_error, NOWHERE);
        self.use_label(next);
        self.emit(Op::NOP, NOWHERE);
        self.emit_jump(Op::JUMP_NO_INTERRUPT, next_with_error, NOWHERE);
        self.use_label(no_match);
        self.emit(Op::POP_TOP, place);
        self.use_label(next_with_error);
        Ok(())
    }
}

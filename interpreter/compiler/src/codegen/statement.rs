//! Statements: each kind in brief, or where it is generated.

use rspy_code::operation::{CommonConstant, UnaryIntrinsic};
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{Expr, ExprKind, Stmt, StmtKind};

use super::Generator;
use crate::error::Result;
use crate::op::Op;
use crate::symtable::location;

impl<'a> Generator<'a> {
    pub(super) fn statements(&mut self, statements: &'a [Stmt]) -> Result<()> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    /// A statement whose parts are executed under some condition.
    fn conditional(&mut self, generate: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        self.unit().conditional_depth += 1;
        // After an error the unit is another one, and of no interest any more.
        generate(self)?;
        self.unit().conditional_depth -= 1;
        Ok(())
    }

    pub(super) fn statement(&mut self, statement: &'a Stmt) -> Result<()> {
        self.depth.enter()?;
        self.any_statement(statement)?;
        self.depth.leave();
        Ok(())
    }

    fn any_statement(&mut self, statement: &'a Stmt) -> Result<()> {
        let place = location(statement.span);
        match &statement.kind {
            StmtKind::FunctionDef { .. } | StmtKind::AsyncFunctionDef { .. } => self.function(statement),
            StmtKind::ClassDef { .. } => self.class(statement),
            StmtKind::TypeAlias { name, type_params, value } => {
                self.type_alias(statement, name, type_params, value)
            }
            StmtKind::Return { value } => self.return_statement(value.as_deref(), place),
            StmtKind::Delete { targets } => self.expressions(targets),
            StmtKind::Assign { targets, value, .. } => self.assign(targets, value, place),
            StmtKind::AugAssign { target, op, value } => self.augmented_assign(target, *op, value, place),
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.annotated_assign(statement, target, annotation, value.as_deref(), *simple != 0)
            }
            StmtKind::For { target, iter, body, orelse, .. } => {
                self.conditional(|generator| generator.for_loop(target, iter, body, orelse, place))
            }
            StmtKind::AsyncFor { target, iter, body, orelse, .. } => {
                self.conditional(|generator| generator.async_for_loop(target, iter, body, orelse, place))
            }
            StmtKind::While { test, body, orelse } => {
                self.conditional(|generator| generator.while_loop(test, body, orelse, place))
            }
            StmtKind::If { test, body, orelse } => {
                self.conditional(|generator| generator.if_statement(test, body, orelse, place))
            }
            StmtKind::Match { subject, cases } => {
                self.conditional(|generator| generator.match_statement(subject, cases))
            }
            StmtKind::Raise { exc, cause } => self.raise(exc.as_deref(), cause.as_deref(), place),
            StmtKind::Try { .. } => self.conditional(|generator| generator.try_statement(statement)),
            StmtKind::TryStar { .. } => self.conditional(|generator| generator.try_statement(statement)),
            StmtKind::Assert { test, msg } => self.assert(test, msg.as_deref(), place),
            StmtKind::Import { names } => {
                self.import(names, place);
                Ok(())
            }
            StmtKind::ImportFrom { module, names, level } => {
                self.import_from(module.as_ref(), names, level.unwrap_or(0), place);
                Ok(())
            }
            StmtKind::Global { .. } | StmtKind::Nonlocal { .. } => Ok(()),
            StmtKind::Expr { value } => self.expression_statement(value, place),
            StmtKind::Pass {} => {
                self.emit(Op::NOP, place);
                Ok(())
            }
            StmtKind::Break {} => self.break_statement(place),
            StmtKind::Continue {} => self.continue_statement(place),
            StmtKind::With { items, body, .. } => {
                self.conditional(|generator| generator.with_statement(items, body, false))
            }
            StmtKind::AsyncWith { items, body, .. } => {
                self.conditional(|generator| generator.with_statement(items, body, true))
            }
        }
    }

    fn expression_statement(&mut self, value: &'a Expr, place: Location) -> Result<()> {
        if self.is_interactive && self.units.len() == 1 {
            self.expression(value)?;
            self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::Print as i32, place);
            self.emit(Op::POP_TOP, Location::NONE);
        } else if self.is_constant(value) {
            self.emit(Op::NOP, place);
        } else {
            self.expression(value)?;
            self.emit(Op::POP_TOP, Location::NONE);
        }
        Ok(())
    }

    /// A statement that is a string and was not documentation: it is evaluated like an f-string without fields.
    pub(super) fn plain_string(&mut self, statement: &'a Stmt) -> Result<()> {
        if let StmtKind::Expr { value } = &statement.kind {
            self.expression(value)?;
            self.emit(Op::POP_TOP, Location::NONE);
        }
        Ok(())
    }

    fn assign(&mut self, targets: &'a [Expr], value: &'a Expr, place: Location) -> Result<()> {
        self.expression(value)?;
        for (index, target) in targets.iter().enumerate() {
            if index + 1 < targets.len() {
                self.emit_argument(Op::COPY, 1, place);
            }
            self.expression(target)?;
        }
        Ok(())
    }

    fn raise(&mut self, exception: Option<&'a Expr>, cause: Option<&'a Expr>, place: Location) -> Result<()> {
        let mut count = 0;
        if let Some(exception) = exception {
            self.expression(exception)?;
            count += 1;
            if let Some(cause) = cause {
                self.expression(cause)?;
                count += 1;
            }
        }
        self.emit_argument(Op::RAISE_VARARGS, count, place);
        Ok(())
    }

    fn assert(&mut self, test: &'a Expr, message: Option<&'a Expr>, place: Location) -> Result<()> {
        let is_tuple = match &test.kind {
            ExprKind::Tuple { elts, .. } => !elts.is_empty(),
            _ => matches!(self.constant(test), Some(Constant::Tuple(items)) if !items.is_empty()),
        };
        if is_tuple {
            self.warn(place, "assertion is always true, perhaps remove parentheses?");
        }
        if self.settings.optimize > 0 {
            return Ok(());
        }
        let end = self.new_label();
        self.jump_if(test, end, true, place)?;
        self.emit_argument(Op::LOAD_COMMON_CONSTANT, CommonConstant::AssertionError as i32, place);
        if let Some(message) = message {
            self.expression(message)?;
            self.emit_argument(Op::CALL, 0, place);
        }
        self.emit_argument(Op::RAISE_VARARGS, 1, location(test.span));
        self.use_label(end);
        Ok(())
    }

    fn return_statement(&mut self, value: Option<&'a Expr>, place: Location) -> Result<()> {
        let scope = self.scope();
        if !scope.is_function_like() {
            return self.fail(place, "'return' outside function");
        }
        if value.is_some() && scope.is_coroutine && scope.is_generator {
            return self.fail(place, "'return' with value in async generator");
        }
        let constant = value.and_then(|value| self.constant(value));
        let preserves_top = value.is_some() && constant.is_none();
        let mut unwind_place = place;
        if let Some(value) = value {
            if preserves_top {
                self.expression(value)?;
            } else {
                // The value's line is executed even though nothing is computed on it.
                unwind_place = location(value.span);
                self.emit(Op::NOP, unwind_place);
            }
        }
        if value.is_none_or(|value| value.span.line as i32 != place.line) {
            unwind_place = place;
            self.emit(Op::NOP, place);
        }
        self.unwind(&mut unwind_place, preserves_top, false)?;
        if value.is_none() {
            self.load_constant(Constant::None, unwind_place);
        } else if let Some(constant) = constant {
            self.load_constant(constant, unwind_place);
        }
        self.emit(Op::RETURN_VALUE, unwind_place);
        Ok(())
    }

    fn break_statement(&mut self, place: Location) -> Result<()> {
        self.emit(Op::NOP, place);
        let mut unwind_place = place;
        let Some(found) = self.unwind(&mut unwind_place, false, true)? else {
            return self.fail(place, "'break' outside loop");
        };
        self.unwind_block(&mut unwind_place, &found, false)?;
        if let Some(exit) = found.exit {
            self.emit_jump(Op::JUMP, exit, unwind_place);
        }
        Ok(())
    }

    fn continue_statement(&mut self, place: Location) -> Result<()> {
        self.emit(Op::NOP, place);
        let mut unwind_place = place;
        let Some(found) = self.unwind(&mut unwind_place, false, true)? else {
            return self.fail(place, "'continue' not properly in loop");
        };
        if let Some(start) = found.start {
            self.emit_jump(Op::JUMP, start, unwind_place);
        }
        Ok(())
    }
}

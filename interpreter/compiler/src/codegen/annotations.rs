//! Annotations: evaluated by functions of their own when they are asked for (PEP 649), or kept as strings (PEP 563).

use rspy_code::code_object::CodeObject;
use rspy_code::operation::{CommonConstant, Comparison};
use rspy_code::{Constant, Location, Text};
use rspy_syntax::ast::{Expr, ExprContext, ExprKind, StmtKind};

use super::function::Attributes;
use super::unit::UnitKind;
use super::{Generator, ParameterCounts};
use crate::error::Result;
use crate::names::{self, NameId};
use crate::op::Op;
use crate::symtable::{ScopeId, location};

/// The highest annotation format that the functions understand: `VALUE_WITH_FAKE_GLOBALS`.
const HIGHEST_FORMAT: i64 = 2;

impl<'a> Generator<'a> {
    /// Starts the code of a function that takes an annotation format.
    pub(super) fn enter_annotations(&mut self, scope: ScopeId, name: NameId, place: Location) {
        let counts = ParameterCounts { positional_only: 1, ..ParameterCounts::default() };
        self.enter(name, UnitKind::Annotations, scope, place.line, None, counts);
        self.emit_argument(Op::LOAD_FAST, 0, place);
        self.load_constant(Constant::Int(HIGHEST_FORMAT), place);
        self.emit_argument(Op::COMPARE_OP, Comparison::Greater.argument(), place);
        let body = self.new_label();
        self.emit_jump(Op::POP_JUMP_IF_FALSE, body, place);
        self.emit_argument(Op::LOAD_COMMON_CONSTANT, CommonConstant::NotImplementedError as i32, place);
        self.emit_argument(Op::RAISE_VARARGS, 1, place);
        self.use_label(body);
    }

    /// Completes an `__annotate__` function whose result is on the stack.
    pub(super) fn leave_annotations(&mut self, place: Location) {
        self.emit(Op::RETURN_VALUE, place);
        let mut finished = self.finish_unit(true);
        rename_format_parameter(&mut finished.code, self.names.text(names::FORMAT));
        self.make_closure(finished, Attributes::default(), place);
    }

    /// Pushes a name and its annotation.
    pub(super) fn annotation_of(
        &mut self,
        name: NameId,
        annotation: &'a Expr,
        place: Location,
    ) -> Result<()> {
        self.load_name_constant(name, place);
        if self.settings.futures.annotations {
            self.annotation_string(annotation);
            return Ok(());
        }
        match &annotation.kind {
            // `*args: *Ts` annotates with the single item that `*Ts` unpacks to.
            ExprKind::Starred { value, .. } => {
                self.expression(value)?;
                self.emit_argument(Op::UNPACK_SEQUENCE, 1, place);
                Ok(())
            }
            _ => self.expression(annotation),
        }
    }

    /// Makes the `__annotate__` function of a module or class.
    pub(super) fn deferred_annotations(&mut self, place: Location) -> Result<()> {
        let deferred = std::mem::take(&mut self.unit().deferred_annotations);
        if deferred.is_empty() {
            return Ok(());
        }
        let kind = self.unit().kind;
        let Some(scope) = self.scope().annotations else { return Ok(()) };
        // In a module it is made before everything else.
        let is_module = kind == UnitKind::Module;
        if is_module {
            let unit = self.unit();
            unit.stashed_sequence = Some(std::mem::take(&mut unit.sequence));
        }
        let name = self.table.scope(scope).name;
        self.enter_annotations(scope, name, place);
        self.emit_argument(Op::BUILD_MAP, 0, place);
        for (statement, number) in deferred {
            let StmtKind::AnnAssign { target, annotation, .. } = &statement.kind else { continue };
            let ExprKind::Name { id, .. } = &target.kind else { continue };
            let statement_place = location(statement.span);
            let name = self.intern(id);
            let class = self.unit().class;
            let mangled = self.names.mangle(class, name);
            let not_set = self.new_label();
            if let Some(number) = number {
                self.load_constant(Constant::Int(number), statement_place);
                if is_module {
                    self.emit_name_shifted(
                        Op::LOAD_GLOBAL,
                        names::CONDITIONAL_ANNOTATIONS,
                        0,
                        0,
                        statement_place,
                    );
                } else {
                    let index = self.unit().free_index(names::CONDITIONAL_ANNOTATIONS);
                    self.emit_argument(Op::LOAD_DEREF, index, statement_place);
                }
                self.emit_argument(Op::CONTAINS_OP, 0, statement_place);
                self.emit_jump(Op::POP_JUMP_IF_FALSE, not_set, statement_place);
            }
            self.expression(annotation)?;
            self.emit_argument(Op::COPY, 2, statement_place);
            self.load_name_constant(mangled, statement_place);
            self.emit(Op::STORE_SUBSCR, place);
            self.use_label(not_set);
        }
        self.leave_annotations(place);
        let function = if kind == UnitKind::Class { names::ANNOTATE_FUNC } else { names::ANNOTATE };
        self.name(function, ExprContext::Store, place);
        if is_module {
            let unit = self.unit();
            if let Some(sequence) = unit.stashed_sequence.take() {
                let annotations = std::mem::replace(&mut unit.sequence, sequence);
                unit.sequence.annotations = Some(Box::new(annotations));
            }
        }
        Ok(())
    }
}

/// The parameter has a name that cannot be written, lest it hides a variable; to introspection it is `format`.
fn rename_format_parameter(code: &mut CodeObject, format: &Text) {
    let rest = code.locals_plus_names.iter().skip(1).cloned();
    code.locals_plus_names = std::iter::once(format.clone()).chain(rest).collect();
}

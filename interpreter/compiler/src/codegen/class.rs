//! Classes.

use rspy_code::operation::UnaryIntrinsic;
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{Expr, ExprContext, Keyword, Name, Stmt, StmtKind, TypeParam};

use super::function::{Attributes, first_line};
use super::unit::UnitKind;
use super::{Generator, ParameterCounts};
use crate::error::Result;
use crate::names::{self, NameId};
use crate::op::Op;
use crate::symtable::{ScopeRole, location};

/// The parts of a class definition.
struct Definition<'a> {
    name: &'a Name,
    bases: &'a [Expr],
    keywords: &'a [Keyword],
    body: &'a [Stmt],
    decorators: &'a [Expr],
    type_params: &'a Vec<TypeParam>,
}

impl<'a> Generator<'a> {
    pub(super) fn class(&mut self, statement: &'a Stmt) -> Result<()> {
        let StmtKind::ClassDef { name, bases, keywords, body, decorator_list, type_params } = &statement.kind
        else {
            return Ok(());
        };
        let definition = Definition { name, bases, keywords, body, decorators: decorator_list, type_params };
        let place = location(statement.span);
        self.expressions(definition.decorators)?;
        let line = first_line(statement, definition.decorators);
        let name = self.intern(definition.name);
        let is_generic = !type_params.is_empty();
        if is_generic {
            let counts = ParameterCounts::default();
            self.enter_type_parameters(definition.name, type_params, line, Some(name), counts);
            self.type_parameters(type_params)?;
            self.name(names::DOT_TYPE_PARAMS, ExprContext::Store, place);
        }
        self.class_body(statement, &definition, name, line)?;
        if is_generic {
            self.name(names::DOT_TYPE_PARAMS, ExprContext::Load, place);
            let intrinsic = UnaryIntrinsic::SubscriptGeneric;
            self.emit_argument(Op::CALL_INTRINSIC_1, intrinsic as i32, place);
            self.name(names::DOT_GENERIC_BASE, ExprContext::Store, place);
            let base = Some(names::DOT_GENERIC_BASE);
            self.call_with(2, definition.bases, base, definition.keywords, place)?;
            let finished = self.finish_unit(false);
            self.make_closure(finished, Attributes::default(), place);
            self.emit(Op::PUSH_NULL, place);
            self.emit_argument(Op::CALL, 0, place);
        } else {
            self.call_with(2, definition.bases, None, definition.keywords, place)?;
        }
        self.apply_decorators(definition.decorators);
        self.name(name, ExprContext::Store, place);
        Ok(())
    }

    /// Pushes what `__build_class__` is called with first: the function that fills the namespace, and the name.
    fn class_body(
        &mut self,
        statement: &'a Stmt,
        definition: &Definition<'a>,
        name: NameId,
        line: i32,
    ) -> Result<()> {
        let scope = self.scope_of(statement, ScopeRole::Body);
        self.enter(name, UnitKind::Class, scope, line, Some(name), ParameterCounts::default());
        self.class_prologue(line, !definition.type_params.is_empty());
        let place = Location::new(line, line, 0, 0);
        self.body(definition.body, place)?;
        self.class_epilogue();
        let finished = self.finish_unit(true);
        let place = location(statement.span);
        self.emit(Op::LOAD_BUILD_CLASS, place);
        self.emit(Op::PUSH_NULL, place);
        self.make_closure(finished, Attributes::default(), place);
        self.load_name_constant(name, place);
        Ok(())
    }

    /// What a class's namespace has before its body is executed.
    fn class_prologue(&mut self, line: i32, is_generic: bool) {
        let place = Location::new(line, line, 0, 0);
        self.name(names::NAME, ExprContext::Load, place);
        self.name(names::MODULE, ExprContext::Store, place);
        let qualified_name = self.unit().qualified_name.clone();
        self.load_constant(Constant::Str(qualified_name), place);
        self.name(names::QUALNAME, ExprContext::Store, place);
        self.load_constant(Constant::Int(i64::from(line)), place);
        self.name(names::FIRSTLINENO, ExprContext::Store, place);
        if is_generic {
            self.name(names::DOT_TYPE_PARAMS, ExprContext::Load, place);
            self.name(names::TYPE_PARAMS, ExprContext::Store, place);
        }
        if self.scope().needs_class_dict {
            self.emit(Op::LOAD_LOCALS, place);
            let index = self.unit().cells.add(names::CLASSDICT);
            self.emit_argument(Op::STORE_DEREF, index, place);
        }
        if self.scope().has_conditional_annotations {
            self.emit_argument(Op::BUILD_SET, 0, place);
            let index = self.unit().cells.add(names::CONDITIONAL_ANNOTATIONS);
            self.emit_argument(Op::STORE_DEREF, index, place);
        }
    }

    /// What a class's namespace gets after its body was executed, and the cell for `__class__`.
    fn class_epilogue(&mut self) {
        const NOWHERE: Location = Location::NONE;
        let mut attributes = std::mem::take(&mut self.unit().static_attributes);
        attributes.sort_by(|&left, &right| self.names.compare(left, right));
        self.load_names(attributes, NOWHERE);
        self.name(names::STATIC_ATTRIBUTES, ExprContext::Store, NOWHERE);
        if self.scope().needs_class_dict {
            let index = self.unit().cells.add(names::CLASSDICT);
            self.emit_argument(Op::LOAD_CLOSURE, index, NOWHERE);
            self.name(names::CLASSDICTCELL, ExprContext::Store, NOWHERE);
        }
        if self.scope().needs_class_closure {
            let index = self.unit().cells.add(names::CLASS);
            self.emit_argument(Op::LOAD_CLOSURE, index, NOWHERE);
            self.emit_argument(Op::COPY, 1, NOWHERE);
            self.name(names::CLASSCELL, ExprContext::Store, NOWHERE);
        } else {
            self.load_constant(Constant::None, NOWHERE);
        }
        self.emit(Op::RETURN_VALUE, NOWHERE);
    }
}

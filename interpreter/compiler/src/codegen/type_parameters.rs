//! Type parameters and type aliases (PEP 695, PEP 696).

use rspy_code::Constant;
use rspy_code::operation::{BinaryIntrinsic, FunctionAttribute, UnaryIntrinsic};
use rspy_syntax::ast::{Expr, ExprContext, ExprKind, Name, Stmt, TypeParam, TypeParamKind};

use super::function::Attributes;
use super::unit::UnitKind;
use super::{Generator, ParameterCounts};
use crate::error::Result;
use crate::names::NameId;
use crate::op::Op;
use crate::symtable::{ScopeRole, location};

impl<'a> Generator<'a> {
    /// Starts the code in which type parameters are made.
    pub(super) fn enter_type_parameters(
        &mut self,
        owner: &Name,
        parameters: &'a Vec<TypeParam>,
        line: i32,
        class: Option<NameId>,
        counts: ParameterCounts,
    ) {
        let name = self.names.intern(&format!("<generic parameters of {owner}>"));
        let scope = self.scope_of(parameters, ScopeRole::TypeParameters);
        self.enter(name, UnitKind::Annotations, scope, line, class, counts);
    }

    /// Makes type parameters, stores each under its name, and pushes the tuple of all.
    pub(super) fn type_parameters(&mut self, parameters: &'a [TypeParam]) -> Result<()> {
        let mut has_default = false;
        for parameter in parameters {
            self.type_parameter(parameter, &mut has_default)?;
        }
        if let Some(first) = parameters.first() {
            self.emit_argument(Op::BUILD_TUPLE, parameters.len(), location(first.span));
        }
        Ok(())
    }

    fn type_parameter(&mut self, parameter: &'a TypeParam, has_default: &mut bool) -> Result<()> {
        let place = location(parameter.span);
        let (name, bound, default, unary) = match &parameter.kind {
            TypeParamKind::TypeVar { name, bound, default_value } => {
                (name, bound.as_deref(), default_value.as_deref(), UnaryIntrinsic::TypeVar)
            }
            TypeParamKind::ParamSpec { name, default_value } => {
                (name, None, default_value.as_deref(), UnaryIntrinsic::ParamSpec)
            }
            TypeParamKind::TypeVarTuple { name, default_value } => {
                (name, None, default_value.as_deref(), UnaryIntrinsic::TypeVarTuple)
            }
        };
        let id = self.intern(name);
        self.load_name_constant(id, place);
        if let Some(bound) = bound {
            self.lazy_value(parameter, ScopeRole::Bound, id, bound, false)?;
            let intrinsic = if matches!(bound.kind, ExprKind::Tuple { .. }) {
                BinaryIntrinsic::TypeVarWithConstraints
            } else {
                BinaryIntrinsic::TypeVarWithBound
            };
            self.emit_argument(Op::CALL_INTRINSIC_2, intrinsic as i32, place);
        } else {
            self.emit_argument(Op::CALL_INTRINSIC_1, unary as i32, place);
        }
        if let Some(default) = default {
            *has_default = true;
            let allows_star = unary == UnaryIntrinsic::TypeVarTuple;
            self.lazy_value(parameter, ScopeRole::Default, id, default, allows_star)?;
            let intrinsic = BinaryIntrinsic::SetTypeParameterDefault;
            self.emit_argument(Op::CALL_INTRINSIC_2, intrinsic as i32, place);
        } else if *has_default {
            let message = format!("non-default type parameter '{name}' follows default type parameter");
            return self.fail(place, message);
        }
        self.emit_argument(Op::COPY, 1, place);
        self.name(id, ExprContext::Store, place);
        Ok(())
    }

    /// Makes the function that computes a bound or default when it is asked for.
    fn lazy_value(
        &mut self,
        parameter: &'a TypeParam,
        role: ScopeRole,
        name: NameId,
        value: &'a Expr,
        allows_star: bool,
    ) -> Result<()> {
        let place = location(value.span);
        self.load_constant(Constant::tuple([Constant::Int(1)]), place);
        let scope = self.scope_of(parameter, role);
        self.enter_annotations(scope, name, place);
        match &value.kind {
            ExprKind::Starred { value, .. } if allows_star => {
                self.expression(value)?;
                self.emit_argument(Op::UNPACK_SEQUENCE, 1, place);
            }
            _ => self.expression(value)?,
        }
        self.emit(Op::RETURN_VALUE, place);
        let finished = self.finish_unit(true);
        let attributes = Attributes::default().with(FunctionAttribute::Defaults);
        self.make_closure(finished, attributes, place);
        Ok(())
    }

    pub(super) fn type_alias(
        &mut self,
        statement: &'a Stmt,
        target: &'a Expr,
        parameters: &'a Vec<TypeParam>,
        value: &'a Expr,
    ) -> Result<()> {
        let place = location(statement.span);
        let ExprKind::Name { id, .. } = &target.kind else { return Ok(()) };
        let name = self.intern(id);
        let is_generic = !parameters.is_empty();
        if is_generic {
            self.enter_type_parameters(id, parameters, place.line, None, ParameterCounts::default());
            self.load_name_constant(name, place);
            self.type_parameters(parameters)?;
        } else {
            self.load_name_constant(name, place);
            self.load_constant(Constant::None, place);
        }
        self.load_constant(Constant::tuple([Constant::Int(1)]), place);
        let scope = self.scope_of(statement, ScopeRole::Body);
        self.enter_annotations(scope, name, place);
        self.expression(value)?;
        self.emit(Op::RETURN_VALUE, place);
        let finished = self.finish_unit(false);
        let attributes = Attributes::default().with(FunctionAttribute::Defaults);
        self.make_closure(finished, attributes, place);
        self.emit_argument(Op::BUILD_TUPLE, 3, place);
        self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::TypeAlias as i32, place);
        if is_generic {
            let finished = self.finish_unit(false);
            self.make_closure(finished, Attributes::default(), place);
            self.emit(Op::PUSH_NULL, place);
            self.emit_argument(Op::CALL, 0, place);
        }
        self.name(name, ExprContext::Store, place);
        Ok(())
    }
}

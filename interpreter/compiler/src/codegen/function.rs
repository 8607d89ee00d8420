//! Functions and lambdas.

use std::sync::Arc;

use rspy_code::operation::{BinaryIntrinsic, FunctionAttribute, UnaryIntrinsic};
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{Arg, Arguments, Expr, ExprContext, Name, Stmt, StmtKind, TypeParam};

use super::blocks::Surrounding;
use super::unit::UnitKind;
use super::{Finished, Generator, ParameterCounts};
use crate::docstring::{body_statements, clean, docstring, starts_with_plain_string};
use crate::error::Result;
use crate::names;
use crate::op::Op;
use crate::symtable::{ScopeRole, location};

/// Which attributes of a new function are on the stack, as a set of [`FunctionAttribute`]s.
#[derive(Clone, Copy, Default)]
pub(super) struct Attributes(u8);

impl Attributes {
    pub(super) fn with(self, attribute: FunctionAttribute) -> Self {
        Self(self.0 | attribute as u8)
    }

    fn has(self, attribute: FunctionAttribute) -> bool {
        self.0 & attribute as u8 != 0
    }
}

/// The parts of a function definition.
#[derive(Clone, Copy)]
struct Definition<'a> {
    name: &'a Name,
    arguments: &'a Arguments,
    body: &'a [Stmt],
    decorators: &'a [Expr],
    returns: Option<&'a Expr>,
    type_params: &'a Vec<TypeParam>,
    is_async: bool,
}

impl<'a> Definition<'a> {
    fn of(statement: &'a Stmt) -> Option<Self> {
        Some(match &statement.kind {
            StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_params, .. } => Self {
                name,
                arguments: args,
                body,
                decorators: decorator_list,
                returns: returns.as_deref(),
                type_params,
                is_async: false,
            },
            StmtKind::AsyncFunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                Self {
                    name,
                    arguments: args,
                    body,
                    decorators: decorator_list,
                    returns: returns.as_deref(),
                    type_params,
                    is_async: true,
                }
            }
            _ => return None,
        })
    }
}

fn parameter_counts(arguments: &Arguments) -> ParameterCounts {
    ParameterCounts {
        positional_only: arguments.posonlyargs.len(),
        positional: arguments.args.len(),
        keyword_only: arguments.kwonlyargs.len(),
    }
}

/// The line a definition starts on, decorators included.
pub(super) fn first_line(statement: &Stmt, decorators: &[Expr]) -> i32 {
    decorators.first().map_or(statement.span.line, |decorator| decorator.span.line) as i32
}

impl<'a> Generator<'a> {
    pub(super) fn function(&mut self, statement: &'a Stmt) -> Result<()> {
        let Some(definition) = Definition::of(statement) else { return Ok(()) };
        let place = location(statement.span);
        self.expressions(definition.decorators)?;
        let line = first_line(statement, definition.decorators);
        let mut attributes = self.default_arguments(definition.arguments, place)?;
        let is_generic = !definition.type_params.is_empty();
        let mut passed = 0;
        if is_generic {
            passed = usize::from(attributes.has(FunctionAttribute::Defaults))
                + usize::from(attributes.has(FunctionAttribute::KeywordDefaults));
            if passed == 2 {
                self.emit_argument(Op::SWAP, 2, place);
            }
            let counts = ParameterCounts { positional: passed, ..ParameterCounts::default() };
            self.enter_type_parameters(definition.name, definition.type_params, line, None, counts);
            self.type_parameters(definition.type_params)?;
            for index in 0..passed {
                self.emit_argument(Op::LOAD_FAST, index, place);
            }
        }
        if self.function_annotations(definition.arguments, definition.returns, place)? {
            attributes = attributes.with(FunctionAttribute::Annotate);
        }
        self.function_body(statement, &definition, attributes, line)?;
        if is_generic {
            self.emit_argument(Op::SWAP, 2, place);
            let intrinsic = BinaryIntrinsic::SetFunctionTypeParameters;
            self.emit_argument(Op::CALL_INTRINSIC_2, intrinsic as i32, place);
            let finished = self.finish_unit(false);
            self.make_closure(finished, Attributes::default(), place);
            if passed > 0 {
                self.emit_argument(Op::SWAP, passed + 1, place);
                self.emit_argument(Op::CALL, passed - 1, place);
            } else {
                self.emit(Op::PUSH_NULL, place);
                self.emit_argument(Op::CALL, 0, place);
            }
        }
        self.apply_decorators(definition.decorators);
        let name = self.intern(definition.name);
        self.name(name, ExprContext::Store, place);
        Ok(())
    }

    fn function_body(
        &mut self,
        statement: &'a Stmt,
        definition: &Definition<'a>,
        attributes: Attributes,
        line: i32,
    ) -> Result<()> {
        let kind = if definition.is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let scope = self.scope_of(statement, ScopeRole::Body);
        let name = self.intern(definition.name);
        self.enter(name, kind, scope, line, None, parameter_counts(definition.arguments));
        let optimize = self.settings.optimize;
        let mut statements = body_statements(definition.body, optimize);
        if let Some((_, text)) = docstring(definition.body, optimize) {
            self.add_constant(Constant::Str(clean(text)));
            statements = &statements[1..];
        }
        let start = self.new_label();
        self.use_label(start);
        let is_generator = self.scope().is_coroutine || self.scope().is_generator;
        if is_generator {
            self.push_block(Surrounding::StopIteration, Some(start), None, Location::NONE)?;
        }
        if starts_with_plain_string(definition.body, optimize) {
            self.plain_string(&statements[0])?;
            statements = &statements[1..];
        }
        self.replace_docstring(definition.body);
        self.statements(statements)?;
        if is_generator {
            self.wrap_in_stop_iteration_handler();
            self.pop_block();
        }
        let finished = self.finish_unit(true);
        self.make_closure(finished, attributes, location(statement.span));
        Ok(())
    }

    /// A `StopIteration` that leaves a generator becomes a `RuntimeError` (PEP 479).
    pub(super) fn wrap_in_stop_iteration_handler(&mut self) {
        let handler = self.new_label();
        self.unit().sequence.insert_first(Op::SETUP_CLEANUP, handler, Location::NONE);
        self.load_constant(Constant::None, Location::NONE);
        self.emit(Op::RETURN_VALUE, Location::NONE);
        self.use_label(handler);
        let intrinsic = UnaryIntrinsic::StopIterationError;
        self.emit_argument(Op::CALL_INTRINSIC_1, intrinsic as i32, Location::NONE);
        self.emit_argument(Op::RERAISE, 1, Location::NONE);
    }

    pub(super) fn apply_decorators(&mut self, decorators: &[Expr]) {
        for decorator in decorators.iter().rev() {
            self.emit_argument(Op::CALL, 0, location(decorator.span));
        }
    }

    /// Pushes the defaults of parameters.
    fn default_arguments(&mut self, arguments: &'a Arguments, place: Location) -> Result<Attributes> {
        let mut attributes = Attributes::default();
        if !arguments.defaults.is_empty() {
            self.expressions(&arguments.defaults)?;
            self.emit_argument(Op::BUILD_TUPLE, arguments.defaults.len(), place);
            attributes = attributes.with(FunctionAttribute::Defaults);
        }
        let mut count = 0;
        for (parameter, default) in arguments.kwonlyargs.iter().zip(&arguments.kw_defaults) {
            let Some(default) = default else { continue };
            count += 1;
            let name = self.intern(&parameter.arg);
            let mangled = self.mangle(name);
            self.load_name_constant(mangled, place);
            self.expression(default)?;
        }
        if count > 0 {
            self.emit_argument(Op::BUILD_MAP, count, place);
            attributes = attributes.with(FunctionAttribute::KeywordDefaults);
        }
        Ok(attributes)
    }

    /// Makes the function that gives the annotations, if there are any.
    fn function_annotations(
        &mut self,
        arguments: &'a Arguments,
        returns: Option<&'a Expr>,
        place: Location,
    ) -> Result<bool> {
        let scope = self.scope_of(arguments, ScopeRole::Annotations);
        if !self.table.scope(scope).annotations_used {
            return Ok(false);
        }
        let name = self.table.scope(scope).name;
        self.enter_annotations(scope, name, place);
        let mut count = 0;
        let parameters = arguments
            .args
            .iter()
            .chain(&arguments.posonlyargs)
            .chain(arguments.vararg.as_deref())
            .chain(&arguments.kwonlyargs)
            .chain(arguments.kwarg.as_deref());
        for parameter in parameters {
            count += self.parameter_annotation(parameter, place)?;
        }
        if let Some(returns) = returns {
            count += 1;
            self.annotation_of(names::RETURN, returns, place)?;
        }
        self.emit_argument(Op::BUILD_MAP, count, place);
        self.leave_annotations(place);
        Ok(true)
    }

    fn parameter_annotation(&mut self, parameter: &'a Arg, place: Location) -> Result<usize> {
        let Some(annotation) = &parameter.annotation else { return Ok(0) };
        let name = self.intern(&parameter.arg);
        let mangled = self.mangle(name);
        self.annotation_of(mangled, annotation, place)?;
        Ok(1)
    }

    pub(super) fn lambda(
        &mut self,
        lambda: &'a Expr,
        arguments: &'a Arguments,
        body: &'a Expr,
    ) -> Result<()> {
        let place = location(lambda.span);
        let attributes = self.default_arguments(arguments, place)?;
        let scope = self.scope_of(lambda, ScopeRole::Body);
        let counts = parameter_counts(arguments);
        self.enter(names::ANONYMOUS_LAMBDA, UnitKind::Lambda, scope, place.line, None, counts);
        self.expression(body)?;
        let finished = if self.scope().is_generator {
            self.finish_unit(false)
        } else {
            self.emit(Op::RETURN_VALUE, location(body.span));
            self.finish_unit(true)
        };
        self.make_closure(finished, attributes, place);
        Ok(())
    }

    /// Makes a function of a code object, with the attributes that are on the stack.
    pub(super) fn make_closure(&mut self, finished: Finished, attributes: Attributes, place: Location) {
        let Finished { code, free } = finished;
        let mut attributes = attributes;
        if !free.is_empty() {
            for &name in &free {
                let index = self.closure_index(name);
                self.emit_argument(Op::LOAD_CLOSURE, index, place);
            }
            self.emit_argument(Op::BUILD_TUPLE, free.len(), place);
            attributes = attributes.with(FunctionAttribute::Closure);
        }
        self.load_constant(Constant::Code(Arc::new(code)), place);
        self.emit(Op::MAKE_FUNCTION, place);
        for attribute in [
            FunctionAttribute::Closure,
            FunctionAttribute::Annotations,
            FunctionAttribute::Annotate,
            FunctionAttribute::KeywordDefaults,
            FunctionAttribute::Defaults,
        ] {
            if attributes.has(attribute) {
                self.emit_argument(Op::SET_FUNCTION_ATTRIBUTE, attribute as i32, place);
            }
        }
    }
}

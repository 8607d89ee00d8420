//! The first pass over expressions.

use rspy_syntax::ast::{Comprehension as Generator, Expr, ExprContext, ExprKind};

use super::build::{Builder, location};
use super::scope::{Comprehension, ScopeKey, ScopeKind, ScopeRole, usage};
use crate::error::Result;
use crate::names::{self, NameId};

impl Builder<'_> {
    pub(super) fn visit_all(&mut self, expressions: &[Expr]) -> Result<()> {
        expressions.iter().try_for_each(|expression| self.visit_expression(expression))
    }

    pub(super) fn visit_present(&mut self, expressions: &[Option<Expr>]) -> Result<()> {
        expressions.iter().flatten().try_for_each(|expression| self.visit_expression(expression))
    }

    pub(super) fn visit_optional(&mut self, expression: Option<&Expr>) -> Result<()> {
        expression.map_or(Ok(()), |expression| self.visit_expression(expression))
    }

    pub(super) fn visit_expression(&mut self, expression: &Expr) -> Result<()> {
        self.depth.enter()?;
        self.expression(expression)?;
        self.depth.leave();
        Ok(())
    }

    fn expression(&mut self, expression: &Expr) -> Result<()> {
        match &expression.kind {
            ExprKind::NamedExpr { target, value } => self.visit_named(expression, target, value),
            ExprKind::BoolOp { values, .. }
            | ExprKind::JoinedStr { values }
            | ExprKind::TemplateStr { values } => self.visit_all(values),
            ExprKind::BinOp { left, right, .. } => {
                self.visit_expression(left)?;
                self.visit_expression(right)
            }
            ExprKind::UnaryOp { operand, .. } => self.visit_expression(operand),
            ExprKind::Lambda { args, body } => {
                self.visit_all(&args.defaults)?;
                self.visit_present(&args.kw_defaults)?;
                let key = ScopeKey::new(expression, ScopeRole::Body);
                self.enter(names::LAMBDA, ScopeKind::Function, Some(key), location(expression.span));
                self.visit_arguments(args)?;
                self.visit_expression(body)?;
                self.exit();
                Ok(())
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.visit_expression(test)?;
                self.visit_expression(body)?;
                self.visit_expression(orelse)
            }
            ExprKind::Dict { keys, values } => {
                self.visit_present(keys)?;
                self.visit_all(values)
            }
            ExprKind::Set { elts } | ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => {
                self.visit_all(elts)
            }
            ExprKind::GeneratorExp { elt, generators } => {
                self.visit_comprehension(expression, Comprehension::Generator, generators, elt, None)
            }
            ExprKind::ListComp { elt, generators } => {
                self.visit_comprehension(expression, Comprehension::List, generators, elt, None)
            }
            ExprKind::SetComp { elt, generators } => {
                self.visit_comprehension(expression, Comprehension::Set, generators, elt, None)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.visit_comprehension(expression, Comprehension::Dict, generators, key, Some(value))
            }
            ExprKind::Yield { value } => self.visit_yield(expression, value.as_deref()),
            ExprKind::YieldFrom { value } => self.visit_yield(expression, Some(value)),
            ExprKind::Await { value } => self.visit_await(expression, value),
            ExprKind::Compare { left, comparators, .. } => {
                self.visit_expression(left)?;
                self.visit_all(comparators)
            }
            ExprKind::Call { func, args, keywords } => {
                self.visit_expression(func)?;
                self.visit_all(args)?;
                self.visit_keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.visit_expression(value)?;
                self.visit_optional(format_spec.as_deref())
            }
            ExprKind::Constant { .. } => Ok(()),
            ExprKind::Attribute { value, attr, ctx } => {
                let name = self.intern(attr);
                match ctx {
                    ExprContext::Load => {}
                    ExprContext::Store => self.check_store(name, location(expression.span))?,
                    ExprContext::Del => self.check_delete(name, location(expression.span))?,
                }
                self.visit_expression(value)
            }
            ExprKind::Subscript { value, slice, .. } => {
                self.visit_expression(value)?;
                self.visit_expression(slice)
            }
            ExprKind::Starred { value, .. } => self.visit_expression(value),
            ExprKind::Slice { lower, upper, step } => {
                self.visit_optional(lower.as_deref())?;
                self.visit_optional(upper.as_deref())?;
                self.visit_optional(step.as_deref())
            }
            ExprKind::Name { id, ctx } => {
                let name = self.intern(id);
                self.visit_name(expression, name, *ctx)
            }
        }
    }

    fn visit_name(&mut self, expression: &Expr, name: NameId, context: ExprContext) -> Result<()> {
        let place = location(expression.span);
        if self.current().in_unevaluated_annotation {
            return Ok(());
        }
        match context {
            // This name is a constant.
            ExprContext::Load if name == names::DEBUG => Ok(()),
            ExprContext::Load => {
                self.define(name, usage::USE, place)?;
                if name == names::SUPER && self.current().is_function_like() {
                    self.define(names::CLASS, usage::USE, place)?;
                }
                Ok(())
            }
            ExprContext::Store => self.define(name, usage::LOCAL, place),
            ExprContext::Del => {
                self.check_delete(name, place)?;
                self.define(name, usage::LOCAL, place)
            }
        }
    }

    fn visit_named(&mut self, expression: &Expr, target: &Expr, value: &Expr) -> Result<()> {
        self.refuse_in_annotation("named expression", expression)?;
        let scope = self.current();
        if scope.comprehension_iterable_depth > 0 {
            return self.fail(
                location(expression.span),
                "assignment expression cannot be used in a comprehension iterable expression",
            );
        }
        if scope.comprehension.is_some() {
            self.bind_outside_comprehension(target)?;
        }
        self.visit_expression(value)?;
        self.visit_expression(target)
    }

    /// The target of a named expression in a comprehension belongs to the function or module around it.
    fn bind_outside_comprehension(&mut self, target: &Expr) -> Result<()> {
        let ExprKind::Name { id, .. } = &target.kind else { return Ok(()) };
        let place = location(target.span);
        let name = self.intern(id);
        for scope in self.stack.clone().into_iter().rev() {
            if self.table.scope(scope).comprehension.is_some() {
                const ITERATED: u16 = usage::COMPREHENSION_ITERATION | usage::LOCAL;
                if self.lookup(scope, name) & ITERATED == ITERATED {
                    return self.fail(
                        place,
                        format!(
                            "assignment expression cannot rebind comprehension iteration variable '{id}'"
                        ),
                    );
                }
                continue;
            }
            let message = match self.table.scope(scope).kind {
                ScopeKind::Function => {
                    let is_global = self.lookup(scope, name) & usage::GLOBAL != 0;
                    self.define(name, if is_global { usage::GLOBAL } else { usage::NONLOCAL }, place)?;
                    self.record_directive(name, place);
                    return self.define_in(scope, name, usage::LOCAL, place);
                }
                ScopeKind::Module => {
                    self.define(name, usage::GLOBAL, place)?;
                    self.record_directive(name, place);
                    return self.define_in(scope, name, usage::GLOBAL, place);
                }
                ScopeKind::Class => {
                    "assignment expression within a comprehension cannot be used in a class body"
                }
                ScopeKind::TypeParameters => {
                    "assignment expression within a comprehension cannot be used within the definition of a generic"
                }
                ScopeKind::TypeAlias => {
                    "assignment expression within a comprehension cannot be used in a type alias"
                }
                ScopeKind::TypeVariable => {
                    "assignment expression within a comprehension cannot be used in a TypeVar bound"
                }
                ScopeKind::Annotation => continue,
            };
            return self.fail(place, message);
        }
        Ok(())
    }

    fn visit_yield(&mut self, expression: &Expr, value: Option<&Expr>) -> Result<()> {
        self.refuse_in_annotation("yield expression", expression)?;
        self.visit_optional(value)?;
        self.current_mut().is_generator = true;
        let message = match self.current().comprehension {
            None => return Ok(()),
            Some(Comprehension::List) => "'yield' inside list comprehension",
            Some(Comprehension::Set) => "'yield' inside set comprehension",
            Some(Comprehension::Dict) => "'yield' inside dict comprehension",
            Some(Comprehension::Generator) => "'yield' inside generator expression",
        };
        self.fail(location(expression.span), message)
    }

    fn is_async_function(&self) -> bool {
        let scope = self.current();
        scope.kind == ScopeKind::Function && scope.is_coroutine
    }

    fn visit_await(&mut self, expression: &Expr, value: &Expr) -> Result<()> {
        self.refuse_in_annotation("await expression", expression)?;
        if !self.allows_top_level_await() {
            let place = location(expression.span);
            if !self.current().is_function_like() {
                return self.fail(place, "'await' outside function");
            }
            if !self.is_async_function() && self.current().comprehension.is_none() {
                return self.fail(place, "'await' outside async function");
            }
        }
        self.visit_expression(value)?;
        self.current_mut().is_coroutine = true;
        Ok(())
    }

    fn refuse_in_annotation(&self, what: &str, expression: &Expr) -> Result<()> {
        let scope = self.current();
        let message = match scope.kind {
            ScopeKind::Annotation => format!("{what} cannot be used within an annotation"),
            ScopeKind::TypeVariable => format!("{what} cannot be used within {}", scope.description),
            ScopeKind::TypeAlias => format!("{what} cannot be used within a type alias"),
            ScopeKind::TypeParameters => format!("{what} cannot be used within the definition of a generic"),
            _ => return Ok(()),
        };
        self.fail(location(expression.span), message)
    }

    fn visit_comprehension(
        &mut self,
        expression: &Expr,
        kind: Comprehension,
        generators: &[Generator],
        element: &Expr,
        value: Option<&Expr>,
    ) -> Result<()> {
        let Some((outermost, inner)) = generators.split_first() else { return Ok(()) };
        let place = location(expression.span);
        // The outermost iterable belongs to the code around.
        self.visit_iterable(&outermost.iter)?;
        let name = match kind {
            Comprehension::List => names::LISTCOMP,
            Comprehension::Set => names::SETCOMP,
            Comprehension::Dict => names::DICTCOMP,
            Comprehension::Generator => names::GENEXPR,
        };
        let key = ScopeKey::new(expression, ScopeRole::Body);
        self.enter(name, ScopeKind::Function, Some(key), place);
        self.current_mut().comprehension = Some(kind);
        if outermost.is_async != 0 {
            self.current_mut().is_coroutine = true;
        }
        self.define(names::DOT_ZERO, usage::PARAMETER, place)?;
        self.visit_target(&outermost.target)?;
        self.visit_all(&outermost.ifs)?;
        for generator in inner {
            self.visit_target(&generator.target)?;
            self.visit_iterable(&generator.iter)?;
            self.visit_all(&generator.ifs)?;
            if generator.is_async != 0 {
                self.current_mut().is_coroutine = true;
            }
        }
        self.visit_optional(value)?;
        self.visit_expression(element)?;
        let is_generator = kind == Comprehension::Generator;
        self.current_mut().is_generator = is_generator;
        let is_async = self.current().is_coroutine && !is_generator;
        self.exit();
        if is_async {
            let is_allowed = self.is_async_function()
                || self.current().comprehension.is_some()
                || self.allows_top_level_await();
            if !is_allowed {
                return self.fail(place, "asynchronous comprehension outside of an asynchronous function");
            }
            self.current_mut().is_coroutine = true;
        }
        Ok(())
    }

    fn visit_target(&mut self, target: &Expr) -> Result<()> {
        self.current_mut().in_comprehension_target = true;
        self.visit_expression(target)?;
        self.current_mut().in_comprehension_target = false;
        Ok(())
    }

    fn visit_iterable(&mut self, iterable: &Expr) -> Result<()> {
        self.current_mut().comprehension_iterable_depth += 1;
        self.visit_expression(iterable)?;
        self.current_mut().comprehension_iterable_depth -= 1;
        Ok(())
    }
}

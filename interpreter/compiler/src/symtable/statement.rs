//! The first pass over statements.

use rspy_code::Location;
use rspy_syntax::ast::{
    Alias, Arg, Arguments, ExceptHandler, ExceptHandlerKind, Expr, ExprKind, Keyword, MatchCase, Name,
    Pattern, PatternKind, Stmt, StmtKind, TypeParam, TypeParamKind, WithItem,
};

use super::build::{Builder, location};
use super::scope::{ScopeKey, ScopeKind, ScopeRole, usage};
use crate::docstring::{body_statements, has_docstring};
use crate::error::Result;
use crate::names::{self, NameId};

/// The parts of a function definition, asynchronous or not.
struct Function<'a> {
    name: &'a Name,
    arguments: &'a Arguments,
    body: &'a [Stmt],
    decorators: &'a [Expr],
    returns: Option<&'a Expr>,
    type_params: &'a Vec<TypeParam>,
    is_async: bool,
}

impl Builder<'_> {
    pub(super) fn visit_body(&mut self, body: &[Stmt]) -> Result<()> {
        body.iter().try_for_each(|statement| self.visit_statement(statement))
    }

    fn visit_conditional(&mut self, bodies: &[&[Stmt]]) -> Result<()> {
        let before = std::mem::replace(&mut self.current_mut().in_conditional_block, true);
        for body in bodies {
            self.visit_body(body)?;
        }
        self.current_mut().in_conditional_block = before;
        Ok(())
    }

    fn visit_statement(&mut self, statement: &Stmt) -> Result<()> {
        self.depth.enter()?;
        self.statement(statement)?;
        self.depth.leave();
        Ok(())
    }

    fn statement(&mut self, statement: &Stmt) -> Result<()> {
        let place = location(statement.span);
        match &statement.kind {
            StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                let function = Function {
                    name,
                    arguments: args,
                    body,
                    decorators: decorator_list,
                    returns: returns.as_deref(),
                    type_params,
                    is_async: false,
                };
                self.visit_function(statement, &function)
            }
            StmtKind::AsyncFunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                let function = Function {
                    name,
                    arguments: args,
                    body,
                    decorators: decorator_list,
                    returns: returns.as_deref(),
                    type_params,
                    is_async: true,
                };
                self.visit_function(statement, &function)
            }
            StmtKind::ClassDef { .. } => self.visit_class(statement),
            StmtKind::TypeAlias { name, type_params, value } => {
                self.visit_type_alias(statement, name, type_params, value)
            }
            StmtKind::Return { value } => self.visit_optional(value.as_deref()),
            StmtKind::Delete { targets } => self.visit_all(targets),
            StmtKind::Assign { targets, value, .. } => {
                self.visit_all(targets)?;
                self.visit_expression(value)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                self.visit_annotated_assignment(statement, target, annotation, value.as_deref(), *simple != 0)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.visit_expression(target)?;
                self.visit_expression(value)
            }
            StmtKind::For { target, iter, body, orelse, .. } => {
                self.visit_expression(target)?;
                self.visit_expression(iter)?;
                self.visit_conditional(&[body, orelse])
            }
            StmtKind::AsyncFor { target, iter, body, orelse, .. } => {
                self.require_coroutine(place, "'async for' outside async function")?;
                self.visit_expression(target)?;
                self.visit_expression(iter)?;
                self.visit_conditional(&[body, orelse])
            }
            StmtKind::While { test, body, orelse } | StmtKind::If { test, body, orelse } => {
                self.visit_expression(test)?;
                self.visit_conditional(&[body, orelse])
            }
            StmtKind::Match { subject, cases } => {
                self.visit_expression(subject)?;
                let before = std::mem::replace(&mut self.current_mut().in_conditional_block, true);
                cases.iter().try_for_each(|case| self.visit_match_case(case))?;
                self.current_mut().in_conditional_block = before;
                Ok(())
            }
            StmtKind::Raise { exc, cause } => {
                self.visit_optional(exc.as_deref())?;
                if exc.is_some() { self.visit_optional(cause.as_deref()) } else { Ok(()) }
            }
            StmtKind::Try { body, handlers, orelse, finalbody }
            | StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                let before = std::mem::replace(&mut self.current_mut().in_conditional_block, true);
                self.visit_body(body)?;
                handlers.iter().try_for_each(|handler| self.visit_handler(handler))?;
                self.visit_body(orelse)?;
                self.visit_body(finalbody)?;
                self.current_mut().in_conditional_block = before;
                Ok(())
            }
            StmtKind::Assert { test, msg } => {
                self.visit_expression(test)?;
                self.visit_optional(msg.as_deref())
            }
            StmtKind::Import { names } => names.iter().try_for_each(|alias| self.visit_alias(alias)),
            StmtKind::ImportFrom { module, names, level } => {
                names.iter().try_for_each(|alias| self.visit_alias(alias))?;
                self.check_future_import(place, module.as_ref(), *level)
            }
            StmtKind::Global { names } => names.iter().try_for_each(|name| self.visit_global(place, name)),
            StmtKind::Nonlocal { names } => {
                names.iter().try_for_each(|name| self.visit_nonlocal(place, name))
            }
            StmtKind::Expr { value } => self.visit_expression(value),
            StmtKind::Pass {} | StmtKind::Break {} | StmtKind::Continue {} => Ok(()),
            StmtKind::With { items, body, .. } => self.visit_with(items, body),
            StmtKind::AsyncWith { items, body, .. } => {
                self.require_coroutine(place, "'async with' outside async function")?;
                self.visit_with(items, body)
            }
        }
    }

    fn visit_with(&mut self, items: &[WithItem], body: &[Stmt]) -> Result<()> {
        let before = std::mem::replace(&mut self.current_mut().in_conditional_block, true);
        for item in items {
            self.visit_expression(&item.context_expr)?;
            self.visit_optional(item.optional_vars.as_deref())?;
        }
        self.visit_body(body)?;
        self.current_mut().in_conditional_block = before;
        Ok(())
    }

    /// Whether `await` may stand here since it may stand at the module's top level.
    pub(super) fn allows_top_level_await(&self) -> bool {
        self.settings.allow_top_level_await && self.current().kind == ScopeKind::Module
    }

    fn require_coroutine(&mut self, place: Location, message: &str) -> Result<()> {
        if self.allows_top_level_await() {
            self.current_mut().is_coroutine = true;
        }
        if self.current().is_coroutine { Ok(()) } else { self.fail(place, message) }
    }

    fn visit_function(&mut self, statement: &Stmt, function: &Function<'_>) -> Result<()> {
        let place = location(statement.span);
        let name = self.intern(function.name);
        self.define(name, usage::LOCAL, place)?;
        self.visit_all(&function.arguments.defaults)?;
        self.visit_present(&function.arguments.kw_defaults)?;
        self.visit_all(function.decorators)?;
        let is_generic = !function.type_params.is_empty();
        if is_generic {
            let has_keyword_defaults = function.arguments.kw_defaults.iter().any(Option::is_some);
            self.enter_type_parameters(name, function.type_params, place, false, true, has_keyword_defaults)?;
            function.type_params.iter().try_for_each(|parameter| self.visit_type_parameter(parameter))?;
        }
        let key = ScopeKey::new(statement, ScopeRole::Body);
        let scope = self.new_scope(name, ScopeKind::Function, Some(key), place);
        self.table.scope_mut(scope).has_docstring = has_docstring(function.body, self.settings.optimize);
        self.visit_annotations(place, function.arguments, function.returns)?;
        self.enter_existing(scope, true);
        self.current_mut().is_coroutine = function.is_async;
        self.visit_arguments(function.arguments)?;
        self.visit_body(body_statements(function.body, self.settings.optimize))?;
        self.exit();
        if is_generic {
            self.exit();
        }
        Ok(())
    }

    fn visit_class(&mut self, statement: &Stmt) -> Result<()> {
        let StmtKind::ClassDef { name, bases, keywords, body, decorator_list, type_params } = &statement.kind
        else {
            return Ok(());
        };
        let place = location(statement.span);
        let name = self.intern(name);
        self.define(name, usage::LOCAL, place)?;
        self.visit_all(decorator_list)?;
        let outer_class = self.class;
        let is_generic = !type_params.is_empty();
        if is_generic {
            self.enter_type_parameters(name, type_params, place, true, false, false)?;
            self.class = Some(name);
            self.start_mangled_names();
            type_params.iter().try_for_each(|parameter| self.visit_type_parameter(parameter))?;
        }
        self.visit_all(bases)?;
        self.visit_keywords(keywords)?;
        self.enter(name, ScopeKind::Class, Some(ScopeKey::new(statement, ScopeRole::Body)), place);
        self.class = Some(name);
        if is_generic {
            self.define(names::TYPE_PARAMS, usage::LOCAL, place)?;
            self.define(names::DOT_TYPE_PARAMS, usage::USE, place)?;
        }
        self.current_mut().has_docstring = has_docstring(body, self.settings.optimize);
        self.visit_body(body_statements(body, self.settings.optimize))?;
        self.exit();
        if is_generic {
            self.exit();
        }
        self.class = outer_class;
        Ok(())
    }

    pub(super) fn visit_keywords(&mut self, keywords: &[Keyword]) -> Result<()> {
        for keyword in keywords {
            if let Some(name) = &keyword.arg {
                let name = self.intern(name);
                self.check_store(name, location(keyword.span))?;
            }
        }
        keywords.iter().try_for_each(|keyword| self.visit_expression(&keyword.value))
    }

    fn visit_type_alias(
        &mut self,
        statement: &Stmt,
        target: &Expr,
        type_params: &Vec<TypeParam>,
        value: &Expr,
    ) -> Result<()> {
        let place = location(statement.span);
        self.visit_expression(target)?;
        let ExprKind::Name { id, .. } = &target.kind else { return Ok(()) };
        let name = self.intern(id);
        let in_class = self.current().kind == ScopeKind::Class;
        let is_generic = !type_params.is_empty();
        if is_generic {
            self.enter_type_parameters(name, type_params, place, false, false, false)?;
            type_params.iter().try_for_each(|parameter| self.visit_type_parameter(parameter))?;
        }
        self.enter(name, ScopeKind::TypeAlias, Some(ScopeKey::new(statement, ScopeRole::Body)), place);
        if in_class {
            self.see_class_scope(location(value.span))?;
        }
        self.visit_expression(value)?;
        self.exit();
        if is_generic {
            self.exit();
        }
        Ok(())
    }

    fn visit_type_parameter(&mut self, parameter: &TypeParam) -> Result<()> {
        self.depth.enter()?;
        let place = location(parameter.span);
        let (name, bound, default, default_description) = match &parameter.kind {
            TypeParamKind::TypeVar { name, bound, default_value } => {
                (name, bound.as_deref(), default_value.as_deref(), "a TypeVar default")
            }
            TypeParamKind::TypeVarTuple { name, default_value } => {
                (name, None, default_value.as_deref(), "a TypeVarTuple default")
            }
            TypeParamKind::ParamSpec { name, default_value } => {
                (name, None, default_value.as_deref(), "a ParamSpec default")
            }
        };
        let name = self.intern(name);
        self.define(name, usage::TYPE_PARAMETER | usage::LOCAL, place)?;
        if name == names::CLASSDICT {
            return self.fail(place, "reserved name '__classdict__' cannot be used for type parameter");
        }
        if let Some(bound) = bound {
            let is_constraint = matches!(bound.kind, ExprKind::Tuple { .. });
            let description = if is_constraint { "a TypeVar constraint" } else { "a TypeVar bound" };
            self.visit_type_variable(parameter, ScopeRole::Bound, name, bound, description)?;
        }
        if let Some(default) = default {
            self.visit_type_variable(parameter, ScopeRole::Default, name, default, default_description)?;
        }
        self.depth.leave();
        Ok(())
    }

    fn visit_type_variable(
        &mut self,
        parameter: &TypeParam,
        role: ScopeRole,
        name: NameId,
        value: &Expr,
        description: &'static str,
    ) -> Result<()> {
        let in_class = self.current().sees_class_names;
        let place = location(value.span);
        self.enter(name, ScopeKind::TypeVariable, Some(ScopeKey::new(parameter, role)), place);
        if in_class {
            self.see_class_scope(place)?;
        }
        self.current_mut().description = description;
        self.visit_expression(value)?;
        self.exit();
        Ok(())
    }

    /// The annotations of parameters and of the result.
    fn visit_annotations(
        &mut self,
        place: Location,
        arguments: &Arguments,
        returns: Option<&Expr>,
    ) -> Result<()> {
        let outer = self.current();
        let in_class = outer.sees_class_names || outer.kind == ScopeKind::Class;
        let key = ScopeKey::new(arguments, ScopeRole::Annotations);
        self.enter(names::ANNOTATE, ScopeKind::Annotation, Some(key), place);
        if in_class {
            self.see_class_scope(place)?;
        }
        let parameters = arguments
            .posonlyargs
            .iter()
            .chain(&arguments.args)
            .chain(arguments.vararg.as_deref())
            .chain(arguments.kwarg.as_deref())
            .chain(&arguments.kwonlyargs);
        for annotation in parameters.filter_map(|parameter| parameter.annotation.as_deref()).chain(returns) {
            self.current_mut().annotations_used = true;
            self.visit_expression(annotation)?;
        }
        self.exit();
        Ok(())
    }

    pub(super) fn visit_arguments(&mut self, arguments: &Arguments) -> Result<()> {
        let named = arguments.posonlyargs.iter().chain(&arguments.args).chain(&arguments.kwonlyargs);
        named.into_iter().try_for_each(|parameter| self.visit_parameter(parameter))?;
        if let Some(parameter) = &arguments.vararg {
            self.visit_parameter(parameter)?;
            self.current_mut().has_varargs = true;
        }
        if let Some(parameter) = &arguments.kwarg {
            self.visit_parameter(parameter)?;
            self.current_mut().has_varkeywords = true;
        }
        Ok(())
    }

    fn visit_parameter(&mut self, parameter: &Arg) -> Result<()> {
        let name = self.intern(&parameter.arg);
        self.define(name, usage::PARAMETER, location(parameter.span))
    }

    fn visit_annotated_assignment(
        &mut self,
        statement: &Stmt,
        target: &Expr,
        annotation: &Expr,
        value: Option<&Expr>,
        is_simple: bool,
    ) -> Result<()> {
        self.current_mut().annotations_used = true;
        if let ExprKind::Name { id, .. } = &target.kind {
            let name = self.intern(id);
            let current = self.current_id();
            let known = self.lookup(current, name);
            let is_declared = known & (usage::GLOBAL | usage::NONLOCAL) != 0;
            if is_declared && current != self.table.top && is_simple {
                let kind = if known & usage::GLOBAL != 0 { "global" } else { "nonlocal" };
                let message = format!("annotated name '{id}' can't be {kind}");
                return self.fail(location(statement.span), message);
            }
            if is_simple {
                self.define(name, usage::ANNOTATED | usage::LOCAL, location(target.span))?;
            } else if value.is_some() {
                self.define(name, usage::LOCAL, location(target.span))?;
            }
        } else {
            self.visit_expression(target)?;
        }
        self.visit_annotation(annotation)?;
        self.visit_optional(value)
    }

    fn visit_global(&mut self, place: Location, name: &Name) -> Result<()> {
        let id = self.declare(place, name, "global")?;
        self.define(id, usage::GLOBAL, place)?;
        self.record_directive(id, place);
        Ok(())
    }

    fn visit_nonlocal(&mut self, place: Location, name: &Name) -> Result<()> {
        let id = self.declare(place, name, "nonlocal")?;
        self.define(id, usage::NONLOCAL, place)?;
        self.record_directive(id, place);
        Ok(())
    }

    /// Checks that a name may be declared here.
    fn declare(&mut self, place: Location, name: &Name, kind: &str) -> Result<NameId> {
        let id = self.intern(name);
        let current = self.current_id();
        let known = self.lookup(current, id);
        let message = if known & usage::PARAMETER != 0 {
            format!("name '{name}' is parameter and {kind}")
        } else if known & usage::USE != 0 {
            format!("name '{name}' is used prior to {kind} declaration")
        } else if known & usage::ANNOTATED != 0 {
            format!("annotated name '{name}' can't be {kind}")
        } else if known & usage::LOCAL != 0 {
            format!("name '{name}' is assigned to before {kind} declaration")
        } else {
            return Ok(id);
        };
        self.fail(place, message)
    }

    fn visit_handler(&mut self, handler: &ExceptHandler) -> Result<()> {
        let ExceptHandlerKind::ExceptHandler { r#type, name, body } = &handler.kind;
        self.visit_optional(r#type.as_deref())?;
        if let Some(name) = name {
            let name = self.intern(name);
            self.define(name, usage::LOCAL, location(handler.span))?;
        }
        self.visit_body(body)
    }

    fn visit_alias(&mut self, alias: &Alias) -> Result<()> {
        let place = location(alias.span);
        let name = alias.asname.as_ref().unwrap_or(&alias.name);
        if *name == "*" {
            if self.current().kind == ScopeKind::Module {
                return Ok(());
            }
            return self.fail(place, "import * only allowed at module level");
        }
        let bound = name.split('.').next().unwrap_or_default();
        let bound = self.names.intern(bound);
        self.define(bound, usage::IMPORT, place)
    }

    fn check_future_import(&self, place: Location, module: Option<&Name>, level: Option<i32>) -> Result<()> {
        let last = self.settings.futures.location;
        let is_late = place.line > last.line || place.line == last.end_line && place.column > last.end_column;
        if level.unwrap_or(0) == 0 && module.is_some_and(|module| *module == "__future__") && is_late {
            return self.fail(place, "from __future__ imports must occur at the beginning of the file");
        }
        Ok(())
    }

    fn visit_match_case(&mut self, case: &MatchCase) -> Result<()> {
        self.visit_pattern(&case.pattern)?;
        self.visit_optional(case.guard.as_deref())?;
        self.visit_body(&case.body)
    }

    fn visit_patterns(&mut self, patterns: &[Pattern]) -> Result<()> {
        patterns.iter().try_for_each(|pattern| self.visit_pattern(pattern))
    }

    fn visit_capture(&mut self, name: Option<&Name>, place: Location) -> Result<()> {
        let Some(name) = name else { return Ok(()) };
        let name = self.intern(name);
        self.define(name, usage::LOCAL, place)
    }

    fn visit_pattern(&mut self, pattern: &Pattern) -> Result<()> {
        self.depth.enter()?;
        let place = location(pattern.span);
        match &pattern.kind {
            PatternKind::MatchValue { value } => self.visit_expression(value)?,
            PatternKind::MatchSingleton { .. } => {}
            PatternKind::MatchSequence { patterns } | PatternKind::MatchOr { patterns } => {
                self.visit_patterns(patterns)?;
            }
            PatternKind::MatchStar { name } => self.visit_capture(name.as_ref(), place)?,
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.visit_all(keys)?;
                self.visit_patterns(patterns)?;
                self.visit_capture(rest.as_ref(), place)?;
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.visit_expression(cls)?;
                self.visit_patterns(patterns)?;
                for (name, pattern) in kwd_attrs.iter().zip(kwd_patterns) {
                    let name = self.intern(name);
                    self.check_store(name, location(pattern.span))?;
                }
                self.visit_patterns(kwd_patterns)?;
            }
            PatternKind::MatchAs { pattern, name } => {
                if let Some(pattern) = pattern {
                    self.visit_pattern(pattern)?;
                }
                self.visit_capture(name.as_ref(), place)?;
            }
        }
        self.depth.leave();
        Ok(())
    }
}

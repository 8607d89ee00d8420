//! Checks of trees that were made by hand: what the grammar promises of parsed ones.

use rspy_runtime::exceptions::PyResult;
use rspy_runtime::vm::Vm;
use rspy_syntax::ast::{
    Alias, Arg, Arguments, Comprehension, Constant, ExceptHandler, ExceptHandlerKind, Expr, ExprContext, ExprKind, Keyword,
    MatchCase, Mod, Operator, Pattern, PatternKind, Stmt, StmtKind, TypeParam, TypeParamKind, UnaryOp, WithItem,
};

use ExprContext::{Del, Load, Store};

/// Checks a tree.
///
/// # Errors
/// `ValueError` and `TypeError` as CPython has them.
pub fn check(vm: &Vm, tree: &Mod) -> PyResult<()> {
    let checker = Checker { vm };
    match tree {
        Mod::Module { body, .. } | Mod::Interactive { body } => checker.statements(body),
        Mod::Expression { body } => checker.expression(body, Load),
        Mod::FunctionType { argtypes, returns } => {
            checker.expressions(argtypes, Load)?;
            checker.expression(returns, Load)
        }
    }
}

struct Checker<'a> {
    vm: &'a Vm,
}

fn context_name(context: ExprContext) -> &'static str {
    match context {
        Load => "Load",
        Store => "Store",
        Del => "Del",
    }
}

impl Checker<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> PyResult<T> {
        Err(self.vm.value_error(message))
    }

    fn fail_type<T>(&self, message: &str) -> PyResult<T> {
        Err(self.vm.type_error(message))
    }

    fn not_empty<T>(&self, items: &[T], what: &str, owner: &str) -> PyResult<()> {
        if items.is_empty() { self.fail(format!("empty {what} on {owner}")) } else { Ok(()) }
    }

    fn name(&self, name: &str) -> PyResult<()> {
        if matches!(name, "None" | "True" | "False") {
            return self.fail(format!("identifier field can't represent '{name}' constant"));
        }
        Ok(())
    }

    fn aliases(&self, aliases: &[Alias]) -> PyResult<()> {
        aliases.iter().try_for_each(|alias| {
            self.name(&alias.name)?;
            alias.asname.as_ref().map_or(Ok(()), |name| self.name(name))
        })
    }

    fn expressions(&self, items: &[Expr], context: ExprContext) -> PyResult<()> {
        items.iter().try_for_each(|item| self.expression(item, context))
    }

    fn optional(&self, item: Option<&Expr>) -> PyResult<()> {
        item.map_or(Ok(()), |item| self.expression(item, Load))
    }

    fn gapped(&self, items: &[Option<Expr>]) -> PyResult<()> {
        items.iter().try_for_each(|item| self.optional(item.as_ref()))
    }

    fn statements(&self, items: &[Stmt]) -> PyResult<()> {
        items.iter().try_for_each(|item| self.statement(item))
    }

    fn body(&self, items: &[Stmt], owner: &str) -> PyResult<()> {
        self.not_empty(items, "body", owner)?;
        self.statements(items)
    }

    fn targets(&self, items: &[Expr], context: ExprContext) -> PyResult<()> {
        self.not_empty(items, "targets", if context == Del { "Delete" } else { "Assign" })?;
        self.expressions(items, context)
    }

    fn keywords(&self, items: &[Keyword]) -> PyResult<()> {
        items.iter().try_for_each(|item| self.expression(&item.value, Load))
    }

    fn parameter_list(&self, items: &[Arg]) -> PyResult<()> {
        items.iter().try_for_each(|item| self.optional(item.annotation.as_deref()))
    }

    fn arguments(&self, arguments: &Arguments) -> PyResult<()> {
        self.parameter_list(&arguments.posonlyargs)?;
        self.parameter_list(&arguments.args)?;
        if let Some(rest) = &arguments.vararg {
            self.optional(rest.annotation.as_deref())?;
        }
        self.parameter_list(&arguments.kwonlyargs)?;
        if let Some(rest) = &arguments.kwarg {
            self.optional(rest.annotation.as_deref())?;
        }
        if arguments.defaults.len() > arguments.posonlyargs.len() + arguments.args.len() {
            return self.fail("more positional defaults than args on arguments");
        }
        if arguments.kw_defaults.len() != arguments.kwonlyargs.len() {
            return self.fail("length of kwonlyargs is not the same as kw_defaults on arguments");
        }
        self.expressions(&arguments.defaults, Load)?;
        self.gapped(&arguments.kw_defaults)
    }

    fn comprehensions(&self, generators: &[Comprehension]) -> PyResult<()> {
        if generators.is_empty() {
            return self.fail("comprehension with no generators");
        }
        generators.iter().try_for_each(|generator| {
            self.expression(&generator.target, Store)?;
            self.expression(&generator.iter, Load)?;
            self.expressions(&generator.ifs, Load)
        })
    }

    fn context(&self, expression: &Expr, context: ExprContext) -> PyResult<()> {
        let actual = match &expression.kind {
            ExprKind::Name { id, ctx } => {
                self.name(id)?;
                *ctx
            }
            ExprKind::Attribute { ctx, .. }
            | ExprKind::Subscript { ctx, .. }
            | ExprKind::Starred { ctx, .. }
            | ExprKind::List { ctx, .. }
            | ExprKind::Tuple { ctx, .. } => *ctx,
            _ if context != Load => {
                let context = context_name(context);
                return self.fail(format!("expression which can't be assigned to in {context} context"));
            }
            _ => return Ok(()),
        };
        if actual != context {
            let (context, actual) = (context_name(context), context_name(actual));
            return self.fail(format!("expression must have {context} context but has {actual} instead"));
        }
        Ok(())
    }

    fn expression(&self, expression: &Expr, context: ExprContext) -> PyResult<()> {
        self.vm.check_stack(" during compilation")?;
        self.context(expression, context)?;
        match &expression.kind {
            ExprKind::BoolOp { values, .. } => {
                if values.len() < 2 {
                    return self.fail("BoolOp with less than 2 values");
                }
                self.expressions(values, Load)
            }
            ExprKind::BinOp { left, right, .. } => {
                self.expression(left, Load)?;
                self.expression(right, Load)
            }
            ExprKind::UnaryOp { operand: value, .. }
            | ExprKind::YieldFrom { value }
            | ExprKind::Await { value }
            | ExprKind::Attribute { value, .. } => self.expression(value, Load),
            ExprKind::Lambda { args, body } => {
                self.arguments(args)?;
                self.expression(body, Load)
            }
            ExprKind::IfExp { test, body, orelse } => {
                self.expression(test, Load)?;
                self.expression(body, Load)?;
                self.expression(orelse, Load)
            }
            ExprKind::Dict { keys, values } => {
                if keys.len() != values.len() {
                    return self.fail("Dict doesn't have the same number of keys as values");
                }
                self.gapped(keys)?;
                self.expressions(values, Load)
            }
            ExprKind::ListComp { elt, generators }
            | ExprKind::SetComp { elt, generators }
            | ExprKind::GeneratorExp { elt, generators } => {
                self.comprehensions(generators)?;
                self.expression(elt, Load)
            }
            ExprKind::DictComp { key, value, generators } => {
                self.comprehensions(generators)?;
                self.expression(key, Load)?;
                self.expression(value, Load)
            }
            ExprKind::Yield { value } => self.optional(value.as_deref()),
            ExprKind::Compare { left, ops, comparators } => {
                if comparators.is_empty() {
                    return self.fail("Compare with no comparators");
                }
                if comparators.len() != ops.len() {
                    return self.fail("Compare has a different number of comparators and operands");
                }
                self.expressions(comparators, Load)?;
                self.expression(left, Load)
            }
            ExprKind::Call { func, args, keywords } => {
                self.expression(func, Load)?;
                self.expressions(args, Load)?;
                self.keywords(keywords)
            }
            ExprKind::FormattedValue { value, format_spec, .. }
            | ExprKind::Interpolation { value, format_spec, .. } => {
                self.expression(value, Load)?;
                self.optional(format_spec.as_deref())
            }
            ExprKind::Set { elts: values }
            | ExprKind::JoinedStr { values }
            | ExprKind::TemplateStr { values } => self.expressions(values, Load),
            ExprKind::Subscript { value, slice, .. } => {
                self.expression(slice, Load)?;
                self.expression(value, Load)
            }
            ExprKind::Starred { value, .. } => self.expression(value, context),
            ExprKind::List { elts, .. } | ExprKind::Tuple { elts, .. } => self.expressions(elts, context),
            ExprKind::Slice { lower, upper, step } => {
                [lower, upper, step].into_iter().try_for_each(|part| self.optional(part.as_deref()))
            }
            ExprKind::NamedExpr { target, value } => {
                if !matches!(target.kind, ExprKind::Name { .. }) {
                    return self.fail_type("NamedExpr target must be a Name");
                }
                self.expression(value, Load)
            }
            ExprKind::Constant { .. } | ExprKind::Name { .. } => Ok(()),
        }
    }

    fn type_parameters(&self, parameters: &[TypeParam]) -> PyResult<()> {
        parameters.iter().try_for_each(|parameter| match &parameter.kind {
            TypeParamKind::TypeVar { name, bound, default_value } => {
                self.name(name)?;
                self.optional(bound.as_deref())?;
                self.optional(default_value.as_deref())
            }
            TypeParamKind::ParamSpec { name, default_value }
            | TypeParamKind::TypeVarTuple { name, default_value } => {
                self.name(name)?;
                self.optional(default_value.as_deref())
            }
        })
    }

    fn function(
        &self,
        owner: &str,
        (body, type_params): (&[Stmt], &[TypeParam]),
        (args, decorators, returns): (&Arguments, &[Expr], Option<&Expr>),
    ) -> PyResult<()> {
        self.body(body, owner)?;
        self.type_parameters(type_params)?;
        self.arguments(args)?;
        self.expressions(decorators, Load)?;
        self.optional(returns)
    }

    fn loop_over(&self, owner: &str, target: &Expr, iter: &Expr, body: &[Stmt], orelse: &[Stmt]) -> PyResult<()> {
        self.expression(target, Store)?;
        self.expression(iter, Load)?;
        self.body(body, owner)?;
        self.statements(orelse)
    }

    fn branches(&self, owner: &str, test: &Expr, body: &[Stmt], orelse: &[Stmt]) -> PyResult<()> {
        self.expression(test, Load)?;
        self.body(body, owner)?;
        self.statements(orelse)
    }

    fn with(&self, owner: &str, items: &[WithItem], body: &[Stmt]) -> PyResult<()> {
        self.not_empty(items, "items", owner)?;
        for item in items {
            self.expression(&item.context_expr, Load)?;
            if let Some(target) = &item.optional_vars {
                self.expression(target, Store)?;
            }
        }
        self.body(body, owner)
    }

    fn attempt(
        &self,
        owner: &str,
        body: &[Stmt],
        handlers: &[ExceptHandler],
        orelse: &[Stmt],
        finalbody: &[Stmt],
    ) -> PyResult<()> {
        self.body(body, owner)?;
        if handlers.is_empty() && finalbody.is_empty() {
            return self.fail(format!("{owner} has neither except handlers nor finalbody"));
        }
        if handlers.is_empty() && !orelse.is_empty() {
            return self.fail(format!("{owner} has orelse but no except handlers"));
        }
        for handler in handlers {
            let ExceptHandlerKind::ExceptHandler { r#type, name, body } = &handler.kind;
            name.as_ref().map_or(Ok(()), |name| self.name(name))?;
            self.optional(r#type.as_deref())?;
            self.body(body, "ExceptHandler")?;
        }
        self.statements(finalbody)?;
        self.statements(orelse)
    }

    fn cases(&self, cases: &[MatchCase]) -> PyResult<()> {
        self.not_empty(cases, "cases", "Match")?;
        cases.iter().try_for_each(|case| {
            self.pattern(&case.pattern, false)?;
            self.optional(case.guard.as_deref())?;
            self.body(&case.body, "match_case")
        })
    }

    fn statement(&self, statement: &Stmt) -> PyResult<()> {
        self.vm.check_stack(" during compilation")?;
        match &statement.kind {
            StmtKind::FunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                self.name(name)?;
                self.function("FunctionDef", (body, type_params), (args, decorator_list, returns.as_deref()))
            }
            StmtKind::AsyncFunctionDef { name, args, body, decorator_list, returns, type_params, .. } => {
                self.name(name)?;
                self.function("AsyncFunctionDef", (body, type_params), (args, decorator_list, returns.as_deref()))
            }
            StmtKind::ClassDef { name, bases, keywords, body, decorator_list, type_params } => {
                self.name(name)?;
                self.body(body, "ClassDef")?;
                self.type_parameters(type_params)?;
                self.expressions(bases, Load)?;
                self.keywords(keywords)?;
                self.expressions(decorator_list, Load)
            }
            StmtKind::Return { value } => self.optional(value.as_deref()),
            StmtKind::Delete { targets } => self.targets(targets, Del),
            StmtKind::Assign { targets, value, .. } => {
                self.targets(targets, Store)?;
                self.expression(value, Load)
            }
            StmtKind::TypeAlias { name, type_params, value } => {
                if !matches!(name.kind, ExprKind::Name { .. }) {
                    return self.fail_type("TypeAlias with non-Name name");
                }
                self.expression(name, Store)?;
                self.type_parameters(type_params)?;
                self.expression(value, Load)
            }
            StmtKind::AugAssign { target, value, .. } => {
                self.expression(target, Store)?;
                self.expression(value, Load)
            }
            StmtKind::AnnAssign { target, annotation, value, simple } => {
                if *simple != 0 && !matches!(target.kind, ExprKind::Name { .. }) {
                    return self.fail_type("AnnAssign with simple non-Name target");
                }
                self.expression(target, Store)?;
                self.optional(value.as_deref())?;
                self.expression(annotation, Load)
            }
            StmtKind::For { target, iter, body, orelse, .. } => self.loop_over("For", target, iter, body, orelse),
            StmtKind::AsyncFor { target, iter, body, orelse, .. } => {
                self.loop_over("AsyncFor", target, iter, body, orelse)
            }
            StmtKind::While { test, body, orelse } => self.branches("While", test, body, orelse),
            StmtKind::If { test, body, orelse } => self.branches("If", test, body, orelse),
            StmtKind::With { items, body, .. } => self.with("With", items, body),
            StmtKind::AsyncWith { items, body, .. } => self.with("AsyncWith", items, body),
            StmtKind::Match { subject, cases } => {
                self.expression(subject, Load)?;
                self.cases(cases)
            }
            StmtKind::Raise { exc, cause } => {
                if exc.is_none() && cause.is_some() {
                    return self.fail("Raise with cause but no exception");
                }
                self.optional(exc.as_deref())?;
                self.optional(cause.as_deref())
            }
            StmtKind::Try { body, handlers, orelse, finalbody } => {
                self.attempt("Try", body, handlers, orelse, finalbody)
            }
            StmtKind::TryStar { body, handlers, orelse, finalbody } => {
                self.attempt("TryStar", body, handlers, orelse, finalbody)
            }
            StmtKind::Assert { test, msg } => {
                self.expression(test, Load)?;
                self.optional(msg.as_deref())
            }
            StmtKind::Import { names } => {
                self.not_empty(names, "names", "Import")?;
                self.aliases(names)
            }
            StmtKind::ImportFrom { names, level, .. } => {
                if level.is_some_and(|level| level < 0) {
                    return self.fail("Negative ImportFrom level");
                }
                self.not_empty(names, "names", "ImportFrom")?;
                self.aliases(names)
            }
            StmtKind::Global { names } => self.not_empty(names, "names", "Global"),
            StmtKind::Nonlocal { names } => self.not_empty(names, "names", "Nonlocal"),
            StmtKind::Expr { value } => self.expression(value, Load),
            StmtKind::Pass {} | StmtKind::Break {} | StmtKind::Continue {} => Ok(()),
        }
    }

    fn capture(&self, name: &str) -> PyResult<()> {
        if name == "_" {
            return self.fail("can't capture name '_' in patterns");
        }
        self.name(name)
    }

    fn patterns(&self, patterns: &[Pattern], star_allowed: bool) -> PyResult<()> {
        patterns.iter().try_for_each(|pattern| self.pattern(pattern, star_allowed))
    }

    fn pattern(&self, pattern: &Pattern, star_allowed: bool) -> PyResult<()> {
        self.vm.check_stack(" during compilation")?;
        match &pattern.kind {
            PatternKind::MatchValue { value } => self.pattern_value(value),
            PatternKind::MatchSingleton { value } => match value {
                Constant::None | Constant::True | Constant::False => Ok(()),
                _ => self.fail("MatchSingleton can only contain True, False and None"),
            },
            PatternKind::MatchSequence { patterns } => self.patterns(patterns, true),
            PatternKind::MatchMapping { keys, patterns, rest } => {
                if keys.len() != patterns.len() {
                    return self.fail("MatchMapping doesn't have the same number of keys as patterns");
                }
                rest.as_ref().map_or(Ok(()), |rest| self.capture(rest))?;
                keys.iter().filter(|key| !is_singleton(key)).try_for_each(|key| self.pattern_value(key))?;
                self.patterns(patterns, false)
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                if kwd_attrs.len() != kwd_patterns.len() {
                    return self
                        .fail("MatchClass doesn't have the same number of keyword attributes as patterns");
                }
                self.pattern_class(cls)?;
                kwd_attrs.iter().try_for_each(|name| self.name(name))?;
                self.patterns(patterns, false)?;
                self.patterns(kwd_patterns, false)
            }
            PatternKind::MatchStar { name } => {
                if !star_allowed {
                    return self.fail("can't use MatchStar here");
                }
                name.as_ref().map_or(Ok(()), |name| self.capture(name))
            }
            PatternKind::MatchAs { pattern, name } => {
                name.as_ref().map_or(Ok(()), |name| self.capture(name))?;
                match (pattern, name) {
                    (None, _) => Ok(()),
                    (Some(_), None) => {
                        self.fail("MatchAs must specify a target name if a pattern is given")
                    }
                    (Some(pattern), Some(_)) => self.pattern(pattern, false),
                }
            }
            PatternKind::MatchOr { patterns } => {
                if patterns.len() < 2 {
                    return self.fail("MatchOr requires at least 2 patterns");
                }
                self.patterns(patterns, false)
            }
        }
    }

    fn pattern_class(&self, class: &Expr) -> PyResult<()> {
        self.expression(class, Load)?;
        let mut inner = class;
        loop {
            match &inner.kind {
                ExprKind::Name { .. } => return Ok(()),
                ExprKind::Attribute { value, .. } => inner = value,
                _ => return self.fail("MatchClass cls field can only contain Name or Attribute nodes."),
            }
        }
    }

    fn pattern_value(&self, value: &Expr) -> PyResult<()> {
        self.expression(value, Load)?;
        let allowed = match &value.kind {
            ExprKind::Constant { value, .. } => {
                if matches!(
                    value,
                    Constant::None
                        | Constant::True
                        | Constant::False
                        | Constant::Ellipsis
                        | Constant::Tuple(_)
                        | Constant::FrozenSet(_)
                ) {
                    return self.fail("unexpected constant inside of a literal pattern");
                }
                true
            }
            ExprKind::Attribute { .. } | ExprKind::JoinedStr { .. } => true,
            ExprKind::UnaryOp { .. } => is_negative_number(value, true),
            ExprKind::BinOp { left, op, right } => {
                matches!(op, Operator::Add | Operator::Sub)
                    && (is_number(left, true, false) || is_negative_number(left, false))
                    && is_number(right, false, true)
            }
            _ => false,
        };
        if allowed { Ok(()) } else { self.fail("patterns may only match literals and attribute lookups") }
    }
}

fn is_singleton(expression: &Expr) -> bool {
    matches!(
        expression.kind,
        ExprKind::Constant { value: Constant::None | Constant::True | Constant::False, .. }
    )
}

fn is_number(expression: &Expr, real: bool, imaginary: bool) -> bool {
    match &expression.kind {
        ExprKind::Constant { value, .. } => match value {
            Constant::Int(_) | Constant::BigInt(_) | Constant::Float(_) => real,
            Constant::Complex { .. } => imaginary,
            _ => false,
        },
        _ => false,
    }
}

fn is_negative_number(expression: &Expr, imaginary: bool) -> bool {
    match &expression.kind {
        ExprKind::UnaryOp { op: UnaryOp::USub, operand } => is_number(operand, true, imaginary),
        _ => false,
    }
}

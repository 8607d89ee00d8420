//! Calls: of functions, of methods, and of `super()`.

use rspy_code::operation::{CommonConstant, UnaryIntrinsic};
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{self, Expr, ExprContext, ExprKind, Keyword};

use super::Generator;
use super::expression::attribute_place;
use crate::error::Result;
use crate::flowgraph::STACK_USE_GUIDELINE;
use crate::instruction_sequence::Label;
use crate::names::{self, NameId};
use crate::op::Op;
use crate::symtable::{ScopeRole, Visibility, location, usage};

impl<'a> Generator<'a> {
    pub(super) fn call(
        &mut self,
        call: &'a Expr,
        function: &'a Expr,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<()> {
        self.check_keywords(keywords)?;
        if let ExprKind::Attribute { value, attr, ctx: ExprContext::Load } = &function.kind
            && self.is_plain_method_call(value, arguments, keywords)
        {
            return self.method_call(call, function, value, attr, arguments, keywords);
        }
        self.check_called(function);
        let end = self.new_label();
        self.expression(function)?;
        self.inline_known_call(function, arguments, keywords, end)?;
        self.emit(Op::PUSH_NULL, location(function.span));
        self.call_with(0, arguments, None, keywords, location(call.span))?;
        self.use_label(end);
        Ok(())
    }

    fn check_keywords(&mut self, keywords: &[Keyword]) -> Result<()> {
        for (index, keyword) in keywords.iter().enumerate() {
            let Some(name) = &keyword.arg else { continue };
            let repeated = keywords[index + 1..].iter().find(|other| other.arg.as_ref() == Some(name));
            if let Some(other) = repeated {
                return self.fail(location(other.span), format!("keyword argument repeated: {name}"));
            }
        }
        Ok(())
    }

    /// Warns of calls of what surely cannot be called.
    fn check_called(&mut self, function: &Expr) {
        if matches!(function.kind, ExprKind::Lambda { .. }) {
            return;
        }
        if let Some(type_name) = self.type_name(function) {
            let message = format!("'{type_name}' object is not callable; perhaps you missed a comma?");
            self.warn(location(function.span), message);
        }
    }

    /// Whether the method of an object can be called without making a bound method.
    fn is_plain_method_call(&mut self, object: &Expr, arguments: &[Expr], keywords: &[Keyword]) -> bool {
        if let ExprKind::Name { id, .. } = &object.kind {
            // What is imported is likely a module, whose functions are no methods.
            let name = self.intern(id);
            let top = self.table.top();
            if self.table.scope(top).usage(name) & usage::IMPORT != 0 {
                return false;
            }
        }
        let count = arguments.len() + keywords.len() + usize::from(!keywords.is_empty());
        count < STACK_USE_GUIDELINE
            && !arguments.iter().any(|argument| matches!(argument.kind, ExprKind::Starred { .. }))
            && keywords.iter().all(|keyword| keyword.arg.is_some())
    }

    fn method_call(
        &mut self,
        call: &'a Expr,
        method: &'a Expr,
        object: &'a Expr,
        name: &'a ast::Name,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
    ) -> Result<()> {
        let place = attribute_place(location(method.span), name);
        if self.can_optimize_super(object, name) {
            self.super_attribute(method, object, name, true)?;
            self.emit(Op::NOP, place);
        } else {
            self.expression(object)?;
            let name = self.intern(name);
            self.load_method(name, place);
        }
        self.expressions(arguments)?;
        let call_place = attribute_place_of_call(location(call.span), location(method.span), name);
        if keywords.is_empty() {
            self.emit_argument(Op::CALL, arguments.len(), call_place);
        } else {
            self.keyword_values(keywords, place)?;
            self.emit_argument(Op::CALL_KW, arguments.len() + keywords.len(), call_place);
        }
        Ok(())
    }

    /// The values of keyword arguments, then the tuple of their names.
    fn keyword_values(&mut self, keywords: &'a [Keyword], place: Location) -> Result<()> {
        keywords.iter().try_for_each(|keyword| self.expression(&keyword.value))?;
        let names: Vec<NameId> = keywords
            .iter()
            .filter_map(|keyword| keyword.arg.as_ref())
            .map(|name| self.names.intern(name))
            .collect();
        self.load_names(names, place);
        Ok(())
    }

    /// A call with `pushed` arguments on the stack already and `last` after the positional ones.
    pub(super) fn call_with(
        &mut self,
        pushed: usize,
        arguments: &'a [Expr],
        last: Option<NameId>,
        keywords: &'a [Keyword],
        place: Location,
    ) -> Result<()> {
        self.check_keywords(keywords)?;
        let is_big = arguments.len() + keywords.len() * 2 > STACK_USE_GUIDELINE;
        let unpacks = arguments.iter().any(|argument| matches!(argument.kind, ExprKind::Starred { .. }))
            || keywords.iter().any(|keyword| keyword.arg.is_none());
        if is_big || unpacks {
            return self.call_with_collections(pushed, arguments, last, keywords, place);
        }
        self.expressions(arguments)?;
        if let Some(last) = last {
            self.name(last, ExprContext::Load, place);
        }
        let count = pushed + arguments.len() + usize::from(last.is_some());
        if keywords.is_empty() {
            self.emit_argument(Op::CALL, count, place);
        } else {
            self.keyword_values(keywords, place)?;
            self.emit_argument(Op::CALL_KW, count + keywords.len(), place);
        }
        Ok(())
    }

    /// A call with a tuple of positional and a dict of keyword arguments.
    fn call_with_collections(
        &mut self,
        pushed: usize,
        arguments: &'a [Expr],
        last: Option<NameId>,
        keywords: &'a [Keyword],
        place: Location,
    ) -> Result<()> {
        match arguments {
            [Expr { kind: ExprKind::Starred { value, .. }, .. }] if pushed == 0 => self.expression(value)?,
            _ => self.tuple_of(arguments, last, pushed, place)?,
        }
        if keywords.is_empty() {
            self.emit(Op::PUSH_NULL, place);
            self.emit(Op::CALL_FUNCTION_EX, place);
            return Ok(());
        }
        let mut has_dict = false;
        let mut pending = 0;
        for (index, keyword) in keywords.iter().enumerate() {
            if keyword.arg.is_some() {
                pending += 1;
                continue;
            }
            if pending > 0 {
                self.keyword_dict(&keywords[index - pending..index], &mut has_dict, place)?;
                pending = 0;
            }
            if !has_dict {
                self.emit_argument(Op::BUILD_MAP, 0, place);
                has_dict = true;
            }
            self.expression(&keyword.value)?;
            self.emit_argument(Op::DICT_MERGE, 1, place);
        }
        if pending > 0 {
            self.keyword_dict(&keywords[keywords.len() - pending..], &mut has_dict, place)?;
        }
        self.emit(Op::CALL_FUNCTION_EX, place);
        Ok(())
    }

    /// A dict of keyword arguments, merged into the one below if there is one.
    fn keyword_dict(&mut self, keywords: &'a [Keyword], has_dict: &mut bool, place: Location) -> Result<()> {
        let is_big = keywords.len() * 2 > STACK_USE_GUIDELINE;
        if is_big {
            self.emit_argument(Op::BUILD_MAP, 0, Location::NONE);
        }
        for keyword in keywords {
            if let Some(name) = &keyword.arg {
                let name = self.intern(name);
                self.load_name_constant(name, place);
            }
            self.expression(&keyword.value)?;
            if is_big {
                self.emit_argument(Op::MAP_ADD, 1, Location::NONE);
            }
        }
        if !is_big {
            self.emit_argument(Op::BUILD_MAP, keywords.len(), place);
        }
        if std::mem::replace(has_dict, true) {
            self.emit_argument(Op::DICT_MERGE, 1, place);
        }
        Ok(())
    }

    /// `all`, `any` and `tuple` of a generator expression run the generator in place, provided that the name still means
    /// the builtin.
    fn inline_known_call(
        &mut self,
        function: &'a Expr,
        arguments: &'a [Expr],
        keywords: &'a [Keyword],
        end: Label,
    ) -> Result<()> {
        let ExprKind::Name { id, .. } = &function.kind else { return Ok(()) };
        let [argument @ Expr { kind: ExprKind::GeneratorExp { .. }, .. }] = arguments else { return Ok(()) };
        let scope = self.scope_of(argument, ScopeRole::Body);
        if !keywords.is_empty() || self.table.scope(scope).is_coroutine {
            return Ok(());
        }
        // What it is if no item decides otherwise, and the jump that goes on with the next item.
        let (builtin, decision) = match id.as_str() {
            "all" => (CommonConstant::All, Some((true, Op::POP_JUMP_IF_TRUE))),
            "any" => (CommonConstant::Any, Some((false, Op::POP_JUMP_IF_FALSE))),
            "tuple" => (CommonConstant::Tuple, None),
            _ => return Ok(()),
        };
        let place = location(function.span);
        let skip = self.new_label();
        self.emit_argument(Op::COPY, 1, place);
        self.emit_argument(Op::LOAD_COMMON_CONSTANT, builtin as i32, place);
        self.emit_argument(Op::IS_OP, 0, place);
        self.emit_jump(Op::POP_JUMP_IF_FALSE, skip, place);
        self.emit(Op::POP_TOP, place);
        if decision.is_none() {
            self.emit_argument(Op::BUILD_LIST, 0, place);
        }
        self.expression(argument)?;
        let start = self.new_label();
        let cleanup = self.new_label();
        self.use_label(start);
        self.emit_jump(Op::FOR_ITER, cleanup, place);
        match decision {
            None => {
                self.emit_argument(Op::LIST_APPEND, 2, place);
                self.emit_jump(Op::JUMP, start, place);
            }
            Some((_, jump)) => {
                self.emit(Op::TO_BOOL, place);
                self.emit_jump(jump, start, place);
            }
        }
        self.emit(Op::POP_ITER, Location::NONE);
        if let Some((initial, _)) = decision {
            self.load_constant(Constant::Bool(!initial), place);
        }
        self.emit_jump(Op::JUMP, end, place);
        self.use_label(cleanup);
        self.emit(Op::END_FOR, Location::NONE);
        self.emit(Op::POP_ITER, Location::NONE);
        match decision {
            None => self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::ListToTuple as i32, place),
            Some((initial, _)) => self.load_constant(Constant::Bool(initial), place),
        }
        self.emit_jump(Op::JUMP, end, place);
        self.use_label(skip);
        Ok(())
    }

    /// Whether `super(…).name` can be looked up without making the `super` object.
    pub(super) fn can_optimize_super(&mut self, object: &Expr, attribute: &ast::Name) -> bool {
        let ExprKind::Call { func, args, keywords } = &object.kind else { return false };
        let is_super = matches!(&func.kind, ExprKind::Name { id, .. } if *id == "super");
        if !is_super || *attribute == "__class__" || !keywords.is_empty() {
            return false;
        }
        // The name must mean the builtin, as far as can be seen.
        let top = self.table.top();
        if self.scope().visibility(names::SUPER) != Visibility::GlobalImplicit
            || self.table.scope(top).visibility(names::SUPER) != Visibility::Unknown
        {
            return false;
        }
        match args.len() {
            2 => !args.iter().any(|argument| matches!(argument.kind, ExprKind::Starred { .. })),
            0 => {
                let parameters = self.unit().parameters;
                parameters.positional + parameters.positional_only > 0
                    && self.reference_kind(names::CLASS) == Visibility::Free
            }
            _ => false,
        }
    }

    /// Looks an attribute or a method up in `super(…)`.
    pub(super) fn super_attribute(
        &mut self,
        attribute: &'a Expr,
        object: &'a Expr,
        name: &'a ast::Name,
        is_method: bool,
    ) -> Result<()> {
        let ExprKind::Call { func, args, .. } = &object.kind else { return Ok(()) };
        let place = location(object.span);
        self.name(names::SUPER, ExprContext::Load, location(func.span));
        if args.len() == 2 {
            self.expressions(args)?;
        } else {
            self.name(names::CLASS, ExprContext::Load, place);
            let first = self.unit().locals.list.first().copied();
            if let Some(first) = first {
                self.name(first, ExprContext::Load, place);
            }
        }
        let flags = usize::from(is_method) | if args.len() == 2 { 2 } else { 0 };
        let name = self.intern(name);
        self.emit_name_shifted(Op::LOAD_SUPER_ATTR, name, 2, flags, location(attribute.span));
        Ok(())
    }
}

/// Where a method call is made: like the attribute's place, but to the end of the call.
fn attribute_place_of_call(call: Location, method: Location, name: &ast::Name) -> Location {
    let mut place = call;
    if place.line != method.end_line {
        place.line = method.end_line;
        let length = name.chars().count() as i32;
        if length <= method.end_column {
            place.column = method.end_column - length;
        } else {
            place.column = -1;
            place.end_column = -1;
        }
        place.end_line = place.end_line.max(place.line);
        if place.line == place.end_line {
            place.end_column = place.end_column.max(place.column);
        }
    }
    place
}

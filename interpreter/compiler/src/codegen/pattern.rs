//! `match` and its patterns (PEP 634).
//!
//! The code for a pattern takes the subject from the top of the stack. If it does not match, it jumps to a place that
//! drops what has piled up since; if it does, the values to be bound lie under the items still needed, and names are
//! bound only when the whole pattern has matched.

use rspy_code::operation::Binary;
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{
    CmpOp, Expr, ExprContext, ExprKind, MatchCase, Name, Operator, Pattern, PatternKind, UnaryOp,
};

use super::Generator;
use super::expression::constant_value;
use crate::arithmetic;
use crate::error::Result;
use crate::instruction_sequence::Label;
use crate::names::NameId;
use crate::op::Op;
use crate::representation;
use crate::symtable::location;

/// The state while the code for one case is generated.
#[derive(Default)]
struct Context {
    /// The names captured so far, the deepest on the stack first.
    stores: Vec<NameId>,
    /// Whether a pattern that always matches may stand here.
    allows_irrefutable: bool,
    /// Where to jump to drop as many items as the index says and fail.
    fail_pop: Vec<Label>,
    /// How many items must stay on top of the stack.
    on_top: usize,
}

fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(&pattern.kind, PatternKind::MatchAs { name: None, .. })
}

impl<'a> Generator<'a> {
    pub(super) fn match_statement(&mut self, subject: &'a Expr, cases: &'a [MatchCase]) -> Result<()> {
        self.expression(subject)?;
        let end = self.new_label();
        // A last `case _` needs no test.
        let (tested, default) = match cases.split_last() {
            Some((last, rest)) if is_wildcard(&last.pattern) && !rest.is_empty() => (rest, Some(last)),
            _ => (cases, None),
        };
        for (index, case) in tested.iter().enumerate() {
            self.case(case, index + 1 == tested.len(), index + 1 == cases.len(), end)?;
        }
        if let Some(case) = default {
            let place = location(case.pattern.span);
            // Line coverage sees the case.
            self.emit(Op::NOP, place);
            if let Some(guard) = &case.guard {
                self.jump_if(guard, end, false, place)?;
            }
            self.statements(&case.body)?;
        }
        self.use_label(end);
        Ok(())
    }

    /// One case. The last that is tested takes the subject itself, the others a copy.
    fn case(&mut self, case: &'a MatchCase, is_last_tested: bool, is_last: bool, end: Label) -> Result<()> {
        let place = location(case.pattern.span);
        if !is_last_tested {
            self.emit_argument(Op::COPY, 1, place);
        }
        let mut context =
            Context { allows_irrefutable: case.guard.is_some() || is_last, ..Context::default() };
        self.pattern(&case.pattern, &mut context)?;
        for name in context.stores {
            self.name(name, ExprContext::Store, place);
        }
        let mut fail_pop = context.fail_pop;
        if let Some(guard) = &case.guard {
            self.ensure_fail_pop(&mut fail_pop, 0);
            self.jump_if(guard, fail_pop[0], false, place)?;
        }
        if !is_last_tested {
            self.emit(Op::POP_TOP, Location::NEXT);
        }
        self.statements(&case.body)?;
        self.emit_jump(Op::JUMP, end, Location::NONE);
        // A failed pattern's clean-up belongs to its line, not to the body's last.
        self.emit_fail_pop(fail_pop, place);
        Ok(())
    }

    fn ensure_fail_pop(&mut self, fail_pop: &mut Vec<Label>, pops: usize) {
        while fail_pop.len() <= pops {
            let label = self.new_label();
            fail_pop.push(label);
        }
    }

    /// Jumps to where the pattern has failed.
    fn jump_to_fail(&mut self, context: &mut Context, op: Op, place: Location) {
        let pops = context.on_top + context.stores.len();
        self.ensure_fail_pop(&mut context.fail_pop, pops);
        self.emit_jump(op, context.fail_pop[pops], place);
    }

    /// The places to which failing patterns jump: each drops an item and falls through to the next.
    fn emit_fail_pop(&mut self, fail_pop: Vec<Label>, place: Location) {
        for (pops, label) in fail_pop.into_iter().enumerate().rev() {
            self.use_label(label);
            if pops > 0 {
                self.emit(Op::POP_TOP, place);
            }
        }
    }

    fn pattern(&mut self, pattern: &'a Pattern, context: &mut Context) -> Result<()> {
        self.depth.enter()?;
        let place = location(pattern.span);
        match &pattern.kind {
            PatternKind::MatchValue { value } => self.value_pattern(value, context, place)?,
            PatternKind::MatchSingleton { value } => {
                self.load_constant(constant_value(value), place);
                self.compare_operation(CmpOp::Is, place);
                self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
            }
            PatternKind::MatchSequence { patterns } => self.sequence_pattern(patterns, context, place)?,
            PatternKind::MatchMapping { keys, patterns, rest } => {
                self.mapping_pattern(keys, patterns, rest.as_ref(), context, place)?;
            }
            PatternKind::MatchClass { cls, patterns, kwd_attrs, kwd_patterns } => {
                self.class_pattern(cls, patterns, kwd_attrs, kwd_patterns, context, place)?;
            }
            PatternKind::MatchStar { name } => self.capture(name.as_ref(), context, place)?,
            PatternKind::MatchAs { pattern, name } => {
                self.as_pattern(pattern.as_deref(), name.as_ref(), context, place)?;
            }
            PatternKind::MatchOr { patterns } => self.or_pattern(patterns, context, place)?,
        }
        self.depth.leave();
        Ok(())
    }

    /// A pattern inside another, where any may stand.
    fn subpattern(&mut self, pattern: &'a Pattern, context: &mut Context) -> Result<()> {
        let allowed = std::mem::replace(&mut context.allows_irrefutable, true);
        self.pattern(pattern, context)?;
        context.allows_irrefutable = allowed;
        Ok(())
    }

    /// Keeps the value on top for a name, below what must stay on top; or drops it.
    fn capture(&mut self, name: Option<&Name>, context: &mut Context, place: Location) -> Result<()> {
        let Some(name) = name else {
            self.emit(Op::POP_TOP, place);
            return Ok(());
        };
        let name = self.intern(name);
        if context.stores.contains(&name) {
            return self.fail_duplicate(name, place);
        }
        self.rotate(context.on_top + context.stores.len() + 1, place);
        context.stores.push(name);
        Ok(())
    }

    fn fail_duplicate(&self, name: NameId, place: Location) -> Result<()> {
        let name = representation::text(self.names.text(name));
        self.fail(place, format!("multiple assignments to name {name} in pattern"))
    }

    /// Moves the top of the stack below `count - 1` items.
    fn rotate(&mut self, count: usize, place: Location) {
        for depth in (2..=count).rev() {
            self.emit_argument(Op::SWAP, depth, place);
        }
    }

    fn value_pattern(&mut self, value: &'a Expr, context: &mut Context, place: Location) -> Result<()> {
        if let Some(constant) = pattern_constant(value) {
            self.load_constant(constant, location(value.span));
        } else if matches!(value.kind, ExprKind::Attribute { .. }) {
            self.expression(value)?;
        } else {
            return self.fail(place, "patterns may only match literals and attribute lookups");
        }
        self.compare_operation(CmpOp::Eq, place);
        self.emit(Op::TO_BOOL, place);
        self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        Ok(())
    }

    fn as_pattern(
        &mut self,
        inner: Option<&'a Pattern>,
        name: Option<&'a Name>,
        context: &mut Context,
        place: Location,
    ) -> Result<()> {
        let Some(inner) = inner else {
            if !context.allows_irrefutable {
                let what = match name {
                    Some(name) => format!("name capture {}", representation::string(name)),
                    None => "wildcard".to_owned(),
                };
                return self.fail(place, format!("{what} makes remaining patterns unreachable"));
            }
            return self.capture(name, context, place);
        };
        context.on_top += 1;
        self.emit_argument(Op::COPY, 1, place);
        self.pattern(inner, context)?;
        context.on_top -= 1;
        self.capture(name, context, place)
    }

    fn sequence_pattern(
        &mut self,
        patterns: &'a [Pattern],
        context: &mut Context,
        place: Location,
    ) -> Result<()> {
        let is_star = |pattern: &Pattern| matches!(pattern.kind, PatternKind::MatchStar { .. });
        let is_wild_star = |pattern: &Pattern| matches!(pattern.kind, PatternKind::MatchStar { name: None });
        let star = patterns.iter().position(is_star);
        if patterns.iter().filter(|pattern| is_star(pattern)).count() > 1 {
            return self.fail(place, "multiple starred names in sequence pattern");
        }
        let only_wildcards = patterns.iter().all(|pattern| is_wildcard(pattern) || is_wild_star(pattern));
        context.on_top += 1;
        self.emit(Op::MATCH_SEQUENCE, place);
        self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        let length_test = match star {
            None => Some((patterns.len(), CmpOp::Eq)),
            Some(_) if patterns.len() > 1 => Some((patterns.len() - 1, CmpOp::GtE)),
            Some(_) => None,
        };
        if let Some((length, comparison)) = length_test {
            self.emit(Op::GET_LEN, place);
            self.load_constant(Constant::Int(length as i64), place);
            self.compare_operation(comparison, place);
            self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        }
        context.on_top -= 1;
        match star {
            _ if only_wildcards => self.emit(Op::POP_TOP, place),
            Some(star) if is_wild_star(&patterns[star]) => {
                self.subscript_items(patterns, star, context, place)?;
            }
            _ => self.unpack_items(patterns, star, context, place)?,
        }
        Ok(())
    }

    fn unpack_items(
        &mut self,
        patterns: &'a [Pattern],
        star: Option<usize>,
        context: &mut Context,
        place: Location,
    ) -> Result<()> {
        match star {
            None => self.emit_argument(Op::UNPACK_SEQUENCE, patterns.len(), place),
            Some(before) => {
                let after = patterns.len() - before - 1;
                if before >= 1 << 8 || after >= i32::MAX as usize >> 8 {
                    return self.fail(place, "too many expressions in star-unpacking sequence pattern");
                }
                self.emit_argument(Op::UNPACK_EX, before + (after << 8), place);
            }
        }
        context.on_top += patterns.len();
        for pattern in patterns {
            context.on_top -= 1;
            self.subpattern(pattern, context)?;
        }
        Ok(())
    }

    /// Items taken one by one, as when the starred part is not wanted.
    fn subscript_items(
        &mut self,
        patterns: &'a [Pattern],
        star: usize,
        context: &mut Context,
        place: Location,
    ) -> Result<()> {
        context.on_top += 1;
        for (index, pattern) in patterns.iter().enumerate() {
            if is_wildcard(pattern) || index == star {
                continue;
            }
            self.emit_argument(Op::COPY, 1, place);
            if index < star {
                self.load_constant(Constant::Int(index as i64), place);
            } else {
                // Not every sequence takes negative indices.
                self.emit(Op::GET_LEN, place);
                self.load_constant(Constant::Int((patterns.len() - index) as i64), place);
                self.emit_argument(Op::BINARY_OP, Binary::Subtract as i32, place);
            }
            self.emit_argument(Op::BINARY_OP, Binary::Subscript as i32, place);
            self.subpattern(pattern, context)?;
        }
        context.on_top -= 1;
        self.emit(Op::POP_TOP, place);
        Ok(())
    }

    fn mapping_pattern(
        &mut self,
        keys: &'a [Expr],
        patterns: &'a [Pattern],
        rest: Option<&'a Name>,
        context: &mut Context,
        place: Location,
    ) -> Result<()> {
        context.on_top += 1;
        self.emit(Op::MATCH_MAPPING, place);
        self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        if keys.is_empty() && rest.is_none() {
            context.on_top -= 1;
            self.emit(Op::POP_TOP, place);
            return Ok(());
        }
        if !keys.is_empty() {
            self.emit(Op::GET_LEN, place);
            self.load_constant(Constant::Int(keys.len() as i64), place);
            self.compare_operation(CmpOp::GtE, place);
            self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        }
        self.mapping_keys(keys, place)?;
        self.emit_argument(Op::BUILD_TUPLE, keys.len(), place);
        self.emit(Op::MATCH_KEYS, place);
        // On top of the subject are now the keys and the values, or None.
        context.on_top += 2;
        self.emit_argument(Op::COPY, 1, place);
        self.load_constant(Constant::None, place);
        self.emit_argument(Op::IS_OP, 1, place);
        self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        self.emit_argument(Op::UNPACK_SEQUENCE, keys.len(), place);
        context.on_top += keys.len();
        context.on_top -= 1;
        for pattern in patterns {
            context.on_top -= 1;
            self.subpattern(pattern, context)?;
        }
        context.on_top -= 2;
        match rest {
            Some(rest) => {
                // A copy of the subject without the keys.
                self.emit_argument(Op::BUILD_MAP, 0, place);
                self.emit_argument(Op::SWAP, 3, place);
                self.emit_argument(Op::DICT_UPDATE, 2, place);
                self.emit_argument(Op::UNPACK_SEQUENCE, keys.len(), place);
                for remaining in (1..=keys.len()).rev() {
                    self.emit_argument(Op::COPY, 1 + remaining, place);
                    self.emit_argument(Op::SWAP, 2, place);
                    self.emit(Op::DELETE_SUBSCR, place);
                }
                self.capture(Some(rest), context, place)?;
            }
            None => {
                self.emit(Op::POP_TOP, place);
                self.emit(Op::POP_TOP, place);
            }
        }
        Ok(())
    }

    fn mapping_keys(&mut self, keys: &'a [Expr], place: Location) -> Result<()> {
        let mut seen: Vec<Constant> = Vec::new();
        for key in keys {
            if let Some(constant) = pattern_constant(key) {
                if seen.iter().any(|other| arithmetic::equal(other, &constant)) {
                    let key = representation::constant(&constant);
                    return self.fail(place, format!("mapping pattern checks duplicate key ({key})"));
                }
                seen.push(constant.clone());
                self.load_constant(constant, location(key.span));
            } else if matches!(key.kind, ExprKind::Attribute { .. }) {
                self.expression(key)?;
            } else {
                return self
                    .fail(place, "mapping pattern keys may only match literals and attribute lookups");
            }
        }
        Ok(())
    }

    fn class_pattern(
        &mut self,
        class: &'a Expr,
        patterns: &'a [Pattern],
        attributes: &'a [Name],
        attribute_patterns: &'a [Pattern],
        context: &mut Context,
        place: Location,
    ) -> Result<()> {
        for (index, attribute) in attributes.iter().enumerate() {
            if let Some(offset) = attributes[index + 1..].iter().position(|other| other == attribute) {
                let place = location(attribute_patterns[index + 1 + offset].span);
                return self.fail(place, format!("attribute name repeated in class pattern: {attribute}"));
            }
        }
        self.expression(class)?;
        let names: Vec<NameId> = attributes.iter().map(|attribute| self.names.intern(attribute)).collect();
        self.load_names(names, place);
        self.emit_argument(Op::MATCH_CLASS, patterns.len(), place);
        self.emit_argument(Op::COPY, 1, place);
        self.load_constant(Constant::None, place);
        self.emit_argument(Op::IS_OP, 1, place);
        // On top is now a tuple of the attributes, or None.
        context.on_top += 1;
        self.jump_to_fail(context, Op::POP_JUMP_IF_FALSE, place);
        let count = patterns.len() + attributes.len();
        self.emit_argument(Op::UNPACK_SEQUENCE, count, place);
        context.on_top += count;
        context.on_top -= 1;
        for pattern in patterns.iter().chain(attribute_patterns) {
            context.on_top -= 1;
            if is_wildcard(pattern) {
                self.emit(Op::POP_TOP, place);
            } else {
                self.subpattern(pattern, context)?;
            }
        }
        Ok(())
    }

    fn or_pattern(&mut self, patterns: &'a [Pattern], context: &mut Context, place: Location) -> Result<()> {
        let end = self.new_label();
        // The names that the first alternative binds, in its order.
        let mut control: Option<Vec<NameId>> = None;
        for (index, alternative) in patterns.iter().enumerate() {
            let alternative_place = location(alternative.span);
            let mut inner = Context {
                allows_irrefutable: index + 1 == patterns.len() && context.allows_irrefutable,
                ..Context::default()
            };
            self.emit_argument(Op::COPY, 1, alternative_place);
            self.pattern(alternative, &mut inner)?;
            match &control {
                None => control = Some(std::mem::take(&mut inner.stores)),
                Some(control) => {
                    if !self.reorder(control, inner.stores, alternative_place) {
                        return self.fail(place, "alternative patterns bind different names");
                    }
                }
            }
            self.emit_jump(Op::JUMP, end, alternative_place);
            self.emit_fail_pop(inner.fail_pop, alternative_place);
        }
        self.emit(Op::POP_TOP, place);
        self.jump_to_fail(context, Op::JUMP, place);
        self.use_label(end);
        let control = control.unwrap_or_default();
        // Each captured value goes below the other ones, the copy of the subject, what must stay on top, and the values
        // captured before.
        let depth = control.len() + 1 + context.on_top + context.stores.len();
        for &name in &control {
            self.rotate(depth, place);
            if context.stores.contains(&name) {
                return self.fail_duplicate(name, place);
            }
            context.stores.push(name);
        }
        self.emit(Op::POP_TOP, place);
        Ok(())
    }

    /// Brings captured values into the order of the first alternative; tells whether they have the same names.
    fn reorder(&mut self, control: &[NameId], mut stores: Vec<NameId>, place: Location) -> bool {
        if stores.len() != control.len() {
            return false;
        }
        for (index, name) in control.iter().enumerate().rev() {
            let Some(position) = stores.iter().position(|store| store == name) else { return false };
            if position == index {
                continue;
            }
            let rotations = position + 1;
            let rotated: Vec<NameId> = stores.drain(..rotations).collect();
            let target = index - position;
            stores.splice(target..target, rotated);
            for _ in 0..rotations {
                self.rotate(index + 1, place);
            }
        }
        true
    }
}

/// The value of a literal in a pattern: a constant, a negative number or a complex number.
fn pattern_constant(value: &Expr) -> Option<Constant> {
    match &value.kind {
        ExprKind::Constant { value, .. } => Some(constant_value(value)),
        ExprKind::UnaryOp { op: UnaryOp::USub, operand } => match &operand.kind {
            ExprKind::Constant { value, .. } => arithmetic::negative(&constant_value(value)),
            _ => None,
        },
        ExprKind::BinOp { left, op, right } => {
            let operation = match op {
                Operator::Add => Binary::Add,
                Operator::Sub => Binary::Subtract,
                _ => return None,
            };
            let ExprKind::Constant { value: right, .. } = &right.kind else { return None };
            arithmetic::binary(operation, &pattern_constant(left)?, &constant_value(right))
        }
        _ => None,
    }
}

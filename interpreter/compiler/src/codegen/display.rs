//! Lists, tuples, sets and dicts: displays of them, and assignment to several targets at once.

use rspy_code::Location;
use rspy_code::operation::UnaryIntrinsic;
use rspy_syntax::ast::{Expr, ExprContext, ExprKind};

use super::Generator;
use crate::error::Result;
use crate::flowgraph::STACK_USE_GUIDELINE;
use crate::names::NameId;
use crate::op::Op;

/// The instructions that build a display piece by piece.
#[derive(Clone, Copy)]
struct Builders {
    build: Op,
    add: Op,
    extend: Op,
}

const LIST: Builders = Builders { build: Op::BUILD_LIST, add: Op::LIST_APPEND, extend: Op::LIST_EXTEND };
const SET: Builders = Builders { build: Op::BUILD_SET, add: Op::SET_ADD, extend: Op::SET_UPDATE };

fn is_starred(expression: &Expr) -> bool {
    matches!(expression.kind, ExprKind::Starred { .. })
}

impl<'a> Generator<'a> {
    pub(super) fn list(&mut self, elements: &'a [Expr], context: ExprContext, place: Location) -> Result<()> {
        match context {
            ExprContext::Store => self.unpack(elements, place),
            ExprContext::Load => self.display(elements, None, 0, LIST, false, place),
            ExprContext::Del => self.expressions(elements),
        }
    }

    pub(super) fn tuple(
        &mut self,
        elements: &'a [Expr],
        context: ExprContext,
        place: Location,
    ) -> Result<()> {
        match context {
            ExprContext::Store => self.unpack(elements, place),
            ExprContext::Load => self.tuple_of(elements, None, 0, place),
            ExprContext::Del => self.expressions(elements),
        }
    }

    pub(super) fn set(&mut self, elements: &'a [Expr], place: Location) -> Result<()> {
        self.display(elements, None, 0, SET, false, place)
    }

    /// A tuple of `pushed` items on the stack, of elements, and of a variable.
    pub(super) fn tuple_of(
        &mut self,
        elements: &'a [Expr],
        last: Option<NameId>,
        pushed: usize,
        place: Location,
    ) -> Result<()> {
        self.display(elements, last, pushed, LIST, true, place)
    }

    fn display(
        &mut self,
        elements: &'a [Expr],
        last: Option<NameId>,
        pushed: usize,
        builders: Builders,
        is_tuple: bool,
        place: Location,
    ) -> Result<()> {
        let count = elements.len() + pushed + usize::from(last.is_some());
        let is_big = count > STACK_USE_GUIDELINE;
        if !is_big && !elements.iter().any(is_starred) {
            self.expressions(elements)?;
            if let Some(last) = last {
                self.name(last, ExprContext::Load, place);
            }
            let build = if is_tuple { Op::BUILD_TUPLE } else { builders.build };
            self.emit_argument(build, count, place);
            return Ok(());
        }
        let mut is_built = is_big;
        if is_big {
            self.emit_argument(builders.build, pushed, place);
        }
        for (index, element) in elements.iter().enumerate() {
            if let ExprKind::Starred { value, .. } = &element.kind {
                if !is_built {
                    self.emit_argument(builders.build, index + pushed, place);
                    is_built = true;
                }
                self.expression(value)?;
                self.emit_argument(builders.extend, 1, place);
            } else {
                self.expression(element)?;
                if is_built {
                    self.emit_argument(builders.add, 1, place);
                }
            }
        }
        if let Some(last) = last {
            self.name(last, ExprContext::Load, place);
            self.emit_argument(builders.add, 1, place);
        }
        if is_tuple {
            self.emit_argument(Op::CALL_INTRINSIC_1, UnaryIntrinsic::ListToTuple as i32, place);
        }
        Ok(())
    }

    /// Assigns the items of the value on top to targets.
    fn unpack(&mut self, targets: &'a [Expr], place: Location) -> Result<()> {
        let mut starred = targets.iter().enumerate().filter(|(_, target)| is_starred(target));
        match (starred.next(), starred.next()) {
            (None, _) => self.emit_argument(Op::UNPACK_SEQUENCE, targets.len(), place),
            (Some((before, _)), second) => {
                let after = targets.len() - before - 1;
                if before >= 1 << 8 || after >= i32::MAX as usize >> 8 {
                    return self.fail(place, "too many expressions in star-unpacking assignment");
                }
                self.emit_argument(Op::UNPACK_EX, before + (after << 8), place);
                if second.is_some() {
                    return self.fail(place, "multiple starred expressions in assignment");
                }
            }
        }
        for target in targets {
            match &target.kind {
                ExprKind::Starred { value, .. } => self.expression(value)?,
                _ => self.expression(target)?,
            }
        }
        Ok(())
    }

    pub(super) fn dict(
        &mut self,
        keys: &'a [Option<Expr>],
        values: &'a [Expr],
        place: Location,
    ) -> Result<()> {
        let mut has_dict = false;
        // How many items before the current one are not yet generated.
        let mut pending = 0;
        for (index, value) in values.iter().enumerate() {
            if keys[index].is_some() {
                if pending * 2 > STACK_USE_GUIDELINE {
                    self.dict_part(keys, values, index - pending, index + 1, &mut has_dict, place)?;
                    pending = 0;
                } else {
                    pending += 1;
                }
                continue;
            }
            if pending > 0 {
                self.dict_part(keys, values, index - pending, index, &mut has_dict, place)?;
                pending = 0;
            }
            if !has_dict {
                self.emit_argument(Op::BUILD_MAP, 0, place);
                has_dict = true;
            }
            self.expression(value)?;
            self.emit_argument(Op::DICT_UPDATE, 1, place);
        }
        if pending > 0 {
            self.dict_part(keys, values, values.len() - pending, values.len(), &mut has_dict, place)?;
        }
        if !has_dict {
            self.emit_argument(Op::BUILD_MAP, 0, place);
        }
        Ok(())
    }

    /// A dict of some of the items, merged into the one below if there is one.
    fn dict_part(
        &mut self,
        keys: &'a [Option<Expr>],
        values: &'a [Expr],
        start: usize,
        end: usize,
        has_dict: &mut bool,
        place: Location,
    ) -> Result<()> {
        let count = end - start;
        let is_big = count * 2 > STACK_USE_GUIDELINE;
        if is_big {
            self.emit_argument(Op::BUILD_MAP, 0, place);
        }
        for (key, value) in keys[start..end].iter().zip(&values[start..end]) {
            if let Some(key) = key {
                self.expression(key)?;
            }
            self.expression(value)?;
            if is_big {
                self.emit_argument(Op::MAP_ADD, 1, place);
            }
        }
        if !is_big {
            self.emit_argument(Op::BUILD_MAP, count, place);
        }
        if std::mem::replace(has_dict, true) {
            self.emit_argument(Op::DICT_UPDATE, 1, place);
        }
        Ok(())
    }
}

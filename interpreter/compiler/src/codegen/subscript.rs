//! Subscripts and slices.

use std::sync::Arc;

use rspy_code::operation::Binary;
use rspy_code::{Constant, Location};
use rspy_syntax::ast::{Expr, ExprContext, ExprKind};

use super::Generator;
use crate::error::Result;
use crate::op::Op;
use crate::symtable::location;

impl<'a> Generator<'a> {
    pub(super) fn subscript(
        &mut self,
        value: &'a Expr,
        key: &'a Expr,
        context: ExprContext,
        place: Location,
    ) -> Result<()> {
        if context == ExprContext::Load {
            self.check_subscripted(value);
            self.check_index(value, key);
        }
        self.expression(value)?;
        if context != ExprContext::Del && self.is_two_part_slice(key) {
            self.slice_bounds(key)?;
            self.emit(if context == ExprContext::Load { Op::BINARY_SLICE } else { Op::STORE_SLICE }, place);
            return Ok(());
        }
        self.expression(key)?;
        match context {
            ExprContext::Load => self.emit_argument(Op::BINARY_OP, Binary::Subscript as i32, place),
            ExprContext::Store => self.emit(Op::STORE_SUBSCR, place),
            ExprContext::Del => self.emit(Op::DELETE_SUBSCR, place),
        }
        Ok(())
    }

    /// Whether a key is a slice without step that is not constant.
    pub(super) fn is_two_part_slice(&self, key: &Expr) -> bool {
        matches!(&key.kind, ExprKind::Slice { step: None, .. }) && self.constant_slice(key).is_none()
    }

    fn constant_slice(&self, key: &Expr) -> Option<Constant> {
        let ExprKind::Slice { lower, upper, step } = &key.kind else { return None };
        let part = |part: &Option<Box<Expr>>| match part {
            None => Some(Constant::None),
            Some(part) => self.constant(part),
        };
        Some(Constant::Slice(Arc::new([part(lower)?, part(upper)?, part(step)?])))
    }

    /// Pushes the bounds of a slice.
    pub(super) fn slice_bounds(&mut self, slice: &'a Expr) -> Result<()> {
        let ExprKind::Slice { lower, upper, .. } = &slice.kind else { return Ok(()) };
        for bound in [lower, upper] {
            match bound {
                Some(bound) => self.expression(bound)?,
                None => self.load_constant(Constant::None, location(slice.span)),
            }
        }
        Ok(())
    }

    pub(super) fn slice(
        &mut self,
        slice: &'a Expr,
        _lower: Option<&'a Expr>,
        _upper: Option<&'a Expr>,
        step: Option<&'a Expr>,
    ) -> Result<()> {
        let place = location(slice.span);
        if let Some(constant) = self.constant_slice(slice) {
            self.load_constant(constant, place);
            return Ok(());
        }
        self.slice_bounds(slice)?;
        let mut count = 2;
        if let Some(step) = step {
            count += 1;
            self.expression(step)?;
        }
        self.emit_argument(Op::BUILD_SLICE, count, place);
        Ok(())
    }

    /// Warns of subscripts of what surely has none.
    fn check_subscripted(&mut self, value: &Expr) {
        let is_wrong = match &value.kind {
            ExprKind::Set { .. }
            | ExprKind::SetComp { .. }
            | ExprKind::GeneratorExp { .. }
            | ExprKind::TemplateStr { .. }
            | ExprKind::Interpolation { .. }
            | ExprKind::Lambda { .. } => true,
            _ => self.constant(value).is_some_and(|constant| {
                !matches!(constant, Constant::Str(_) | Constant::Bytes(_) | Constant::Tuple(_))
            }),
        };
        if let (true, Some(type_name)) = (is_wrong, self.type_name(value)) {
            let message = format!("'{type_name}' object is not subscriptable; perhaps you missed a comma?");
            self.warn(location(value.span), message);
        }
    }

    /// Warns of keys that are surely no index of a sequence.
    fn check_index(&mut self, value: &Expr, key: &Expr) {
        let Some(key_type) = self.type_name(key) else { return };
        if matches!(key_type, "int" | "bool" | "slice") {
            return;
        }
        let is_sequence = match &value.kind {
            ExprKind::Tuple { .. }
            | ExprKind::List { .. }
            | ExprKind::ListComp { .. }
            | ExprKind::JoinedStr { .. }
            | ExprKind::FormattedValue { .. } => true,
            ExprKind::BinOp { .. } => self.type_name(value).is_some(),
            _ => matches!(self.constant(value), Some(Constant::Str(_) | Constant::Bytes(_))),
        };
        if let (true, Some(type_name)) = (is_sequence, self.type_name(value)) {
            let message = format!(
                "{type_name} indices must be integers or slices, not {key_type}; perhaps you missed a comma?"
            );
            self.warn(location(value.span), message);
        }
    }
}

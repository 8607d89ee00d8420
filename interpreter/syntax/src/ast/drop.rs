//! Letting go of long left-leaning chains without recursion.
//!
//! `a + b + c + …`, `a.b.c…`, `a()()…` and `a[b][c]…` grow one level deeper to the left with every link, and the
//! parser reads them in a loop, so a tree may be far deeper than any stack. Everything else nests only as deep as
//! the parser allows.

use std::mem;

use super::{Constant, Expr, ExprKind};

impl Drop for Expr {
    fn drop(&mut self) {
        let Some(mut left) = take_long_left(&mut self.kind) else { return };
        while let Some(next) = take_long_left(&mut left.kind) {
            left = next;
        }
    }
}

/// The left operand of a chain's link, if it is a link itself.
fn take_long_left(kind: &mut ExprKind) -> Option<Box<Expr>> {
    let left = left_operand(kind)?;
    left_operand(&mut left.kind)?;
    let nothing = Expr { span: left.span, kind: ExprKind::Constant { value: Constant::None, kind: None } };
    Some(mem::replace(left, Box::new(nothing)))
}

fn left_operand(kind: &mut ExprKind) -> Option<&mut Box<Expr>> {
    match kind {
        ExprKind::BinOp { left, .. } => Some(left),
        ExprKind::Attribute { value, .. } | ExprKind::Subscript { value, .. } => Some(value),
        ExprKind::Call { func, .. } => Some(func),
        _ => None,
    }
}

//! What can be assigned to and deleted.

use super::{Failure, Parse, Parser};
use crate::ast::{Expr, ExprContext, ExprKind};
use crate::token::TokenKind;

impl Parser<'_> {
    /// `star_targets`, where no `=` but another token (`in`) ends them.
    pub(super) fn star_targets(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first = self.star_target()?;
        let at_next = |parser: &Self| parser.at(TokenKind::Star) || parser.at_expression();
        self.tuple_after(start, first, at_next, Self::star_target).map(|mut target| {
            if let ExprKind::Tuple { ctx, .. } = &mut target.kind {
                *ctx = ExprContext::Store;
            }
            target
        })
    }

    /// `star_target`: one target, which may be starred.
    pub(super) fn star_target(&mut self) -> Parse<Expr> {
        let start = self.start();
        if self.eat(TokenKind::Star) {
            let mut value = self.primary()?;
            set_target_context(&mut value, ExprContext::Store)?;
            let value = Box::new(value);
            return Ok(self.finish(start, ExprKind::Starred { value, ctx: ExprContext::Store }));
        }
        let mut target = self.primary()?;
        set_target_context(&mut target, ExprContext::Store)?;
        Ok(target)
    }

    /// `del_targets`, up to the end of the statement.
    pub(super) fn del_targets(&mut self) -> Parse<Vec<Expr>> {
        let mut targets = Vec::new();
        while self.at_expression() {
            let mut target = self.primary()?;
            set_target_context(&mut target, ExprContext::Del)?;
            targets.push(target);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        if targets.is_empty() { Err(Failure::Invalid) } else { Ok(targets) }
    }
}

/// Makes an expression the target of an assignment, if it can be one. A tuple or list may hold starred targets.
pub(super) fn set_target_context(target: &mut Expr, context: ExprContext) -> Parse<()> {
    match &mut target.kind {
        ExprKind::Name { ctx, .. } | ExprKind::Attribute { ctx, .. } | ExprKind::Subscript { ctx, .. } => {
            *ctx = context;
            Ok(())
        }
        ExprKind::Tuple { elts, ctx } | ExprKind::List { elts, ctx } => {
            *ctx = context;
            elts.iter_mut().try_for_each(|element| set_element_context(element, context))
        }
        _ => Err(Failure::Invalid),
    }
}

/// Like [`set_target_context`], for where a starred target is allowed as well.
pub(super) fn set_element_context(element: &mut Expr, context: ExprContext) -> Parse<()> {
    match &mut element.kind {
        ExprKind::Starred { value, ctx } if context == ExprContext::Store => {
            *ctx = context;
            set_target_context(value, context)
        }
        _ => set_target_context(element, context),
    }
}

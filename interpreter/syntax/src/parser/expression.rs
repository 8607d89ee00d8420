//! Expressions down to unary operators, and lists of them.

use super::{Failure, Parse, Parser, Start};
use crate::ast::{BoolOp, CmpOp, Expr, ExprContext, ExprKind, Operator, UnaryOp};
use crate::token::{Token, TokenKind};

impl Parser<'_> {
    /// `expressions`: one expression, or a tuple without brackets and stars.
    pub(super) fn expressions(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first = self.expression()?;
        self.tuple_after(start, first, Self::at_expression, Self::expression)
    }

    /// `star_expressions`: one expression, or a tuple without brackets.
    pub(super) fn star_expressions(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first = self.star_expression()?;
        self.tuple_after(start, first, Self::at_star_expression, Self::star_expression)
    }

    /// `annotated_rhs`: `yield` or `star_expressions`.
    pub(super) fn annotated_rhs(&mut self) -> Parse<Expr> {
        if self.at(TokenKind::Yield) { self.yield_expression() } else { self.star_expressions() }
    }

    /// Makes a tuple of `first` and what follows if a comma does.
    pub(super) fn tuple_after(
        &mut self,
        start: Start,
        first: Expr,
        at_next: fn(&Self) -> bool,
        next: fn(&mut Self) -> Parse<Expr>,
    ) -> Parse<Expr> {
        if !self.at(TokenKind::Comma) {
            return Ok(first);
        }
        let mut elts = vec![first];
        while self.eat(TokenKind::Comma) && at_next(self) {
            elts.push(next(self)?);
        }
        Ok(self.finish(start, ExprKind::Tuple { elts, ctx: ExprContext::Load }))
    }

    pub(super) fn at_star_expression(&self) -> bool {
        self.at(TokenKind::Star) || self.at_expression()
    }

    fn star_expression(&mut self) -> Parse<Expr> {
        if self.at(TokenKind::Star) { self.starred_bitwise_or() } else { self.expression() }
    }

    /// `star_named_expression`: an element of a list, set or tuple.
    pub(super) fn star_named_expression(&mut self) -> Parse<Expr> {
        if self.at(TokenKind::Star) { self.starred_bitwise_or() } else { self.named_expression() }
    }

    fn starred_bitwise_or(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.bump();
        let value = Box::new(self.bitwise_or()?);
        Ok(self.finish(start, ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    /// `named_expression`: an expression that may be an assignment expression.
    pub(super) fn named_expression(&mut self) -> Parse<Expr> {
        if !(self.at(TokenKind::Name) && self.peek(1) == TokenKind::ColonEqual) {
            return self.expression();
        }
        self.need_version(8)?;
        let start = self.start();
        let token = self.bump();
        let target = Box::new(self.name_expression(token, ExprContext::Store)?);
        self.bump();
        let value = Box::new(self.expression()?);
        Ok(self.finish(start, ExprKind::NamedExpr { target, value }))
    }

    pub(super) fn name_expression(&mut self, token: Token, ctx: ExprContext) -> Parse<Expr> {
        let id = self.intern(token)?;
        Ok(Expr { span: Self::span_of(token), kind: ExprKind::Name { id, ctx } })
    }

    pub(super) fn yield_expression(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.expect(TokenKind::Yield)?;
        let kind = if self.eat(TokenKind::From) {
            ExprKind::YieldFrom { value: Box::new(self.expression()?) }
        } else if self.at_star_expression() {
            ExprKind::Yield { value: Some(Box::new(self.star_expressions()?)) }
        } else {
            ExprKind::Yield { value: None }
        };
        Ok(self.finish(start, kind))
    }

    /// `expression`: a conditional expression, a disjunction or a lambda.
    pub(super) fn expression(&mut self) -> Parse<Expr> {
        self.nested(|parser| {
            if parser.at(TokenKind::Lambda) {
                return parser.lambda();
            }
            let start = parser.start();
            let body = parser.disjunction()?;
            if !parser.eat(TokenKind::If) {
                return Ok(body);
            }
            let test = Box::new(parser.disjunction()?);
            parser.expect(TokenKind::Else)?;
            let orelse = Box::new(parser.expression()?);
            Ok(parser.finish(start, ExprKind::IfExp { test, body: Box::new(body), orelse }))
        })
    }

    fn lambda(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.bump();
        let args = Box::new(self.lambda_parameters()?);
        self.expect(TokenKind::Colon)?;
        let body = Box::new(self.expression()?);
        Ok(self.finish(start, ExprKind::Lambda { args, body }))
    }

    pub(super) fn disjunction(&mut self) -> Parse<Expr> {
        self.boolean(TokenKind::Or, BoolOp::Or, Self::conjunction)
    }

    fn conjunction(&mut self) -> Parse<Expr> {
        self.boolean(TokenKind::And, BoolOp::And, Self::inversion)
    }

    #[inline]
    fn boolean(
        &mut self,
        token: TokenKind,
        op: BoolOp,
        operand: fn(&mut Self) -> Parse<Expr>,
    ) -> Parse<Expr> {
        let start = self.start();
        let first = operand(self)?;
        if !self.at(token) {
            return Ok(first);
        }
        let mut values = vec![first];
        while self.eat(token) {
            values.push(operand(self)?);
        }
        Ok(self.finish(start, ExprKind::BoolOp { op, values }))
    }

    fn inversion(&mut self) -> Parse<Expr> {
        if !self.at(TokenKind::Not) {
            return self.comparison();
        }
        let mut starts = Vec::new();
        while self.at(TokenKind::Not) {
            self.check_unary_depth(starts.len())?;
            starts.push(self.start());
            self.bump();
        }
        let mut result = self.comparison()?;
        while let Some(start) = starts.pop() {
            result = self.finish(start, ExprKind::UnaryOp { op: UnaryOp::Not, operand: Box::new(result) });
        }
        Ok(result)
    }

    /// Long rows of unary operators make deep trees though they are read in a loop.
    fn check_unary_depth(&self, count: usize) -> Parse<()> {
        if self.depth as usize + count >= self.max_depth as usize { Err(Failure::TooDeep) } else { Ok(()) }
    }

    fn comparison(&mut self) -> Parse<Expr> {
        let start = self.start();
        let left = self.bitwise_or()?;
        let Some(first) = self.comparison_operator()? else { return Ok(left) };
        let mut ops = vec![first];
        let mut comparators = vec![self.bitwise_or()?];
        while let Some(op) = self.comparison_operator()? {
            ops.push(op);
            comparators.push(self.bitwise_or()?);
        }
        Ok(self.finish(start, ExprKind::Compare { left: Box::new(left), ops, comparators }))
    }

    #[inline]
    fn comparison_operator(&mut self) -> Parse<Option<CmpOp>> {
        let op = match self.kind() {
            TokenKind::EqualEqual => CmpOp::Eq,
            TokenKind::NotEqual if self.barry_as_flufl => return Err(Failure::Invalid),
            TokenKind::NotEqual => CmpOp::NotEq,
            TokenKind::Less if self.peek(1) == TokenKind::Greater => {
                let is_adjacent = self.token().end == self.tokens[self.position + 1].start;
                if !self.barry_as_flufl || !is_adjacent {
                    return Err(Failure::Invalid);
                }
                self.bump();
                CmpOp::NotEq
            }
            TokenKind::Less => CmpOp::Lt,
            TokenKind::LessEqual => CmpOp::LtE,
            TokenKind::Greater => CmpOp::Gt,
            TokenKind::GreaterEqual => CmpOp::GtE,
            TokenKind::In => CmpOp::In,
            TokenKind::Not if self.peek(1) == TokenKind::In => {
                self.bump();
                CmpOp::NotIn
            }
            TokenKind::Is if self.peek(1) == TokenKind::Not => {
                self.bump();
                CmpOp::IsNot
            }
            TokenKind::Is => CmpOp::Is,
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(op))
    }

    /// `bitwise_or`: binary operators other than comparisons.
    pub(super) fn bitwise_or(&mut self) -> Parse<Expr> {
        self.binary(1)
    }

    /// Binary operators that bind at least as tightly as `minimum`.
    fn binary(&mut self, minimum: u8) -> Parse<Expr> {
        let start = self.start();
        let mut left = self.factor()?;
        while let Some((op, precedence)) = binary_operator(self.kind())
            && precedence >= minimum
        {
            if op == Operator::MatMult {
                self.need_version(5)?;
            }
            self.bump();
            let right = self.binary(precedence + 1)?;
            left = self.finish(start, ExprKind::BinOp { left: Box::new(left), op, right: Box::new(right) });
        }
        Ok(left)
    }

    /// `factor`: unary operators and powers.
    fn factor(&mut self) -> Parse<Expr> {
        if unary_operator(self.kind()).is_none() {
            return self.power();
        }
        let mut operators = Vec::new();
        while let Some(op) = unary_operator(self.kind()) {
            self.check_unary_depth(operators.len())?;
            operators.push((self.start(), op));
            self.bump();
        }
        let mut result = self.power()?;
        while let Some((start, op)) = operators.pop() {
            result = self.finish(start, ExprKind::UnaryOp { op, operand: Box::new(result) });
        }
        Ok(result)
    }

    fn power(&mut self) -> Parse<Expr> {
        let start = self.start();
        let left = self.await_primary()?;
        if !self.eat(TokenKind::DoubleStar) {
            return Ok(left);
        }
        let right = Box::new(self.nested(Self::factor)?);
        Ok(self.finish(start, ExprKind::BinOp { left: Box::new(left), op: Operator::Pow, right }))
    }

    fn await_primary(&mut self) -> Parse<Expr> {
        if !self.at(TokenKind::Await) {
            return self.primary();
        }
        self.need_version(5)?;
        let start = self.start();
        self.bump();
        let value = Box::new(self.primary()?);
        Ok(self.finish(start, ExprKind::Await { value }))
    }
}

fn unary_operator(kind: TokenKind) -> Option<UnaryOp> {
    match kind {
        TokenKind::Minus => Some(UnaryOp::USub),
        TokenKind::Plus => Some(UnaryOp::UAdd),
        TokenKind::Tilde => Some(UnaryOp::Invert),
        _ => None,
    }
}

/// A binary operator and how tightly it binds.
#[inline]
fn binary_operator(kind: TokenKind) -> Option<(Operator, u8)> {
    Some(match kind {
        TokenKind::Bar => (Operator::BitOr, 1),
        TokenKind::Circumflex => (Operator::BitXor, 2),
        TokenKind::Ampersand => (Operator::BitAnd, 3),
        TokenKind::LeftShift => (Operator::LShift, 4),
        TokenKind::RightShift => (Operator::RShift, 4),
        TokenKind::Plus => (Operator::Add, 5),
        TokenKind::Minus => (Operator::Sub, 5),
        TokenKind::Star => (Operator::Mult, 6),
        TokenKind::Slash => (Operator::Div, 6),
        TokenKind::DoubleSlash => (Operator::FloorDiv, 6),
        TokenKind::Percent => (Operator::Mod, 6),
        TokenKind::At => (Operator::MatMult, 6),
        _ => return None,
    })
}

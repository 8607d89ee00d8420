//! Primaries: atoms, displays, and the attribute, subscript and call chains behind them.

use super::{Failure, Parse, Parser, Start};
use crate::ast::{Constant, Expr, ExprContext, ExprKind};
use crate::literal;
use crate::token::TokenKind;

impl Parser<'_> {
    /// `primary`: an atom with attributes, subscripts and calls behind it.
    pub(super) fn primary(&mut self) -> Parse<Expr> {
        let start = self.start();
        let atom = self.atom()?;
        self.trailers(start, atom)
    }

    #[inline]
    fn trailers(&mut self, start: Start, mut primary: Expr) -> Parse<Expr> {
        loop {
            let kind = match self.kind() {
                TokenKind::Dot => {
                    self.bump();
                    let attr = self.name()?;
                    ExprKind::Attribute { value: Box::new(primary), attr, ctx: ExprContext::Load }
                }
                TokenKind::LeftParen => {
                    let (args, keywords) = self.nested(Self::call_arguments)?;
                    ExprKind::Call { func: Box::new(primary), args, keywords }
                }
                TokenKind::LeftBracket => {
                    self.bump();
                    let slice = Box::new(self.nested(Self::slices)?);
                    self.expect(TokenKind::RightBracket)?;
                    ExprKind::Subscript { value: Box::new(primary), slice, ctx: ExprContext::Load }
                }
                _ => return Ok(primary),
            };
            primary = self.finish(start, kind);
        }
    }

    /// What stands between the brackets of a subscript.
    fn slices(&mut self) -> Parse<Expr> {
        let start = self.start();
        let first = self.slice()?;
        let is_starred = matches!(first.kind, ExprKind::Starred { .. });
        if !is_starred && !self.at(TokenKind::Comma) {
            return Ok(first);
        }
        let mut elts = vec![first];
        while self.eat(TokenKind::Comma) && !self.at(TokenKind::RightBracket) {
            elts.push(self.slice()?);
        }
        Ok(self.finish(start, ExprKind::Tuple { elts, ctx: ExprContext::Load }))
    }

    fn slice(&mut self) -> Parse<Expr> {
        let start = self.start();
        if self.at(TokenKind::Star) {
            return self.starred_expression();
        }
        let lower = match self.kind() {
            TokenKind::Colon => None,
            _ => Some(self.named_expression()?),
        };
        if !self.at(TokenKind::Colon) {
            return lower.ok_or(Failure::Invalid);
        }
        if lower.as_ref().is_some_and(|lower| self.is_bare_named_expression(lower)) {
            return Err(Failure::Invalid);
        }
        self.bump();
        let upper = self.slice_part()?;
        let step = if self.eat(TokenKind::Colon) { self.slice_part()? } else { None };
        Ok(self.finish(start, ExprKind::Slice { lower: lower.map(Box::new), upper, step }))
    }

    fn slice_part(&mut self) -> Parse<Option<Box<Expr>>> {
        if self.at_expression() { Ok(Some(Box::new(self.expression()?))) } else { Ok(None) }
    }

    /// `'*' expression`, as arguments and subscripts have it.
    pub(super) fn starred_expression(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.expect(TokenKind::Star)?;
        let value = Box::new(self.expression()?);
        Ok(self.finish(start, ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    fn atom(&mut self) -> Parse<Expr> {
        let token = self.token();
        let constant = match token.kind {
            TokenKind::Name => {
                self.bump();
                return self.name_expression(token, ExprContext::Load);
            }
            TokenKind::Number => return self.number(),
            TokenKind::String | TokenKind::FStringStart | TokenKind::TStringStart => return self.strings(),
            TokenKind::LeftParen => return self.nested(Self::parenthesized),
            TokenKind::LeftBracket => return self.nested(Self::list_display),
            TokenKind::LeftBrace => return self.nested(Self::brace_display),
            TokenKind::True => Constant::True,
            TokenKind::False => Constant::False,
            TokenKind::None => Constant::None,
            TokenKind::Ellipsis => Constant::Ellipsis,
            _ => return Err(Failure::Invalid),
        };
        self.bump();
        Ok(Expr { span: Self::span_of(token), kind: ExprKind::Constant { value: constant, kind: None } })
    }

    pub(super) fn number(&mut self) -> Parse<Expr> {
        let token = self.expect(TokenKind::Number)?;
        let text = self.text(token);
        if text.contains('_') {
            self.need_version(6)?;
        }
        let value =
            literal::parse_number(text, self.options.int_max_str_digits).map_err(|_| Failure::Invalid)?;
        Ok(Expr { span: Self::span_of(token), kind: ExprKind::Constant { value, kind: None } })
    }

    /// `(…)`: a group, a tuple, or a generator expression.
    fn parenthesized(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.bump();
        if self.at(TokenKind::Yield) {
            let group = self.yield_expression()?;
            self.expect(TokenKind::RightParen)?;
            return Ok(group);
        }
        if self.eat(TokenKind::RightParen) {
            return Ok(self.finish(start, ExprKind::Tuple { elts: Vec::new(), ctx: ExprContext::Load }));
        }
        let first = self.star_named_expression()?;
        let is_starred = matches!(first.kind, ExprKind::Starred { .. });
        if self.at(TokenKind::Comma) {
            let elts = self.elements_after(first, TokenKind::RightParen)?;
            return Ok(self.finish(start, ExprKind::Tuple { elts, ctx: ExprContext::Load }));
        }
        if is_starred {
            return Err(Failure::Invalid);
        }
        if self.at_comprehension() {
            let generators = self.comprehensions()?;
            self.expect(TokenKind::RightParen)?;
            return Ok(self.finish(start, ExprKind::GeneratorExp { elt: Box::new(first), generators }));
        }
        self.expect(TokenKind::RightParen)?;
        Ok(first)
    }

    /// The elements of a display after its first, and the closing bracket.
    fn elements_after(&mut self, first: Expr, close: TokenKind) -> Parse<Vec<Expr>> {
        let mut elts = vec![first];
        while self.eat(TokenKind::Comma) && !self.at(close) {
            elts.push(self.star_named_expression()?);
        }
        self.expect(close)?;
        Ok(elts)
    }

    fn list_display(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.bump();
        if self.eat(TokenKind::RightBracket) {
            return Ok(self.finish(start, ExprKind::List { elts: Vec::new(), ctx: ExprContext::Load }));
        }
        let first = self.star_named_expression()?;
        if self.at_comprehension() && !matches!(first.kind, ExprKind::Starred { .. }) {
            let generators = self.comprehensions()?;
            self.expect(TokenKind::RightBracket)?;
            return Ok(self.finish(start, ExprKind::ListComp { elt: Box::new(first), generators }));
        }
        let elts = self.elements_after(first, TokenKind::RightBracket)?;
        Ok(self.finish(start, ExprKind::List { elts, ctx: ExprContext::Load }))
    }

    /// `{…}`: a dictionary, a set, or a comprehension of either.
    fn brace_display(&mut self) -> Parse<Expr> {
        let start = self.start();
        self.bump();
        if matches!(self.kind(), TokenKind::RightBrace | TokenKind::DoubleStar) {
            return self.dict_display(start, None);
        }
        let first = self.star_named_expression()?;
        if self.at(TokenKind::Colon) {
            if matches!(first.kind, ExprKind::Starred { .. }) || self.is_bare_named_expression(&first) {
                return Err(Failure::Invalid);
            }
            self.bump();
            let value = self.expression()?;
            if self.at_comprehension() {
                let generators = self.comprehensions()?;
                self.expect(TokenKind::RightBrace)?;
                let (key, value) = (Box::new(first), Box::new(value));
                return Ok(self.finish(start, ExprKind::DictComp { key, value, generators }));
            }
            return self.dict_display(start, Some((first, value)));
        }
        if self.at_comprehension() && !matches!(first.kind, ExprKind::Starred { .. }) {
            let generators = self.comprehensions()?;
            self.expect(TokenKind::RightBrace)?;
            return Ok(self.finish(start, ExprKind::SetComp { elt: Box::new(first), generators }));
        }
        let elts = self.elements_after(first, TokenKind::RightBrace)?;
        Ok(self.finish(start, ExprKind::Set { elts }))
    }

    /// Whether an expression just read is an assignment expression without parentheses of its own.
    fn is_bare_named_expression(&self, expression: &Expr) -> bool {
        let end = self.tokens[self.position - 1];
        matches!(expression.kind, ExprKind::NamedExpr { .. })
            && (expression.span.end_line, expression.span.end_column) == (end.end_line, end.end_column)
    }

    fn dict_display(&mut self, start: Start, first: Option<(Expr, Expr)>) -> Parse<Expr> {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut needs_comma = first.is_some();
        if let Some((key, value)) = first {
            keys.push(Some(key));
            values.push(value);
        }
        loop {
            if needs_comma && !self.eat(TokenKind::Comma) || self.at(TokenKind::RightBrace) {
                break;
            }
            needs_comma = true;
            if self.eat(TokenKind::DoubleStar) {
                keys.push(None);
                values.push(self.bitwise_or()?);
            } else {
                keys.push(Some(self.expression()?));
                self.expect(TokenKind::Colon)?;
                values.push(self.expression()?);
            }
        }
        self.expect(TokenKind::RightBrace)?;
        Ok(self.finish(start, ExprKind::Dict { keys, values }))
    }
}

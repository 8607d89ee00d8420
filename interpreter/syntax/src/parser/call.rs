//! The arguments of calls and of class definitions.

use super::{Failure, Parse, Parser};
use crate::ast::{Expr, ExprKind, Keyword};
use crate::token::TokenKind;

impl Parser<'_> {
    /// Arguments with their parentheses; a lone generator expression needs none of its own.
    pub(super) fn call_arguments(&mut self) -> Parse<(Vec<Expr>, Vec<Keyword>)> {
        self.arguments_or_generator(true)
    }

    /// Arguments with their parentheses, of which no generator expression may be one.
    pub(super) fn class_arguments(&mut self) -> Parse<(Vec<Expr>, Vec<Keyword>)> {
        self.arguments_or_generator(false)
    }

    fn arguments_or_generator(&mut self, allow_generator: bool) -> Parse<(Vec<Expr>, Vec<Keyword>)> {
        let start = self.start();
        self.expect(TokenKind::LeftParen)?;
        let (mut args, mut keywords) = (Vec::new(), Vec::<Keyword>::new());
        let mut has_mapping = false;
        while !self.at(TokenKind::RightParen) {
            match self.kind() {
                TokenKind::Star if has_mapping => return Err(Failure::Invalid),
                TokenKind::Star => args.push(self.starred_expression()?),
                TokenKind::DoubleStar => {
                    has_mapping = true;
                    let start = self.start();
                    self.bump();
                    let value = Box::new(self.expression()?);
                    keywords.push(Keyword { span: self.span_from(start), arg: None, value });
                }
                TokenKind::Name if self.peek(1) == TokenKind::Equal => {
                    let start = self.start();
                    let arg = Some(self.name()?);
                    self.bump();
                    let value = Box::new(self.expression()?);
                    keywords.push(Keyword { span: self.span_from(start), arg, value });
                }
                _ if !keywords.is_empty() => return Err(Failure::Invalid),
                _ => {
                    let value = self.named_expression()?;
                    if allow_generator && args.is_empty() && self.at_comprehension() {
                        let generators = self.comprehensions()?;
                        self.expect(TokenKind::RightParen)?;
                        let elt = Box::new(value);
                        return Ok((
                            vec![self.finish(start, ExprKind::GeneratorExp { elt, generators })],
                            keywords,
                        ));
                    }
                    args.push(value);
                }
            }
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::RightParen)?;
        Ok((args, keywords))
    }
}
